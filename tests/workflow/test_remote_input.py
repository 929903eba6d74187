"""Samples on a server through the real Snakefile, beside samples on disk."""

import shutil
from pathlib import Path
from typing import Any

import awkward as ak

from analysis.config.reconstruction import Reconstruction
from analysis.reconstruction.reconstruct import reconstruct_file
from tests.conftest import DATA, ROOT, call_snakemake
from tests.file_server import serve
from tests.workflow.plans import planned
from workflow.pipeline.inputs import chunk_name

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
        names = [chunk_name(sample["files"][0]) for sample in config["samples"]]
        assert [name.rpartition("_")[0] for name in names] == ["it_s_HOME", "tiny_qcd"]
        targets = [
            f"results/events/{sample['name']}/{name}.parquet"
            for sample, name in zip(config["samples"], names, strict=True)
        ]
        run = call_snakemake(work, config, *targets)
        assert run.returncode == 0, run.stdout + run.stderr
        assert server.asked["drop"] > 0
    block = Reconstruction.model_validate(config["reconstruction"])
    for target, name in zip(targets, ("tiny_signal_mH1000", "tiny_qcd"), strict=True):
        reconstruct_file(str(DATA / f"{name}.root"), tmp_path / "undisturbed.parquet", block)
        table, undisturbed = map(ak.from_parquet, (work / target, tmp_path / "undisturbed.parquet"))
        assert ak.array_equal(table, undisturbed)

    assert not planned(work, config, SNAKEFILE, *targets), "the server is gone, the tables are not"
    with local.open("ab") as file:
        file.write(b"\0")
    assert planned(work, config, SNAKEFILE, *targets) == {"reconstruct": 1}
