"""Our expected CLs limits beside plain use of pyhf and cabinetry: the same models, time and values.

    python -m benchmarks.limits_peers

One network, one mass, one seed of drawn scores (`benchmarks.limits`) gives two HistFactory models
with all nuisances: a count behind the working point and a fit to the score. Each tool finds the
median and the ±1σ and ±2σ limits from them, with its own defaults: `expected_limit` here, pyhf's
`upper_limit` (a root finder on `hypotest`), `cabinetry.fit.limit`; the latter two find the observed
limit too. cabinetry is in envs/requirements-peers.txt. CPU seconds, best of several interleaved
rounds.
"""

import logging
from collections.abc import Callable
from time import process_time
from typing import Annotated, Any

import numpy as np
import pyhf
import typer
from pyhf.infer.intervals.upper_limits import upper_limit
from rich.console import Console
from rich.table import Table

from analysis.config.statistics import BTagging, Limits, WorkingPoint
from analysis.statistics.channels import CategoryScores, count_channel, shape_channel
from analysis.statistics.cls import expected_limit
from analysis.statistics.workspace import build_workspace
from benchmarks.limits import draw
from workflow.pipeline.cli import run

Limit = Callable[[dict[str, Any]], list[float]]


def workspaces(seed: int, events: int) -> dict[str, dict[str, Any]]:
    """Return the models of a count and of a shape, with μ in units near the limit."""
    point, config, tagging = WorkingPoint(), Limits(), BTagging()
    variations = {
        "jes": (draw(seed, events, 0.1), draw(seed, events, -0.1)),
        "jer": (draw(seed, events, 0.05),),
        "shower": (draw(seed, events, 0.2),),
    }
    scores = CategoryScores("4b", draw(seed, events), variations, {"qcd": 0.2, "ttbar": 0.05})
    channels = {
        "count": count_channel(scores, point, config, tagging),
        "shape": shape_channel(scores, config, tagging),
    }
    found = {}
    for name, channel in channels.items():
        trial = ours(build_workspace([channel], 1.0))[2]
        found[name] = build_workspace([channel], float(f"{trial:.0e}"))
    return found


def ours(workspace: dict[str, Any]) -> list[float]:
    return list(expected_limit(pyhf.Workspace(workspace).model(), 0.95).values)


def plain_pyhf(workspace: dict[str, Any]) -> list[float]:
    built = pyhf.Workspace(workspace)
    model = built.model()
    _, expected = upper_limit(built.data(model), model)
    return [float(value) for value in expected]


def plain_cabinetry(workspace: dict[str, Any]) -> list[float]:
    from cabinetry.fit import limit
    from cabinetry.model_utils import model_and_data

    logging.getLogger("cabinetry").setLevel(logging.ERROR)
    return [float(value) for value in limit(*model_and_data(workspace)).expected_limit]


TOOLS: dict[str, Limit] = {"here": ours, "pyhf": plain_pyhf, "cabinetry": plain_cabinetry}


def timed(tool: Limit, workspace: dict[str, Any]) -> tuple[list[float], float]:
    start = process_time()
    values = tool(workspace)
    return values, process_time() - start


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which the best counts.")] = 3,
    events: Annotated[int, typer.Option(help="Events.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the scores.")] = 1,
) -> None:
    """Print time and limits of each tool on both models."""
    for kind, workspace in workspaces(seed, events).items():
        spent: dict[str, list[float]] = {name: [] for name in TOOLS}
        limits = {}
        for _ in range(rounds):
            for name, tool in TOOLS.items():
                limits[name], seconds = timed(tool, workspace)
                spent[name].append(seconds)
        bins = sum(len(channel["data"]) for channel in workspace["observations"])
        title = f"{kind}: {bins} bins, {pyhf.Workspace(workspace).model().config.npars} parameters"
        table = Table("tool", "CPU s", "ratio", "−2σ", "−1σ", "median", "+1σ", "+2σ", title=title)
        least = min(spent["here"])
        for name in TOOLS:
            numbers = [f"{value:.4f}" for value in limits[name]]
            seconds = min(spent[name])
            table.add_row(name, f"{seconds:.2f}", f"{seconds / least:.1f}", *numbers)
        Console().print(table)
        for name in TOOLS:
            away = max(abs(np.array(limits[name]) / limits["here"] - 1))
            print(f"{name}: at most {away:.2%} from ours")


if __name__ == "__main__":
    run(main)
