"""Would a tag map by flavour class of the jets be worth having?

    python -m benchmarks.class_closure RUN

RUN is the folder of a finished run. A fat jet's class is the number of b quarks among its two
leading subjets; in place of its own tag probability it takes the mean of its class over the whole
process, known from the truth of simulated events as the class is. For each training and several
signal efficiencies the table has the yield behind the cut by both, and the effective events.
"""

from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import pandas as pd
import typer

from analysis.config.statistics import TagEfficiency
from analysis.datasets.btagging import category_weights, jet_tag_probabilities, subjet_efficiencies
from analysis.datasets.dataset import event_key
from analysis.datasets.features import leading_subjet_flavour
from analysis.datasets.normalisation import Normalisation
from benchmarks.score_closure import EFFICIENCIES, yields
from common.weights import effective_number


def read_events(run: Path, sample: str, luminosity: float) -> pd.DataFrame:
    """Return weight, flavours of four subjets and key of each selected event of a sample."""
    scale = luminosity * Normalisation.read(run / f"results/normalisation/{sample}.json").scale
    parts = []
    for path in sorted((run / f"results/events/{sample}").glob("*.parquet")):
        table = ak.from_parquet(path)
        flavour = leading_subjet_flavour(table).reshape(len(table), 4)
        weight = ak.to_numpy(table["generator_weight"]) * scale
        key = event_key(sample, path.stem, ak.to_numpy(table["entry"]))
        parts.append(pd.DataFrame(flavour, key).assign(weight=weight))
    return pd.concat(parts)


def both_weights(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events' yields with four tags: by truth, and by the mean of the jets' classes."""
    flavour = events[[0, 1, 2, 3]].to_numpy().reshape(-1, 2, 2)
    weight = events["weight"].to_numpy()
    tags = jet_tag_probabilities(subjet_efficiencies(flavour, TagEfficiency()))
    classes, mapped = (flavour == 5).sum(axis=-1), np.zeros_like(tags)
    for number in range(3):
        own = classes == number
        jets = np.repeat(weight[:, None], 2, axis=1)[own]
        mapped[own] = jets @ tags[own] / jets.sum()
    columns = {"truth": tags, "classes": mapped}
    return pd.DataFrame(
        {name: weight * category_weights(t, ("4b",))[:, 0] for name, t in columns.items()},
        events.index,
    )


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    process: Annotated[str, typer.Option(help="Background process.")] = "qcd",
    luminosity: Annotated[float, typer.Option(help="Of the run [fb⁻¹].")] = 3000.0,
) -> None:
    """Print the table."""
    print("| training | ε_S | by truth | n_eff | by classes | n_eff |\n|---|---|---|---|---|---|")
    known = pd.DataFrame()
    for path in sorted((run / "results/scores").rglob("*.parquet")):
        scores = pd.read_parquet(path)
        signal = scores.log_odds[scores.label == 1]
        own = scores[(scores.label == 0) & (scores.process == process)]
        if known.empty:
            names = sorted(own["sample"].unique())
            known = both_weights(pd.concat([read_events(run, n, luminosity) for n in names]))
        training = path.relative_to(run / "results/scores").with_suffix("")
        for efficiency in EFFICIENCIES:
            behind = (own.log_odds >= signal.quantile(1 - efficiency)).to_numpy()
            found = known.loc[own.key][behind]
            cells = [
                f"{yields(w)} | {effective_number(w):.0f}"
                for w in (found[name].to_numpy() for name in found)
            ]
            print(f"| {training} | {efficiency:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
