"""The SLURM profile on a real SLURM: the same tables, the memory and the GPU that it asks for."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.robustness import slurm
from tests.robustness.runs import SmallRun

pytestmark = pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing())

EVERY_SECOND = """
import asyncio
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.sleep = lambda _: asyncio.sleep(1)
"""
"""Looks for finished jobs each second, where Snakemake waits 10 s more each time it finds none."""
PROFILE = ROOT / "workflow/profiles/slurm/config.yaml"


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """The environment in which a SLURM of this machine's own is found."""
    with (
        TemporaryDirectory(prefix="slurm.", dir="/tmp") as folder,
        slurm.one_machine(Path(folder)) as environment,
    ):
        yield {**environment, "PYTHONPATH": str(ROOT)}


def jobs_of(cluster: dict[str, str]) -> list[dict[str, Any]]:
    """Return all jobs that the cluster has seen."""
    run = subprocess.run(
        ["squeue", "--states=all", "--sort=i", "--json"],
        env=cluster, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(run.stdout)["jobs"])


def test_same_tables_through_slurm(
    cluster: dict[str, str], reference: SmallRun, fresh: SmallRun, tmp_path: Path
) -> None:
    profile = yaml.safe_load(PROFILE.read_text())
    # Too little for Python itself at first: what a job lacks is what it gets at its next attempt.
    profile["set-resources"]["reconstruct"]["mem_mb"] = "120 if attempt == 1 else 1000 * attempt"
    profile["set-resources"]["train"]["gpu"] = 1  # as `training.accelerator: cuda` asks for
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(profile))
    run = fresh.complete_alone(
        "--workflow-profile", str(tmp_path), "--slurm-init-seconds-before-status-checks", "1",
        environment=cluster, first=EVERY_SECOND,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert fresh.tables() == reference.tables()
    for folder in ("logs", "benchmarks"):
        here, there = (
            {path.relative_to(one.folder) for path in (one.folder / "results" / folder).rglob("*")}
            for one in (fresh, reference)
        )
        assert here == there
    logs = [path.read_text() for path in fresh.folder.glob(".snakemake/slurm_logs/*/*/*.log")]
    assert ["xceeded job memory limit" in log for log in logs] == [True, True]
    assert_asked_as_the_profile_says(jobs_of(cluster))


def assert_asked_as_the_profile_says(jobs: list[dict[str, Any]]) -> None:
    def of(name: str) -> list[dict[str, Any]]:
        return [job for job in jobs if job["comment"].startswith(f"rule_{name}")]

    failed, again = of("reconstruct")[:2], of("reconstruct")[2:]
    assert [job["job_state"] for job in failed] == ["FAILED", "FAILED"]
    assert [job["memory_per_node"] for job in failed] == [120, 120]
    assert [job["job_state"] for job in again] == ["COMPLETED", "COMPLETED"]
    assert [job["memory_per_node"] for job in again] == [2000, 2000]
    (network,) = of("networks")
    assert "gpu:1" in network["tres_per_job"]
    assert [len(of(group)) for group in ("datasets", "limits", "summary")] == [2, 1, 1]
    assert len(jobs) == 9


def test_run_waits_for_jobs_of_a_killed_one(cluster: dict[str, str], fresh: SmallRun) -> None:
    logs = fresh.folder / ".snakemake/slurm_logs/rule_train"
    logs.mkdir(parents=True)
    submitted = subprocess.run(
        ["sbatch", "--parsable", "--mem=100", f"--output={logs}/%j.log", "--wrap=sleep 300"],
        env=cluster, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    target = "results/normalisation/qcd.json"
    run = fresh.complete("--cores", "1", target, environment=cluster)
    assert run.returncode != 0
    assert f"still in the queue: {submitted}; wait" in run.stdout + run.stderr
    subprocess.run(["scancel", submitted], env=cluster, check=True)
    run = fresh.complete("--cores", "1", target, environment=cluster)
    assert run.returncode == 0, run.stdout + run.stderr
