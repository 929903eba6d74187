"""Coverage of the tail fit's error: how often it holds the true threshold, on known scores.

Run as `python -m benchmarks.coverage`. The protocol was fixed before the first result: families of
background log-odds, each with weights of the same spread; 3,000 events of a total yield of 10⁴ or
10⁵, so that the cut which leaves 20 events has about 5 effective events behind it, or half of one;
one pseudo-experiment per seed 1 … N. The estimate of the error was chosen on the families of
`TRAINING` alone; `HELD_OUT` tells how it does on others, at other seeds.
"""

from typing import Annotated, Any, Protocol

import numpy as np
import typer
from scipy import stats
from scipy.optimize import brentq

from analysis.config.statistics import TailFit
from analysis.statistics.tail_fit import fit_tail
from common.errors import NoLimitError
from common.weighted import WeightedSample
from workflow.pipeline.cli import run

EVENTS, WANTED, SPREAD = 3000, 20.0, 0.5
TOTALS = {"near": 1e4, "far": 1e5}
HELD_OUT_SEEDS = 100_000  # added to the seeds of the held-out families


class Family(Protocol):
    """A distribution of log-odds."""

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Draw log-odds, [size]."""

    def isf(self, fraction: float) -> float:
        """Return the log-odds behind which a fraction lies."""


class Mixture:
    """A mixture of two distributions of log-odds, the second one with a given share."""

    def __init__(self, first: Any, second: Any, share: float) -> None:
        self.parts, self.share = (first, second), share

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Draw log-odds, [size]."""
        drawn = [part.rvs(size=size, random_state=random_state) for part in self.parts]
        return np.where(random_state.random(size) < self.share, drawn[1], drawn[0])

    def isf(self, fraction: float) -> float:
        """Return the log-odds behind which a fraction lies."""

        def excess(x: float) -> float:
            tails = [part.sf(x) for part in self.parts]
            return float((1 - self.share) * tails[0] + self.share * tails[1] - fraction)

        return float(brentq(excess, -50, 100))


class LogitBeta:
    """Log-odds of a score that follows Beta(a, b)."""

    def __init__(self, a: float, b: float) -> None:
        self.score = stats.beta(a, b)

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Draw log-odds, [size]."""
        score = self.score.rvs(size=size, random_state=random_state)
        return np.log(np.maximum(score, 1e-300)) - np.log1p(-score)

    def isf(self, fraction: float) -> float:
        """Return the log-odds behind which a fraction lies."""
        score = self.score.isf(fraction)
        return float(np.log(score) - np.log1p(-score))


TRAINING: dict[str, Family] = {
    "logistic": stats.logistic(-3, 1),
    "normal": stats.norm(-3, 2),
    "Gumbel": stats.gumbel_r(-3, 1.2),
    "Student t, 8": stats.t(8, -3, 1.5),
}
HELD_OUT: dict[str, Family] = {
    "hyperbolic secant": stats.hypsecant(-3, 1),
    "logit of Beta(0.5, 3)": LogitBeta(0.5, 3.0),
    "skew normal, 4": stats.skewnorm(4, -4, 3),
    "Laplace": stats.laplace(-3, 1.2),
    "two logistics, 10%": Mixture(stats.logistic(-4, 0.8), stats.logistic(-1, 0.8), 0.1),
    "two normals, 5%": Mixture(stats.norm(-4, 1.5), stats.norm(0, 1.0), 0.05),
}


def pull(family: Family, total: float, seed: int, config: TailFit) -> float | None:
    """Return (found − true threshold) / quoted error of a pseudo-experiment; None without a fit."""
    rng = np.random.default_rng(seed)
    score = family.rvs(EVENTS, rng)
    weight = rng.lognormal(-(SPREAD**2) / 2, SPREAD, EVENTS) * total / EVENTS
    background = WeightedSample.of_classes(score, weight, np.zeros(EVENTS))
    try:
        found, error = fit_tail(background, config, seed).threshold(WANTED)
    except NoLimitError:
        return None
    return (found - family.isf(WANTED / total)) / error


def main(
    experiments: Annotated[int, typer.Option(help="Pseudo-experiments per line.")] = 1000,
    bootstrap: Annotated[int, typer.Option(help="Replicas behind each error.")] = 400,
    shape_prior: Annotated[
        float, typer.Option(help="Width of the prior on the Pareto shape.")
    ] = TailFit().shape_prior,
    held_out: Annotated[bool, typer.Option(help="The held-out families.")] = False,
    family: Annotated[str | None, typer.Option(help="This family alone.")] = None,
) -> None:
    """Print the coverage of each family, with its binomial error, and the median pull."""
    config = TailFit(bootstrap=bootstrap, shape_prior=shape_prior)
    families, first = (HELD_OUT, HELD_OUT_SEEDS) if held_out else (TRAINING, 0)
    families = {family: families[family]} if family else families
    print("family, target: coverage [%], median pull, experiments with a fit")
    for name, distribution in families.items():
        for target, total in TOTALS.items():
            seeds = range(first + 1, first + experiments + 1)
            found = [pull(distribution, total, seed, config) for seed in seeds]
            pulls = np.array([value for value in found if value is not None])
            share = float(np.mean(np.abs(pulls) < 1))
            error = np.sqrt(share * (1 - share) / len(pulls))
            print(
                f"{name + ', ' + target:28s} {100 * share:5.1f} ± {100 * error:.1f}"
                f"   {np.median(pulls):+.2f}   {len(pulls)}/{experiments}",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
