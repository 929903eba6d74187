"""How fast the reconstruction is, beside the floor of what it cannot do without.

    python -m benchmarks.reconstruction [FILES…]

The floor, measured in the same run on the same files, is decompressing the branches and clustering
the energy-flow objects with anti-kT. Opening a file (parsing the metadata of its branches, about
0.1 s with uproot however many events it holds) is shown apart and left out of both. CPU time
of the best of several rounds, interleaved, since the machine may be shared.
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
import typer
from rich.console import Console
from rich.table import Table

from analysis import reconstruction
from analysis.config.reconstruction import FatJets, Reconstruction
from analysis.delphes import DelphesFile, open_delphes
from analysis.event_table import EventTableWriter
from analysis.fatjets import jet_definition, momenta

DATA = Path(__file__).parents[1] / "tests" / "data"
STAGES: dict[str, list[tuple[Any, str]]] = {
    "fat jets": [(reconstruction, "find_fatjets")],
    "subjets": [(reconstruction, "find_subjets")],
    "flavour": [(reconstruction, "heavy_hadrons"), (reconstruction, "subjet_flavour")],
    "orientation": [(reconstruction, "orient")],
    "write": [(EventTableWriter, "write"), (EventTableWriter, "__exit__")],
}


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
    def timed_open(path: str, *, fatjets: bool = False) -> Iterator[DelphesFile]:
        with ExitStack() as opened:
            enter = watch.wrap("open", opened.enter_context)
            yield enter(open_delphes(path, fatjets=fatjets))

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


def best(rounds: list[Stopwatch]) -> dict[str, float]:
    return {stage: min(r.seconds[stage] for r in rounds) for stage in rounds[0].seconds}


def main(
    files: Annotated[
        list[str] | None, typer.Argument(help="Delphes files; those of tests/data if none.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which the best counts.")] = 5,
) -> None:
    """Time the reconstruction of Delphes files against its floor."""
    files = files or sorted(str(path) for path in DATA.glob("*.root"))
    n_events = 0
    for path in files:
        with open_delphes(path) as file:
            n_events += file.tree.num_entries
    console = Console()
    console.print(f"{len(files)} files, {n_events} events, CPU ms per event")
    for source in ("eflow", "delphes"):
        config = Reconstruction(fatjets=FatJets(source=source))
        reconstruct(files[:1], config)
        pairs = [(reconstruct(files, config), floor(files, config)) for _ in range(rounds)]
        ours, least = best([a for a, _ in pairs]), best([b for _, b in pairs])
        console.print(_table(source, ours, least, n_events))


def _table(source: str, ours: dict[str, float], least: dict[str, float], n_events: int) -> Table:
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
    table.add_row("opening", f"{1e3 * opening / n_events:.3f}", f"{all_in:.0f} events/s with it")
    return table


if __name__ == "__main__":
    typer.run(main)
