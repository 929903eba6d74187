import numpy as np
import pytest
from pydantic import ValidationError

from analysis.config.benchmarks import Benchmark
from analysis.statistics.published import published_limits, published_ratio
from workflow.reporting.comparison import published_curves

BY_NAME = {entry.name: entry for entry in published_limits()}


def test_limits_as_published():
    atlas = BY_NAME["atlas_2202.07288"]
    assert atlas.kind == "observed"
    assert dict(zip(atlas.masses, atlas.cross_section(), strict=True))[2000] == 2.80
    assert 1000 not in atlas.masses
    cms = BY_NAME["cms_1710.04960"]
    assert dict(zip(cms.masses, cms.cross_section(), strict=True))[1000] == pytest.approx(
        21.2 / 0.339, rel=2e-3
    )
    radion = BY_NAME["cms_2407.13872"]
    assert dict(zip(radion.mass_gev, radion.limit_fb, strict=True)) == {1000: 9.74, 3000: 0.29}


def test_every_entry_says_what_it_is_and_where_it_is_from():
    for entry in BY_NAME.values():
        assert "arXiv:" in entry.source
        assert entry.spin == 0  # what they are compared with
        if entry.kind != "projection":
            assert f"({entry.kind[:3]}.)" in entry.label


def test_values_with_unknown_ones_between_are_not_joined():
    lines = {curve.label: curve.line for curve in published_curves(3000.0)}
    drawn = [line for label, line in lines.items() if label.startswith("CMS 138")]
    assert drawn == ["none", "none"]
    assert "none" not in {line for label, line in lines.items() if "CMS 138" not in label}


@pytest.mark.parametrize(("scaling", "power"), [("linear", 1.0), ("sqrt", 0.5)])
def test_scaling_with_luminosity(scaling, power):
    for entry in published_limits():
        factor = (entry.luminosity / 3000) ** power
        np.testing.assert_allclose(
            entry.cross_section(3000, scaling), entry.cross_section() * factor
        )
        assert (entry.cross_section(3000, scaling) <= entry.cross_section()).all()


def test_published_ratio_is_that_of_its_question_mass_and_efficiency():
    assert published_ratio("theta", 1000.0, 0.8) == 4.0
    for other in (("fusion", 1000.0, 0.8), ("theta", 900.0, 0.8), ("theta", 1000.0, 0.5)):
        assert published_ratio(*other) is None


def test_columns_of_different_length_are_an_error():
    with pytest.raises(ValidationError, match="same length"):
        Benchmark(name="a", label="a", source="a", mass_gev=(1000.0,), cross_section_fb=(1.0, 2.0))
