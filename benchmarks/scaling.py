"""CPU time and peak memory of every rule as the number of events grows.

    python -m benchmarks.scaling [--events 1000 10000 100000] [--rules train score …]

Builds samples of the wanted sizes by repeating the reconstructed events of tests/data with new
entry numbers and momenta smeared by 5%, one fifth of them signal, and runs the rules' scripts on
them, each in a process of its own. The last column is the exponent of CPU time against events
between the two largest sizes, after the time at the smallest size, which is mostly the start of a
process, has been taken off. `reconstruct` reads ROOT files with a tenth of the events. Trainings
stream (`training.memory_mb: 100`) and last one epoch. One million events need 12 GB of disk.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import awkward as ak
import numpy as np
import typer
import uproot

from analysis.event_table import EventTableWriter, event_tables

DATA = Path(__file__).parents[1] / "tests" / "data"
ROOT_FILES = {"signal": "tiny_signal_mH1000.root", "qcd": "tiny_qcd.root"}
STEP = 1000
TRAINING = {"epochs": 1, "batch_size": 1024, "memory_mb": 100, "accelerator": "cpu"}
NETWORK = {"name": "kinematics", "architecture": "kinematics"}
SMEARED = ("pt", "mass", "energy")


class Run(NamedTuple):
    """What a process took: CPU seconds and largest resident memory [MB]."""

    seconds: float
    memory: float


def measure(*command: object) -> Run:
    """Run a script of the workflow and watch it."""
    words = [sys.executable, "-m", *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment)
    peak = 0
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            break
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        peak = max([peak, *(int(x.split()[1]) for x in lines if x.startswith("VmHWM"))])
        time.sleep(0.02)
    if status:
        raise typer.Exit(f"{' '.join(words)} failed")
    return Run(usage.ru_utime + usage.ru_stime, peak / 1e3)


class Samples:
    """Samples of one size in a folder, and the scripts that make and read their files."""

    def __init__(self, folder: Path, events: int) -> None:
        self.folder, self.events = folder, events
        signal = {"name": "signal", "process": "signal", "label": "signal", "mass_gev": 1000}
        qcd = {"name": "qcd", "process": "qcd", "label": "background", "cross_section_pb": 1}
        self.blocks = {block["name"]: block | {"files": ["0.root"]} for block in (signal, qcd)}
        self.datasets = [folder / f"{name}.h5" for name in self.blocks]
        self.model, self.scores = folder / "model", folder / "scores.parquet"

    def events_of(self, name: str) -> int:
        return self.events // 5 if name == "signal" else self.events - self.events // 5

    def prepare(self) -> None:
        """Write the event tables, and what belongs to them."""
        for name, block in self.blocks.items():
            tiny = self.folder / f"tiny_{name}"
            reconstruct(DATA / ROOT_FILES[name], name, tiny)
            arguments = ["--sample", json.dumps(block), "--chunks", '["0"]', "--events", tiny]
            output = self.folder / f"{name}.json"
            measure("workflow.scripts.normalise", *arguments, "--output", output)
            repeat(tiny / "0.parquet", self.events_of(name), self.folder / name / "0.parquet")

    def reconstruct(self) -> Run:
        source = self.folder / "delphes.root"
        repeat_root(DATA / ROOT_FILES["signal"], self.events // 10, source)
        return reconstruct(source, "signal", self.folder / "reconstructed")

    def tag_map(self) -> Run:
        sample = {"folder": str(self.folder / "qcd"), "chunks": ["0"]}
        members = [sample | {"normalisation": str(self.folder / "qcd.json")}]
        return measure(
            "workflow.scripts.tag_map", "--samples", json.dumps(members), "--process", "qcd",
            "--output", self.folder / "tag_map.json",
        )  # fmt: skip

    def dataset(self) -> Run:
        runs = [
            measure(
                "workflow.scripts.dataset", "--sample", json.dumps(block),
                "--btagging", '{"mode": "truth"}', "--chunks", '["0"]',
                "--events", self.folder / name, "--normalisation", self.folder / f"{name}.json",
                "--output", self.folder / f"{name}.h5",
            )
            for name, block in self.blocks.items()
        ]  # fmt: skip
        return Run(sum(run.seconds for run in runs), max(run.memory for run in runs))

    def cutflow(self) -> Run:
        folders = ("--normalisations", self.folder, "--datasets", self.folder)
        output = self.folder / "cutflow.csv"
        return measure("workflow.scripts.cutflow", *self.blocks, *folders, "--output", output)

    def train(self) -> Run:
        return measure(
            "workflow.scripts.train", *self.datasets, "--network", json.dumps(NETWORK),
            "--training", json.dumps(TRAINING), "--dataset", "{}", "--seed", 1,
            "--output", self.model,
        )  # fmt: skip

    def score(self) -> Run:
        return measure(
            "workflow.scripts.score", *self.datasets, "--model", self.model, "--dataset", "{}",
            "--seed", 1, "--output", self.scores,
        )  # fmt: skip

    def limit(self) -> Run:
        return self._of_scores("limit")

    def metrics(self) -> Run:
        return self._of_scores("metrics")

    def distributions(self) -> Run:
        figures, table = self.folder / "figures", self.folder / "figures.csv"
        options = ("--figures", figures, "--output", table)
        return measure("workflow.scripts.distributions", *self.datasets, *options)

    def jet_images(self) -> Run:
        return self._of_datasets("jet_images")

    def theta_correlation(self) -> Run:
        return self._of_datasets("theta_correlation")

    def event_display(self) -> Run:
        output = ("--radius", 1, "--output", self.folder / "event")
        return measure("workflow.scripts.event_display", self.datasets[1], *output)

    def _of_scores(self, rule: str) -> Run:
        key = ("--network", "kinematics", "--mass", 1000, "--seed", 1)
        output = ("--output", self.folder / f"{rule}.json")
        return measure(f"workflow.scripts.{rule}", "--scores", self.scores, *key, *output)

    def _of_datasets(self, rule: str) -> Run:
        output = ("--output", self.folder / rule)
        return measure(f"workflow.scripts.{rule}", *self.datasets, *output)


RULES: dict[str, Callable[[Samples], Run]] = {
    name: getattr(Samples, name)
    for name in (
        "reconstruct", "tag_map", "dataset", "cutflow", "train", "score", "limit", "metrics",
        "distributions", "jet_images", "theta_correlation", "event_display",
    )
}  # fmt: skip


def reconstruct(source: Path, sample: str, folder: Path) -> Run:
    """Reconstruct a file as chunk 0 of a sample."""
    output = ("--events", folder / "0.parquet", "--cutflow", folder / "0.cutflow.json")
    return measure("workflow.scripts.reconstruct", source, "--sample", sample, *output)


def repeat(source: Path, events: int, output: Path) -> None:
    """Write a table of `events` events: those of `source` again and again, smeared."""
    table = ak.concatenate(list(event_tables(source)))
    rng = np.random.default_rng(1)
    output.parent.mkdir(parents=True, exist_ok=True)
    with EventTableWriter(output) as writer:
        for start in range(0, events, STEP):
            entries = np.arange(start, min(start + STEP, events))
            part = table[rng.integers(len(table), size=len(entries))]
            part["entry"] = entries
            factor = rng.lognormal(0, 0.05, (len(part), 2)).astype(np.float32)
            for name in SMEARED:
                part["fatjet", name] = part["fatjet", name] * factor
            writer.write(part)


def repeat_root(source: Path, events: int, output: Path) -> None:
    """Write a Delphes file of `events` events: those of `source` again and again."""
    with uproot.open(source) as file, uproot.recreate(output) as new:
        tree = file["Delphes"]
        names = [name for name in tree.keys(full_paths=False) if "." in name]
        arrays = {name: tree[name].array() for name in names if "fBits" not in name}
        branches = {n: a for n, a in arrays.items() if a.ndim <= 2 and not a.fields}
        written = None
        for start in range(0, events, STEP):
            rows = np.arange(start, min(start + STEP, events)) % tree.num_entries
            part = {name: ak.to_packed(array[rows]) for name, array in branches.items()}
            if written is None:
                written = new.mktree("Delphes", {n: a.type.content for n, a in part.items()})
            written.extend(part)


def exponent(sizes: list[int], runs: list[Run]) -> float:
    """Return d ln(CPU time) / d ln(events) between the two largest sizes, start-up taken off."""
    low, high = (run.seconds - runs[0].seconds for run in runs[-2:])
    grown = np.log(np.array(sizes[-2:]) - sizes[0])
    return float(np.log(high / low) / (grown[1] - grown[0])) if low > 0 < high else float("nan")


def lines(sizes: list[int], found: dict[str, list[Run]]) -> Iterator[str]:
    """Yield the table in Markdown."""
    head = [f"{size:,} events: CPU [s] | peak [MB]" for size in sizes]
    yield f"| rule | {' | '.join(head)} | exponent |"
    yield "|---" * (2 * len(sizes) + 2) + "|"
    for rule, runs in found.items():
        cells = [f"{run.seconds:.1f} | {run.memory:.0f}" for run in runs]
        power = f"{exponent(sizes, runs):.2f}" if len(runs) > 2 else ""
        yield f"| {rule} | {' | '.join(cells)} | {power} |"


def main(
    events: Annotated[list[int] | None, typer.Option(help="Numbers of events.")] = None,
    rules: Annotated[list[str] | None, typer.Option(help="Rules to measure; all.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder to work in, and to keep.")] = None,
) -> None:
    """Measure the rules at all sizes, the smallest first."""
    sizes: list[int] = sorted(events or [1000, 10_000, 100_000])
    place = folder or Path(tempfile.mkdtemp(prefix="scaling-"))
    found: dict[str, list[Any]] = {rule: [] for rule in rules or RULES}
    try:
        for size in sizes:
            samples = Samples(place / str(size), size)
            if not (samples.folder / "qcd").exists():
                samples.prepare()
            for rule, runs in found.items():
                runs.append(RULES[rule](samples))
                print(f"{size} {rule}: {runs[-1]}", file=sys.stderr, flush=True)
    finally:
        if folder is None:
            shutil.rmtree(place)
    print("\n".join(lines(sizes, found)))


if __name__ == "__main__":
    typer.run(main)
