"""Runs of a small analysis that can be disturbed: one network, one seed, up to the tables."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import yaml

from tests.conftest import DATA, ROOT, python

TARGETS = ("results/cutflow.csv", "results/metrics.csv", "results/limits.csv")


class SmallRun:
    """A folder with the real input files, the configuration, and what runs have left there.

    Attributes
    ----------
    folder : Path
        Where Snakemake works. It refers to nothing outside, so that copies of it are runs too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder."""
        (self.folder / "inputs").mkdir(parents=True)
        config = yaml.safe_load((DATA / "config.yaml").read_text())
        for sample in config["samples"]:
            (source,) = sample["files"]
            shutil.copy(ROOT / source, self.folder / "inputs")
            sample["files"] = [f"inputs/{Path(source).name}"]
        config["networks"] = [
            network for network in config["networks"] if network["architecture"] == "kinematics"
        ]
        config["training"]["seeds"] = [1]
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def call(self, *arguments: str) -> list[str]:
        """Return the words behind `python`; without targets among the arguments, for all tables."""
        targets = [] if any(a.startswith("results/") for a in arguments) else TARGETS
        words = ["-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        words += ["--directory", str(self.folder)]
        words += ["--configfile", str(self.folder / "config.yaml")]
        return [*words, *arguments, *targets]

    def complete(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; it and its jobs are forks of a Python that has all packages imported."""
        return python().run(self.call(*arguments), ROOT, environment or environ())

    def complete_alone(
        self, *arguments: str, environment: dict[str, str] | None = None, first: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end in processes of their own, as users have them.

        `first` is code that the first process runs before Snakemake.
        """
        _, _, *rest = words = self.call(*arguments)
        if first:
            words = ["-c", f"{first}\nfrom snakemake.cli import main; main()", *rest]
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT, env=environment or environ(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a run in a process group of its own, as a shell does; output in `run.log`."""
        with (self.folder / "run.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *self.call(*arguments)],
                cwd=ROOT, env=environ(), stdout=log, stderr=log, start_new_session=True,
                preexec_fn=listen,
            )  # fmt: skip

    def planned(self) -> Counter[str]:
        """Return how many jobs of each rule a call would run."""
        return jobs_of(self.complete("--cores", "1", "--dry-run"))

    def tables(self) -> dict[str, bytes]:
        """Return the contents of all tables."""
        results = self.folder / "results"
        paths = sorted([*results.glob("*.csv"), *results.glob("models/**/*.csv")])
        assert len(paths) >= 7
        return {str(path.relative_to(results)): path.read_bytes() for path in paths}

    def finished(self) -> dict[str, int]:
        """Return the dates of the outputs of finished jobs, as Snakemake's own records say."""
        records = self.folder / ".snakemake"
        unfinished = _recorded(records / "incomplete")
        paths = [name for name in _recorded(records / "metadata") if name not in unfinished]
        files = {name: self.folder / name for name in paths}
        return {name: path.stat().st_mtime_ns for name, path in files.items() if path.is_file()}

    def leftovers(self) -> list[Path]:
        """Return the files of writers that did not come to their end."""
        return list((self.folder / "results").rglob("*.part*"))


def copy_of(run: SmallRun, to: Path, *without: str) -> SmallRun:
    """Copy a run, dates and all, without the results that match some patterns."""
    shutil.copytree(run.folder, to, dirs_exist_ok=True)
    for pattern in without:
        found = list((to / "results").glob(pattern))
        assert found, f"nothing matches {pattern}"
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return SmallRun(to)


def listen() -> None:
    """Heed Ctrl-C again, which processes of a shell's background ignore from their start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _recorded(folder: Path) -> set[str]:
    """Return the outputs that Snakemake keeps a record of in `folder`."""
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    encoded = ["".join(part.removeprefix("@") for part in name.parts) for name in names]
    return {base64.b64decode(name, altchars=b"-_").decode() for name in encoded}


def jobs_of(run: subprocess.CompletedProcess[str]) -> Counter[str]:
    """Return how many jobs of each rule a call says that it runs."""
    assert run.returncode == 0, run.stdout + run.stderr
    text = run.stdout + run.stderr
    _, _, table = text.partition("Job stats:")
    rows = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
    return Counter({rule: int(number) for rule, number in rows if rule not in ("all", "total")})


def jobs_running(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the scripts that a run has started and that still work."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if _is_script(child)]


def _is_script(process: psutil.Process) -> bool:
    try:
        _, *arguments = process.cmdline() or [""]
    except psutil.Error:
        return False
    return arguments[:1] == ["-P"] and arguments[1] == str(ROOT / "workflow" / "job.py")
