import copy
import re
from collections import Counter
from pathlib import Path

import pytest

from common.errors import ConfigError
from tests.conftest import ROOT
from workflow.pipeline.config import load


def test_variations_are_reconstructed_and_scored_only_when_asked_for(tiny_config, snakemake):
    plain = snakemake(tiny_config, "-n")
    assert plain.returncode == 0, plain.stderr
    assert "variations/" not in plain.stdout + plain.stderr
    config = copy.deepcopy(tiny_config) | {"systematics": {"energy_scale": 0.03}}
    varied = snakemake(config, "-n", "-p")
    text = varied.stdout + varied.stderr
    assert varied.returncode == 0, text
    calls = re.findall(r'"\$BOOSTED_HH4B_JOB" (\w+) .* > results/logs/\w+/variations/(\w+)/', text)
    assert Counter(calls) == {
        (rule, variation): jobs
        for variation in ("jes_up", "jes_down")
        for rule, jobs in {"reconstruct": 2, "normalise": 2, "dataset": 2, "score": 4}.items()
    }, "the samples are files, and the networks stay as they are"
    assert '"energy_scale":-0.03' in text
    assert "--variation=jes=results/variations/jes_up/scores/" in text


def test_misspelt_systematic_is_an_error(tiny_config, snakemake):
    config = tiny_config | {"systematics": {"energy_scal": 0.03}}
    found = snakemake(config, "-n")
    assert found.returncode != 0
    assert "did you mean 'energy_scale'" in found.stdout + found.stderr


def test_another_shower_is_refused_where_a_sample_needs_pythia_s_own(tmp_path: Path):
    file = tmp_path / "systematics.yaml"
    file.write_text('systematics: {shower: ["PartonShowers:model = 2"]}')
    with pytest.raises(ConfigError, match=r"cannot make qcd_bbcc, .*qcd_rest, qcd_creation"):
        load([ROOT / "config.yaml", file])
    file.write_text('systematics: {shower: ["TimeShower:renormMultFac = 2"]}')
    assert load([ROOT / "config.yaml", file]).systematics.nuisances == {"shower": ("shower_up",)}
