"""Time of the statistics: one mass, five seeds, every nuisance, on one core.

Run as `python -m benchmarks.limits`; the scores are drawn from known distributions, two background
processes and 20,000 events per seed, with energy-scale, resolution and shower variations.
"""

import time
from typing import Annotated

import numpy as np
import typer

from analysis.config.statistics import BTagging, Limits, WorkingPoint
from analysis.statistics.channels import CategoryScores
from analysis.statistics.fit import fit_rows
from analysis.statistics.limits import Normalisation, limit_row, scan_background_events
from common.weighted import SIGNAL, WeightedSample
from workflow.pipeline.cli import run

TARGET_SECONDS = 60.0
NORM = Normalisation(3000.0, 0.582)


def draw(seed: int, events: int, shift: float = 0.0) -> WeightedSample:
    """Draw logistic log-odds of signal and two background processes, log-normal weights."""
    rng = np.random.default_rng(seed)
    signal = np.arange(events) < events // 3
    log_odds = rng.logistic(np.where(signal, 2.5, -2.5)) + shift * ~signal
    weight = rng.lognormal(0, 0.5, events) * np.where(signal, 0.02, 3.0)
    kind = np.where(signal, SIGNAL, rng.integers(0, 2, events))
    return WeightedSample.of_events(log_odds, weight, kind, ("qcd", "ttbar"))


def main(
    seeds: Annotated[int, typer.Option(help="Trainings.")] = 5,
    events: Annotated[int, typer.Option(help="Events.")] = 20_000,
) -> None:
    """Print the CPU time of each part and its total, and fail above the target."""
    point, config, tagging = WorkingPoint(), Limits(), BTagging()
    spent = {"Z_A limit": 0.0, "scan": 0.0, "CLs, count and shape": 0.0}
    for seed in range(seeds):
        nominal = draw(seed, events)
        variations = {
            "jes": (draw(seed, events, 0.1), draw(seed, events, -0.1)),
            "jer": (draw(seed, events, 0.05),),
            "shower": (draw(seed, events, 0.2),),
        }
        scores = CategoryScores("4b", nominal, variations, {"qcd": 0.2, "ttbar": 0.05})
        start = time.process_time()
        row = limit_row(nominal, NORM, point, config)
        spent["Z_A limit"] += (middle := time.process_time()) - start
        scan_background_events(nominal, NORM, point, config)
        spent["scan"] += (later := time.process_time()) - middle
        fits, _ = fit_rows([scores], point, config, tagging)
        spent["CLs, count and shape"] += time.process_time() - later
        print(
            f"seed {seed}: {row['threshold_method']}, Z_A {row['limit_za_fb']:.3f} fb, "
            f"CLs count {fits['cls_count_median_fb']:.3f} fb ({fits['cls_count_method']}), "
            f"shape {fits['cls_shape_median_fb']:.3f} fb"
        )
    for name, seconds in spent.items():
        print(f"{name:24s} {seconds:7.2f} s CPU")
    total = sum(spent.values())
    print(f"{'total':24s} {total:7.2f} s CPU, target {TARGET_SECONDS:g} s")
    if total > TARGET_SECONDS:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(main)
