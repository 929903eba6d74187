import pytest

from analysis.simulation.model import ALIGNMENT, cross_section_times_branching
from common.errors import ConfigError


def test_cross_section_falls_with_the_mass_and_follows_the_coupling():
    light, heavy = (cross_section_times_branching(m, ALIGNMENT, 14e3, 300, 1) for m in (600, 1000))
    assert light > 50 * heavy
    double = (*ALIGNMENT[:2], "HiggsH2:coup2H1H1 = 2.")
    # the width to hh goes with the coupling squared, and hardly adds to the total one
    assert cross_section_times_branching(1000, double, 14e3, 300, 1) == pytest.approx(
        4 * heavy, rel=0.02
    )


def test_misspelt_setting_is_an_error():
    with pytest.raises(ConfigError, match="HiggsH2:coup2X"):
        cross_section_times_branching(1000, ["HiggsH2:coup2X = 1."], 14e3, 100, 1)
