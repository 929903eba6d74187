"""Samples on a server through the real Snakefile, beside samples on disk."""

import shutil
from pathlib import Path
from typing import Any

import awkward as ak

from analysis.config.reconstruction import Reconstruction
from analysis.reconstruction import reconstruct_file
from tests.conftest import DATA, ROOT, call_snakemake
from tests.file_server import serve
from tests.workflow.plans import planned

SNAKEFILE = ROOT / "Snakefile"


def test_remote_files_are_read_and_local_ones_watched(
    tiny_config: dict[str, Any], tmp_path: Path
) -> None:
    config = tiny_config
    local = tmp_path / "a folder with spaces, Ümläuts & (brackets)" / "it's $HOME.root"
    local.parent.mkdir()
    shutil.copy(DATA / "tiny_signal_mH1000.root", local)
    work = tmp_path / "ein Ordner für 日本"
    with serve(DATA) as server:
        server.behave = "drop"
        config["samples"][0]["files"] = [str(local)]
        config["samples"][1]["files"] = [server.url("tiny_qcd.root?download=1")]
        targets = (
            "results/events/signal_mH1000/it_s_HOME.parquet",
            "results/events/qcd/tiny_qcd.parquet",
        )
        run = call_snakemake(work, config, *targets)
        assert run.returncode == 0, run.stdout + run.stderr
        assert server.asked["drop"] > 0
    block = Reconstruction.model_validate(config["reconstruction"])
    for target, name in zip(targets, ("tiny_signal_mH1000", "tiny_qcd"), strict=True):
        reconstruct_file(str(DATA / f"{name}.root"), tmp_path / "undisturbed.parquet", block)
        table, undisturbed = map(ak.from_parquet, (work / target, tmp_path / "undisturbed.parquet"))
        assert ak.array_equal(table, undisturbed)

    assert not planned(work, config, SNAKEFILE, *targets), "the server is gone, the tables are not"
    shutil.copy(DATA / "tiny_qcd.root", local)
    assert planned(work, config, SNAKEFILE, *targets) == {"reconstruct": 1}
