"""How fast the reconstruction is, beside an event loop and beside what it cannot do without.

    python -m benchmarks.reconstruction [FILES…]

The floor, measured in the same run on the same files, is decompressing the branches and clustering
the energy-flow objects with anti-kT. The event loop (`benchmarks.event_loop`) takes Delphes' fat
jets and orients them jet by jet; its θ must be ours. Opening a file (parsing the metadata of its
branches, about 0.1 s with uproot however many events it holds) is shown apart and left out of all.
CPU time of the best of several rounds, interleaved, since the machine may be shared.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import process_time
from typing import Annotated, Any
from unittest.mock import patch

import awkward as ak
import fastjet
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from analysis.config.reconstruction import FatJets, Reconstruction, Subjets
from analysis.delphes.reader import DelphesFile, open_delphes
from analysis.reconstruction import reconstruct as reconstruction
from analysis.reconstruction.event_table import EventTableWriter
from analysis.reconstruction.fatjets import jet_definition, momenta
from benchmarks.event_loop import loop, read_tree

DATA = Path(__file__).parents[1] / "tests" / "data"
STAGES: dict[str, list[tuple[Any, str]]] = {
    "fat jets": [(reconstruction, "find_fatjets")],
    "subjets": [(reconstruction, "find_subjets")],
    "flavour": [(reconstruction, "heavy_hadrons"), (reconstruction, "subjet_flavour")],
    "orientation": [(reconstruction, "orient")],
    "write": [(EventTableWriter, "write"), (EventTableWriter, "__exit__")],
}


LOOPS = {"event loop on awkward arrays": False, "event loop on lists": True}


class Stopwatch:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.add(stage, process_time() - start)

        return timed


@contextmanager
def watch(watch: Stopwatch) -> Iterator[None]:
    """Time the stages of the reconstruction while the body runs."""
    steps = DelphesFile.steps

    def timed_steps(file: DelphesFile, step_size: int) -> Iterator[ak.Array]:
        advance = watch.wrap("read", lambda: next(iterator, None))
        iterator = steps(file, step_size)
        while (events := advance()) is not None:
            yield events

    @contextmanager
    def timed_open(path: str, **options: Any) -> Iterator[DelphesFile]:
        with ExitStack() as opened:
            enter = watch.wrap("open", opened.enter_context)
            yield enter(open_delphes(path, **options))

    with ExitStack() as stack:
        for stage, functions in STAGES.items():
            for owner, name in functions:
                timed = watch.wrap(stage, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, timed))
        stack.enter_context(patch.object(DelphesFile, "steps", timed_steps))
        stack.enter_context(patch.object(reconstruction, "open_delphes", timed_open))
        yield


def reconstruct(files: list[str], config: Reconstruction) -> Stopwatch:
    """Return the stages of one round over all files; `total` leaves out opening them."""
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder, watch(stopwatch):
        start = process_time()
        for file in files:
            reconstruction.reconstruct_file(file, Path(folder) / "events.parquet", config)
        total = process_time() - start
    stopwatch.seconds["total"] = total - stopwatch.seconds["open"]
    return stopwatch


def floor(files: list[str], config: Reconstruction) -> Stopwatch:
    """Return what decompression and anti-kT clustering alone take."""
    stopwatch = Stopwatch()
    definition = jet_definition("antikt", config.fatjets.radius)
    for path in files:
        with open_delphes(path) as file:
            read = stopwatch.wrap("decompression", lambda b, tree=file.tree: tree[b].array())
            for branch in file.branches:
                read(branch)
            for events in file.steps(config.step_size):
                inside = abs(events.eflow.eta) < config.fatjets.input_abs_eta_max
                objects = momenta(ak.to_packed(events.eflow[inside]))
                stopwatch.wrap("anti-kT", fastjet.ClusterSequence)(objects, definition)
    return stopwatch


def event_loop(files: list[str]) -> Stopwatch:
    """Return what an event loop takes, on awkward arrays and on lists."""
    stopwatch = Stopwatch()
    for path in files:
        with read_tree(path) as tree:
            for name, as_lists in LOOPS.items():
                stopwatch.wrap(name, loop)(tree, as_lists=as_lists)
    return stopwatch


def largest_difference(path: str) -> float:
    """Return how far a θ of the event loop is from ours at most [rad]; the events must agree."""
    config = Reconstruction(fatjets=FatJets(source="delphes"))
    with open_delphes(path, fatjets=True) as file:
        tables = [reconstruction.reconstruct(step, config)[0] for step in file.steps(1000)]
    ours = ak.concatenate(tables)
    with read_tree(path) as tree:
        theirs = loop(tree, as_lists=True)
    if list(theirs) != ours.entry.to_list():
        raise AssertionError(f"{path}: the event loop selects other events")
    theta = np.array([[jet["theta"] for jet in pair] for pair in theirs.values()])
    away = (ours.fatjet.theta - theta + np.pi / 2) % np.pi - np.pi / 2
    return float(ak.max(abs(away))) if len(theta) else 0.0


def best(rounds: list[Stopwatch]) -> dict[str, float]:
    return {stage: min(r.seconds[stage] for r in rounds) for stage in rounds[0].seconds}


def main(
    files: Annotated[
        list[str] | None, typer.Argument(help="Delphes files; those of tests/data if none.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which the best counts.")] = 3,
    subjets: Annotated[str, typer.Option(help="Algorithm of the subjets.")] = "cambridge",
) -> None:
    """Time the reconstruction of Delphes files against its floor."""
    files = files or sorted(str(path) for path in DATA.glob("*.root"))
    n_events = 0
    for path in files:
        with open_delphes(path) as file:
            n_events += file.tree.num_entries
    console = Console()
    away = max(map(largest_difference, files))
    console.print(f"{len(files)} files, {n_events} events, CPU ms per event")
    console.print(f"θ of the event loop: at most {away:.1e} rad from ours")
    of_jets = Subjets.model_validate({"algorithm": subjets})
    configs = {
        s: Reconstruction(fatjets=FatJets(source=s), subjets=of_jets) for s in ("eflow", "delphes")
    }
    for config in configs.values():
        reconstruct(files[:1], config)
    measured: dict[str, list[Stopwatch]] = {name: [] for name in (*configs, "floor", "loop")}
    for _ in range(rounds):
        for source, config in configs.items():
            measured[source].append(reconstruct(files, config))
        measured["floor"].append(floor(files, configs["eflow"]))
        measured["loop"].append(event_loop(files))
    for source in configs:
        peers = (best(measured["floor"]), best(measured["loop"]))
        console.print(_table(source, best(measured[source]), *peers, n_events))


def _table(
    source: str,
    ours: dict[str, float],
    least: dict[str, float],
    loops: dict[str, float],
    n_events: int,
) -> Table:
    total, bottom = ours.pop("total"), sum(least.values())
    opening = ours.pop("open")
    ours["the rest"] = total - sum(ours.values())
    table = Table("stage", "ms / event", "share", title=f"fat jets: {source}", min_width=48)
    for stage, seconds in ours.items():
        table.add_row(stage, f"{1e3 * seconds / n_events:.3f}", f"{seconds / total:.0%}")
    table.add_section()
    events_s, all_in = n_events / total, n_events / (total + opening)
    table.add_row("all", f"{1e3 * total / n_events:.3f}", f"{events_s:.0f} events/s")
    for stage, seconds in least.items():
        table.add_row(f"floor: {stage}", f"{1e3 * seconds / n_events:.3f}")
    table.add_row("all / floor", f"{total / bottom:.2f}")
    for name, seconds in loops.items():
        rate = f"{n_events / seconds:.0f} events/s; ours {seconds / total:.1f} ×"
        table.add_row(name, f"{1e3 * seconds / n_events:.3f}", rate)
    table.add_row("opening", f"{1e3 * opening / n_events:.3f}", f"{all_in:.0f} events/s with it")
    return table


if __name__ == "__main__":
    typer.run(main)
