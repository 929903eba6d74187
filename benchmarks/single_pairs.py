"""Does one forced gluon splitting agree with that of the shower, and what is its κ?

    python -m benchmarks.single_pairs --cache FOLDER [--sample qcd_bb] [--events 4000 --chunks 3]
    python -m benchmarks.single_pairs --cache FOLDER --sample qcd_bb_excitation --chunks 4 \\
        --pt-hat-min 400 --bias-power 5 --m-jj-min 1500

A stratum with one forced pair is simulated twice, with the pair made and with it left to the
shower, both without roulettes and for pairs of 45 to 210 GeV. The four b quarks that the analysis
asks for need a second pair, which comes from the shower either way; so what is compared are fat
jets with two b subjets, whatever the other jet is: κ is the ratio of their yields. It must be
constant in all that networks can see of both jets.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import pandas as pd
import typer

from analysis.datasets.features import leading_subjet_flavour
from analysis.simulation.produce import combine
from analysis.simulation.selection import Selection
from analysis.simulation.strata import BOTTOM
from benchmarks.forced_splitting import (
    FB_PER_PB,
    LUMINOSITY_FB,
    columns,
    constancy,
    make_chunk,
    row,
)
from benchmarks.guided_shower import MASSES_GEV, TRIALS, GuidedSelection
from common.tables import read_json
from workflow.pipeline.config import Config
from workflow.pipeline.config import load as load_config

WINDOW = 0.1
VARIABLES: dict[str, list[float]] = {
    "m [GeV]": [60, 80, 100, 120, 140, 170, 200],
    "pT [GeV]": [250, 320, 380, 450, 550, 650, 750, 850, 1000, 2000],
    "ΔR of the subjets": [0.1, 0.2, 0.27, 0.35, 0.45, 0.55, 0.7, 1.5],
    "z of the subjets": [0, 0.15, 0.22, 0.3, 0.4, 0.5],
    "constituents": [0, 40, 50, 60, 75, 200],
    "θ": list(np.linspace(-np.pi / 2, np.pi / 2, 6)),
    "m_JJ [GeV]": [650, 750, 850, 1000, 1200, 1500, 1650, 1800, 2000, 2300, 2700, 5000],
    "Δη": [0, 0.3, 0.6, 1, 1.5, 2.2, 4],
    "m of the other jet [GeV]": [0, 40, 60, 80, 100, 140, 200, 400],
    "constituents of the other": [0, 40, 50, 60, 75, 200],
}


def simulated(
    config: Config,
    sample: str,
    forced: bool,
    sampling: dict[str, float],
    chunk: int,
    folder: Path,
) -> None:
    """Simulate and reconstruct one chunk, unless it is there.

    Parameters
    ----------
    sampling : dict
        Keys of the sample's simulation: how many events, and of which pT.
    """
    block = config.simulation(sample)
    assert block.heavy_flavour is not None
    low, high = MASSES_GEV
    own = {"forced": forced, "pair_mass_min": low, "pair_mass_max": high}
    changes = {
        "heavy_flavour": block.heavy_flavour.model_copy(update=own),
        "importance": None,
        "enhancement": 1.0 if forced else TRIALS,
        **sampling,
    }
    hooks = Selection if forced else GuidedSelection
    make_chunk(block.model_copy(update=changes), folder.name, chunk, config.seed, folder, hooks)


def double_b_jets(folder: Path, chunks: int) -> pd.DataFrame:
    """Return fat jets with two b subjets, what is compared of them, and their yields."""
    table = ak.concatenate([ak.from_parquet(folder / f"{k}.parquet") for k in range(chunks)])
    sigma, _, total = combine([read_json(folder / f"{k}.json") for k in range(chunks)])
    weight = LUMINOSITY_FB * FB_PER_PB * sigma / total * ak.to_numpy(table["generator_weight"])
    of_event = columns(table)
    is_double = np.all(np.asarray(leading_subjet_flavour(table)) == BOTTOM, axis=2)
    parts = []
    for own, (sign, other) in enumerate((("₁", "₂"), ("₂", "₁"))):
        found = {
            "m [GeV]": of_event[f"m{sign} [GeV]"],
            "pT [GeV]": of_event[f"pT{sign} [GeV]"],
            "ΔR of the subjets": of_event[f"ΔR of the subjets, jet {own + 1}"],
            "z of the subjets": of_event[f"z of the subjets, jet {own + 1}"],
            "constituents": of_event[f"constituents, jet {own + 1}"],
            "θ": of_event[f"θ, jet {own + 1}"],
            "m_JJ [GeV]": of_event["m_JJ [GeV]"],
            "Δη": of_event["Δη"],
            "m of the other jet [GeV]": of_event[f"m{other} [GeV]"],
            "constituents of the other": of_event[f"constituents, jet {2 - own}"],
            "weight": weight,
        }
        parts.append(pd.DataFrame(found)[is_double[:, own]])
    return pd.concat(parts)


def main(
    cache: Annotated[Path, typer.Option(help="Folder that keeps the events.")],
    configuration: Annotated[Path, typer.Option(help="Has the sample.")] = Path("config.yaml"),
    sample: Annotated[str, typer.Option(help="One with a single forced pair.")] = "qcd_bb",
    events: Annotated[int, typer.Option(help="Events of a chunk, of either kind.")] = 4000,
    chunks: Annotated[int, typer.Option(help="Number of chunks.")] = 3,
    pt_hat_min: Annotated[float, typer.Option(help="Of the hard process [GeV].")] = 200.0,
    bias_power: Annotated[
        float, typer.Option(help="Of its pT; 3 has yields at 0.7 to 1.5 TeV, not only far above.")
    ] = 3.0,
    m_jj_min: Annotated[float, typer.Option(help="Of what is compared [GeV].")] = 650.0,
    figure: Annotated[Path | None, typer.Option(help="PNG of the ratios to write.")] = None,
) -> None:
    """Print κ and its constancy."""
    config = load_config([configuration])
    sampling = {"events": events, "pt_hat_min": pt_hat_min, "bias_power": bias_power}
    own = cache / "_".join([sample, *(f"{value:g}" for value in sampling.values())])
    folders = {kind: own / kind for kind in ("shower", "forced")}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(simulated, config, sample, kind == "forced", sampling, k, folder)
            for k in range(chunks)
            for kind, folder in folders.items()
        ]
        for job in jobs:
            job.result()
    both = [double_b_jets(folder, chunks) for folder in folders.values()]
    print("| region | shower | n_eff | forced | n_eff | κ |\n|---|---|---|---|---|---|")
    row("all jets of two b quarks", *(jets["weight"].to_numpy() for jets in both))
    wanted = [jets["m [GeV]"].between(60, 200) & (jets["m_JJ [GeV]"] > m_jj_min) for jets in both]
    near = [jets[kept] for jets, kept in zip(both, wanted, strict=True)]
    row(f"60–200 GeV, m_JJ > {m_jj_min:g} GeV", *(jets["weight"].to_numpy() for jets in near))
    beside = [jets[jets["m of the other jet [GeV]"].between(60, 200)] for jets in near]
    row("and the other jet, too", *(jets["weight"].to_numpy() for jets in beside))
    for signal in config.signals:
        assert signal.mass_gev is not None
        ends = (1 - WINDOW) * signal.mass_gev, (1 + WINDOW) * signal.mass_gev
        inside = [jets["weight"][jets["m_JJ [GeV]"].between(*ends)].to_numpy() for jets in near]
        if min(map(len, inside)):
            row(f"m_JJ near {signal.mass_gev:g} GeV", *inside)
    constancy(near[0], near[1], figure, VARIABLES)


if __name__ == "__main__":
    typer.run(main)
