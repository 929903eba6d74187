"""Exact, asymptotic and toy CLs limits of a count, for b = 0.1 … 1000 background events.

Run as `python -m benchmarks.counting`. Each line is the median limit on the number of signal events
expected without signal, at 95%. Toys have their statistical error. The last column names what is
more than 5% from the exact limit. The asymptotic reference, b = 20 ± 2, is 10.74 from a scan of μ
and 10.72 from its root; the command fails where it is missed by more than 0.5%.
"""

from typing import Annotated

import typer

from analysis.statistics.counting import OTHERS, asymptotic_limit, disagreeing, exact_limit
from analysis.statistics.toys import toy_limit
from workflow.pipeline.cli import run

BACKGROUNDS = (0.1, 0.3, 1.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1000.0)
ERRORS = (0.0, 0.1, 0.3)
LEVEL = 0.95
REFERENCE, TOLERANCE = 10.74, 0.005


def line(b: float, relative: float, toys: int, seed: int) -> str:
    """Return the row of one background as Markdown."""
    sigma_b = relative * b
    exact = exact_limit(b, sigma_b, LEVEL)
    asymptotic = asymptotic_limit(b, sigma_b, LEVEL).median
    drawn = toy_limit(b, sigma_b, LEVEL, toys, seed, (0,))
    flag = disagreeing(exact.median, dict(zip(OTHERS, (asymptotic, drawn.median), strict=True)))
    low, high = exact.values[1], exact.values[3]
    return (
        f"| {b:g} | {sigma_b:.3g} | {exact.median:.2f} | {low:.2f} … {high:.2f} "
        f"| {asymptotic:.2f} | {drawn.median:.2f} ± {drawn.errors[2]:.2f} | {flag or '–'} |"
    )


def main(
    toys: Annotated[int, typer.Option(help="Pseudo-experiments per hypothesis.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the pseudo-experiments.")] = 1,
) -> None:
    """Print the table, and compare the asymptotic limit at b = 20 ± 2 with its reference."""
    print("| b | σ_b | exact | −1σ … +1σ | asymptotic | toys | more than 5% from exact |")
    print("|---|---|---|---|---|---|---|")
    for relative in ERRORS:
        for b in BACKGROUNDS:
            print(line(b, relative, toys, seed), flush=True)
    found = asymptotic_limit(20.0, 2.0, LEVEL).median
    print(f"asymptotic at b = 20 ± 2: {found:.4f}, reference {REFERENCE}")
    if abs(found - REFERENCE) > TOLERANCE * REFERENCE:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(main)
