"""Do mixed events close? What is really above cuts, over what mixed events give, of finished runs.

    python -m benchmarks.mixing_closure RUN [RUN ...]

For each sample with `mixed_tail`, network, mass and training of the runs: the yield of its
simulated events above the cuts that leave a half, a third, a tenth, … of the mixed tail, over that
share of the yield above its start. Trainings of one mass share their events, and are averaged
before masses and runs are.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from analysis.config.statistics import Mixing
from analysis.evaluation.scores import read_mixed, read_scores
from analysis.statistics.mixed_tails import MixedTail, find_mixed_tails
from common.tables import origin_of
from common.weighted import WeightedSample

SHARES = (0.5, 0.3, 0.1, 0.03, 0.01)


def rows_of(own: WeightedSample, tail: MixedTail) -> list[tuple[float, float]]:
    """Return simulated over mixed, and the error of both, for each share."""
    above, mixed = own.above(tail.start), tail.events.falling()
    total = np.cumsum(mixed.weight)
    found = []
    for share in SHARES:
        last = int(np.searchsorted(total, share * total[-1]))
        passing = above.above(float(mixed.value[min(last, len(mixed) - 1)]))
        wanted = share * above.total
        error = mixed.select(slice(0, last + 1)).total_error / (share * total[-1])
        found.append((passing.total / wanted, float(np.hypot(passing.total_error / wanted, error))))
    return found


def main(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs, with results/.")],
    n_eff: Annotated[float, typer.Option(help="As working_point.mixing.n_eff.")] = 100.0,
) -> None:
    """Print the mean over runs and masses of what is simulated over what is mixed."""
    cells: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for run in runs:
        of_mass: dict[tuple[str, str, float], list[list[tuple[float, float]]]] = defaultdict(list)
        mixed = run / "results/mixed"
        for path in sorted(mixed.rglob("*.parquet")):
            own = run / "results/scores" / path.relative_to(mixed)
            scores = read_scores(own, by="sample")
            origin = origin_of(path)
            for tail in find_mixed_tails(scores, read_mixed(path), Mixing(n_eff=n_eff)):
                key = (tail.sample, str(origin["network"]), float(origin["mass_gev"]))
                of_mass[key].append(rows_of(scores.of_process(tail.sample), tail))
        for (sample, network, _), trainings in of_mass.items():
            cells[sample, network].append(np.mean(trainings, axis=0))
    table = Table("sample", "network", "masses × runs", *(f"{share:g}" for share in SHARES))
    for (sample, network), members in cells.items():
        ratio, error = np.moveaxis(np.array(members), -1, 0)
        mean, sigma = ratio.mean(axis=0), np.sqrt((error**2).sum(axis=0)) / len(members)
        shown = (f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, sigma, strict=True))
        table.add_row(sample, network, str(len(members)), *shown)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
