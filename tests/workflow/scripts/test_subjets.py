"""The figures of the subjets of Higgs jets, from Delphes files."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.config.reconstruction import SubjetScan
from common.errors import EmptySampleError
from tests.conftest import ROOT
from tests.delphes_files import QCD, SIGNAL
from workflow.pipeline import paths
from workflow.pipeline.config import load
from workflow.pipeline.inputs import all_chunks
from workflow.pipeline.targets import Targets
from workflow.scripts import subjet_scan, subjet_tree

SCAN = '{"events": 30, "radii": [0.2, 0.4]}'


def test_scan_is_a_table_and_a_figure(tmp_path: Path) -> None:
    image = tmp_path / "scan.png"
    subjet_scan.main([str(SIGNAL), str(SIGNAL)], '{"step_size": 20}', SCAN, 1000.0, image)
    table = pd.read_csv(image.with_suffix(".csv"))
    assert table.groupby("algorithm")["radius"].apply(list).to_dict() == {
        name: [0.2, 0.4] for name in ("antikt", "cambridge", "hdbscan")
    }
    assert (table["mass_gev"] == 1000).all()
    assert table["jets"].nunique() == 1
    assert all(image.with_suffix(f".{kind}").stat().st_size > 1000 for kind in ("png", "pdf"))


def test_tree_of_a_jet_is_a_table_and_a_figure(tmp_path: Path) -> None:
    image = tmp_path / "tree.png"
    subjet_tree.main([str(SIGNAL)], "{}", SCAN, 1000.0, image)
    table = pd.read_csv(image.with_suffix(".csv"))
    assert len({*table["first"], *table["second"]}) == len(table) + 1
    assert (table["distance"] > 0).all()
    assert image.stat().st_size > 1000


def test_a_sample_without_higgs_jets_is_named(tmp_path: Path) -> None:
    block, image = '{"fatjets": {"pt_min": 900}}', tmp_path / "a.png"
    with pytest.raises(EmptySampleError, match=r"tiny_qcd.root: raise subjet_scan.events"):
        subjet_scan.main([str(QCD)], block, SCAN, 1000.0, image)
    assert not list(tmp_path.iterdir())


def test_both_are_products_where_they_are_wanted_alone() -> None:
    config = load([ROOT / "config.yaml"])
    chunks = all_chunks(config.samples)
    wanted = config.model_copy(update={"subjet_scan": SubjetScan(events=500)})
    added = set(Targets(wanted, chunks).products()) - set(Targets(config, chunks).products())
    signals = [signal.name for signal in config.signals]
    templates = (paths.SUBJET_SCAN, paths.SUBJET_TREE)
    assert added == {f"{one.format(signal=name)}.png" for one in templates for name in signals}
