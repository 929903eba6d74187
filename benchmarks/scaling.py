"""CPU time and peak memory of every rule as the number of events grows.

    python -m benchmarks.scaling [--events 1000 --events 10000 …] [--rules train …] [--folder DIR]

Builds samples of the wanted sizes by repeating the reconstructed events of tests/data with new
entry numbers and momenta smeared by 5%, one fifth of them signal, and runs the rules' scripts on
them, each in a process of its own. `reconstruct` reads ROOT files with a tenth of the events.
Trainings stream (`training.memory_mb: 100`) and last one epoch. `limit`, `metrics`,
`calibration` and `network_ratios` read scores of as many events as the samples have, drawn
from known distributions. One million events need 14 GB of disk; rules of scores alone, named with
`--rules`, need 50 MB.

The last column is the power of the number of events with which the CPU time grows, from the three
largest sizes; whatever a process needs to start drops out of it.
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

import typer
from scipy.optimize import brentq

from benchmarks.scaling_samples import draw_scores, repeat, repeat_root

DATA = Path(__file__).parents[1] / "tests" / "data"
ROOT_FILES = {"signal": "tiny_signal_mH1000.root", "qcd": "tiny_qcd.root"}
TRAINING = {"epochs": 1, "batch_size": 1024, "memory_mb": 100, "accelerator": "cpu"}
NETWORK = {"name": "kinematics", "architecture": "kinematics"}
TREES = {"name": "bdt", "architecture": "high_level_bdt", "trees": 10, "max_events": 5000}
TAGGER = {
    "name": "tagger", "architecture": "jet_tagger", "width": 8, "heads": 1,
    "jet_encoder": {"kind": "self_attention", "layers": 1},
}  # fmt: skip
TASK = {"name": "higgs", "signal": ["signal"], "background": ["qcd"]}
LUMINOSITY = ("--luminosity", 3000)
CHUNK = 100_000
"""Events of a file of reconstructed events."""
NOISE = {"first": 0.3, "second": 1.0}
"""Noise of two networks on what they both see."""
LEAST = 0.5
"""Differences of CPU time [s] from which no power is told."""


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
        lines = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
        peak = max([peak, *(int(x.split()[1]) for x in lines if x.startswith("VmHWM"))])
        time.sleep(0.02)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return Run(usage.ru_utime + usage.ru_stime, peak / 1e3)


class Samples:
    """Samples of one size in a folder, and the scripts that make and read their files."""

    def __init__(self, folder: Path, events: int) -> None:
        self.folder, self.events = folder, events
        blocks: dict[str, dict[str, Any]] = {
            "signal": {"process": "signal", "label": "signal", "mass_gev": 1000},
            "qcd": {"process": "qcd", "label": "background", "cross_section_pb": 1},
        }
        self.blocks = {
            name: {"name": name, **block, "files": ["0.root"]} for name, block in blocks.items()
        }
        self.datasets = [folder / f"{name}.h5" for name in self.blocks]
        self.model, self.tagger = folder / "model", folder / "tagger"
        self.scores = {name: folder / "scores" / name / "signal" / "1.parquet" for name in NOISE}

    def chunks_of(self, name: str) -> dict[str, int]:
        """Return the chunks of a sample, with their events."""
        left = self.events_of(name)
        return {str(k): min(CHUNK, left - start) for k, start in enumerate(range(0, left, CHUNK))}

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
            for chunk, events in self.chunks_of(name).items():
                repeat(tiny / "0.parquet", events, self.folder / name / f"{chunk}.parquet")

    def prepare_scores(self) -> None:
        """Write the scores of two networks."""
        for name, noise in NOISE.items():
            draw_scores(self.events, noise, self.scores[name], name)

    def reconstruct(self) -> Run:
        source = self.folder / "delphes.root"
        repeat_root(DATA / ROOT_FILES["signal"], self.events // 10, source)
        return reconstruct(source, "signal", self.folder / "reconstructed")

    def tag_map(self) -> Run:
        sample = {"folder": str(self.folder / "qcd"), "chunks": list(self.chunks_of("qcd"))}
        members = [sample | {"normalisation": str(self.folder / "qcd.json")}]
        return measure(
            "workflow.scripts.tag_map", "--samples", json.dumps(members), "--process", "qcd",
            "--output", self.folder / "tag_map.json",
        )  # fmt: skip

    def dataset(self) -> Run:
        runs = [
            measure(
                "workflow.scripts.dataset", "--sample", json.dumps(block),
                "--btagging", '{"mode": "truth"}', "--chunks", json.dumps([*self.chunks_of(name)]),
                "--events", self.folder / name, "--normalisation", self.folder / f"{name}.json",
                "--output", self.folder / f"{name}.h5",
            )
            for name, block in self.blocks.items()
        ]  # fmt: skip
        return Run(sum(run.seconds for run in runs), max(run.memory for run in runs))

    def cutflow(self) -> Run:
        folders = ("--normalisations", self.folder, "--datasets", self.folder)
        output = self.folder / "cutflow.csv"
        removed = ("--n-minus-one", self.folder / "n_minus_one.csv", "--figure", self.folder / "n")
        return measure(
            "workflow.scripts.cutflow", *self.blocks, *folders, *LUMINOSITY, "--output", output,
            *removed,
        )  # fmt: skip

    def train(self) -> Run:
        return self._train(NETWORK, self.model)

    def train_trees(self) -> Run:
        return self._train(TREES, self.folder / "trees")

    def train_jets(self) -> Run:
        return measure(
            "workflow.scripts.train_jets", *self.datasets, "--tagger", json.dumps(TAGGER),
            "--training", json.dumps(TRAINING), *self._jets(), "--output", self.tagger,
        )  # fmt: skip

    def evaluate_jets(self) -> Run:
        output = ("--output", self.folder / "jets.json")
        options = ("--model", self.tagger, *self._jets(), *output)
        return measure("workflow.scripts.evaluate_jets", *self.datasets, *options)

    def score(self) -> Run:
        output = ("--output", self.folder / "scores.parquet")
        return self._of_model("score", *LUMINOSITY, *output)

    def interpret(self) -> Run:
        return self._of_model("interpret", "--config", "{}", "--output", self.folder / "looked")

    def limit(self) -> Run:
        return self._of_scores("limit")

    def metrics(self) -> Run:
        return self._of_scores("metrics")

    def calibration(self) -> Run:
        options = ("--cap-quantile", 0.99, "--output", self.folder / "calibration.csv")
        return measure("workflow.scripts.calibration", self.scores["first"], *options)

    def network_ratios(self) -> Run:
        pairs = json.dumps([["theta", *NOISE]])
        options = ("--pairs", pairs, "--output", self.folder / "ratios.csv")
        return measure("workflow.scripts.network_ratios", *self.scores.values(), *options)

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

    def _train(self, network: dict[str, Any], output: Path) -> Run:
        return measure(
            "workflow.scripts.train", *self.datasets, "--network", json.dumps(network),
            "--training", json.dumps(TRAINING), "--dataset", "{}", "--seed", 1,
            "--output", output,
        )  # fmt: skip

    def _jets(self) -> tuple[object, ...]:
        return ("--dataset", "{}", "--task", json.dumps(TASK), "--seed", 1)

    def _of_model(self, rule: str, *options: object) -> Run:
        common = ("--model", self.model, "--dataset", "{}", "--seed", 1)
        return measure(f"workflow.scripts.{rule}", *self.datasets, *common, *options)

    def _of_scores(self, rule: str) -> Run:
        key = ("--network", "kinematics", "--mass", 1000, "--seed", 1)
        output = ("--output", self.folder / f"{rule}.json")
        return measure(f"workflow.scripts.{rule}", "--scores", self.scores["first"], *key, *output)

    def _of_datasets(self, rule: str) -> Run:
        output = ("--output", self.folder / rule)
        return measure(f"workflow.scripts.{rule}", *self.datasets, *output)


OF_EVENTS = (
    "reconstruct", "tag_map", "dataset", "cutflow", "train", "train_trees", "score", "interpret",
    "train_jets", "evaluate_jets", "distributions", "jet_images", "theta_correlation",
    "event_display",
)  # fmt: skip
OF_SCORES = ("limit", "metrics", "calibration", "network_ratios")
RULES: dict[str, Callable[[Samples], Run]] = {
    name: getattr(Samples, name) for name in (*OF_EVENTS, *OF_SCORES)
}


def reconstruct(source: Path, sample: str, folder: Path) -> Run:
    """Reconstruct a file as chunk 0 of a sample."""
    output = ("--events", folder / "0.parquet", "--cutflow", folder / "0.cutflow.json")
    return measure("workflow.scripts.reconstruct", source, "--sample", sample, *output)


def exponent(sizes: list[int], runs: list[Run]) -> str:
    """Return p for CPU times a + b·eventsᵖ at the three largest sizes.

    Empty where there are fewer, or where the time hardly differs between them.
    """
    if len(runs) < 3:
        return ""
    (x, y, z), (low, middle, high) = sizes[-3:], (run.seconds for run in runs[-3:])
    if middle - low < LEAST or high - middle < LEAST:
        return "–"
    wanted = (high - middle) / (middle - low)
    power = brentq(lambda p: (z**p - y**p) / (y**p - x**p) - wanted, 0.01, 5)
    return f"{power:.2f}"


def lines(sizes: list[int], found: dict[str, list[Run]]) -> Iterator[str]:
    """Yield the table in Markdown."""
    head = [f"{size:,} events: CPU [s] | peak [MB]" for size in sizes]
    yield f"| rule | {' | '.join(head)} | exponent |"
    yield "|---" * (2 * len(sizes) + 2) + "|"
    for rule, runs in found.items():
        cells = [f"{run.seconds:.1f} | {run.memory:.0f}" for run in runs]
        yield f"| {rule} | {' | '.join(cells)} | {exponent(sizes, runs)} |"


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
            if set(found) & set(OF_EVENTS) and not (samples.folder / "qcd").exists():
                samples.prepare()
            if set(found) & set(OF_SCORES) and not (samples.folder / "scores").exists():
                samples.prepare_scores()
            for rule, runs in found.items():
                runs.append(RULES[rule](samples))
                print(f"{size} {rule}: {runs[-1]}", file=sys.stderr, flush=True)
    finally:
        if folder is None:
            shutil.rmtree(place)
    print("\n".join(lines(sizes, found)))


if __name__ == "__main__":
    typer.run(main)
