"""Does the tag map close behind a cut on the score?

    python -m benchmarks.score_closure RUN

RUN is the folder of a finished run with `btagging: {mode: map}`. For each training and several
signal efficiencies the table has the multijet yield behind the cut, of all events, once weighted by
the map and once by the truth flavours of the same events.
"""

from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import pandas as pd
import typer

from analysis.config.statistics import BTagging
from analysis.datasets.btagging import tag_weights
from analysis.datasets.dataset import event_key
from analysis.datasets.features import leading_subjet_flavour
from analysis.datasets.normalisation import Normalisation

EFFICIENCIES = (1.0, 0.9, 0.8, 0.5)


def truth_weights(run: Path, sample: str, luminosity: float) -> pd.Series:
    """Return the truth-tagged yield of each selected event of a sample, by its key.

    The normalisation is that of 1 fb⁻¹; scores hold yields at the luminosity of their run.
    """
    scale = luminosity * Normalisation.read(run / f"results/normalisation/{sample}.json").scale
    parts = []
    for path in sorted((run / f"results/events/{sample}").glob("*.parquet")):
        table = ak.from_parquet(path)
        tags = tag_weights(leading_subjet_flavour(table), BTagging(mode="truth"))[:, 0]
        key = event_key(sample, path.stem, ak.to_numpy(table["entry"]))
        parts.append(pd.Series(ak.to_numpy(table["generator_weight"]) * scale * tags, key))
    return pd.concat(parts)


def yields(weight: np.ndarray) -> str:
    """Return a yield and its statistical error."""
    return f"{weight.sum():.3g} ± {np.sqrt((weight**2).sum()):.2g}"


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run in mode `map`.")],
    process: Annotated[str, typer.Option(help="Background process.")] = "qcd",
    luminosity: Annotated[float, typer.Option(help="Of the run [fb⁻¹].")] = 3000.0,
) -> None:
    """Print the table."""
    print("| training | ε_S | by truth | by the map |\n|---|---|---|---|")
    truth: dict[str, pd.Series] = {}
    for path in sorted((run / "results/scores").rglob("*.parquet")):
        scores = pd.read_parquet(path)
        signal = scores.log_odds[scores.label == 1]
        own = scores[(scores.label == 0) & (scores.process == process)]
        for name in own["sample"].unique():
            truth.setdefault(name, truth_weights(run, name, luminosity))
        known = pd.concat([truth[name] for name in own["sample"].unique()])
        training = path.relative_to(run / "results/scores").with_suffix("")
        by_truth, by_map = known.loc[own.key].to_numpy(), own.weight.to_numpy()
        for efficiency in EFFICIENCIES:
            behind = (own.log_odds >= signal.quantile(1 - efficiency)).to_numpy()
            cells = (yields(by_truth[behind]), yields(by_map[behind]))
            print(f"| {training} | {efficiency:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
