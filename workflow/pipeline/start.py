"""What a run makes sure of before its first job, and says after a failed one."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from common.errors import AnalysisError
from common.files import remove_partial
from models.networks.registry import require_packages
from workflow.pipeline.watchdog import RunningError, hold_lock

CLOCK_TOLERANCE_S = 60
FULL_BYTES = 2**20
SLURM_LOGS = ".snakemake/slurm_logs"


class FolderError(AnalysisError):
    """The folder of the run, or a file's date, is in the way of a run."""


def starter(inputs: Sequence[str], workflow: Any, networks: Sequence[Any]) -> Callable[..., None]:
    """Return what Snakemake calls before the first job, with its errors as Snakemake's.

    It is `begin`, and a look for what the `networks` to be trained import, unless jobs have an
    environment of their own.
    """

    def begin_run(log: object = None) -> None:
        try:
            begin(inputs)
            if not workflow.deployment_settings.deployment_method:
                trained = trained_networks(workflow.dag.needrun_jobs())
                require_packages([spec for spec in networks if spec.name in trained])
        except AnalysisError as error:
            raise WorkflowError(str(error)) from None

    return begin_run


def begin(inputs: Iterable[str], results: Path = Path("results")) -> None:
    """Lock the folder, look for what an earlier run left, and tidy it.

    Parameters
    ----------
    inputs : iterable of str
        The input files on this machine.
    results : Path
        The folder that the run writes, in the current one.

    Raises
    ------
    RunningError
        If another run, or what an earlier one submitted, still works here.
    FolderError
        If `results` cannot be written to, or an input is dated in the future.
    """
    hold_lock(Path(".snakemake/run.lock"))
    refuse_submitted(submitted_jobs(Path.cwd()))
    require_writable(results)
    remove_partial(results)
    date_back(results)
    require_past(inputs)


def trained_networks(jobs: Iterable[Any]) -> set[str]:
    """Return the names of the networks, taggers and classifiers that Snakemake's jobs train."""
    names = [
        job.wildcards.get(kind)
        for job in jobs
        for kind in ("network", "tagger", "classifier")
        if "train" in job.rule.name  # a module may have given it a prefix
    ]
    return {name for name in names if name}


def submitted_jobs(folder: Path) -> list[str]:
    """Return the numbers of this user's SLURM jobs whose logs are of a run in `folder`."""
    if shutil.which("squeue") is None:
        return []
    command = ["squeue", "--me", "--noheader", "--Format=JobID:24,STDOUT:4096"]
    try:
        queue = subprocess.run(
            command, capture_output=True, encoding="utf-8", check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return []  # no cluster that answers; submitting to it says why
    rows = [line.partition(" ") for line in queue.stdout.splitlines()]
    logs = f"{folder.resolve() / SLURM_LOGS}/"
    return [number for number, _, log in rows if log.strip().startswith(logs)]


def refuse_submitted(jobs: list[str]) -> None:
    """Raise a RunningError if there are jobs: their run was killed, and they write what it did."""
    if jobs:
        raise RunningError(
            f"jobs that a killed run submitted are still in the queue: {' '.join(jobs)}; wait "
            f"until they end, or call scancel {' '.join(jobs)}"
        )


def require_writable(folder: Path) -> None:
    """Raise a FolderError if `folder`, made if need be, cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "read-only file system, or no permission"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise FolderError(
            f"{folder.resolve()} cannot be written to ({reason}): make it writable, or run in "
            "another folder (--directory)"
        )


def require_folders(templates: Iterable[str]) -> None:
    """Raise a FolderError if a file or a broken link stands where a run makes a folder.

    Parameters
    ----------
    templates : iterable of str
        Paths of results; their folders up to the first wildcard are looked at.
    """
    for template in templates:
        for folder in reversed(Path(template.partition("{")[0] + "_").parents):
            if folder.is_symlink() and not folder.exists():
                raise FolderError(
                    f"{folder.absolute()} is a link to {folder.readlink()}, which does not exist: "
                    "make that folder, or remove the link"
                )
            if folder.exists() and not folder.is_dir():
                raise FolderError(
                    f"{folder.absolute()} is a file, where a run makes a folder: rename it, or run "
                    "in another folder (--directory)"
                )


def full_disk(folder: Path) -> str:
    """Return what to tell where the disk is so full that jobs cannot say it in their logs."""
    if shutil.disk_usage(folder).free >= FULL_BYTES:
        return ""
    return f"The disk of {folder.resolve()} is full: free some space and run again."


def require_past(inputs: Iterable[str]) -> None:
    """Raise a FolderError for an input dated in the future: its products would look outdated."""
    latest = time.time() + CLOCK_TOLERANCE_S
    for name in inputs:
        path = Path(name)
        if path.exists() and (dated := path.stat().st_mtime) > latest:
            raise FolderError(
                f"{name} is dated in the future ({time.ctime(dated)}): set the clock right, or "
                "the file's date with touch"
            )


def date_back(folder: Path) -> None:
    """Date what was written while the clock was ahead as of now, so that it precedes new files."""
    now = time.time()
    for path in list(folder.rglob("*")):
        with suppress(FileNotFoundError):  # what the last jobs of a killed run still tidy away
            if path.lstat().st_mtime > now + CLOCK_TOLERANCE_S:
                os.utime(path, (now, now), follow_symlinks=False)
