"""Do forced gluon splittings agree with those of the shower, and what is κ?

    python -m benchmarks.forced_splitting RUN --events 4000 --chunks 4 --cache FOLDER

RUN is the folder of a finished run. The stratum in which both hard gluons have a pair of b quarks
is simulated once more, with splittings left to the shower, and compared with the run's forced
sample of it: κ is the ratio of the tagged yields. It must be constant in all that networks can see,
and behind cuts on the scores of the run's networks, which have seen neither the one events nor, by
cross-fitting, the others; there the shower's events are mixed, too. Signal efficiencies are those
of the run. What is compared are events with both fat-jet masses between 60 and 200 GeV and m_JJ
above 650 GeV, but for the windows.
"""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import awkward as ak
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.simulation import Simulation
from analysis.config.statistics import BTagging
from analysis.datasets.btagging import tag_weights
from analysis.datasets.dataset import event_key
from analysis.datasets.features import kinematic_tokens, leading_subjet_flavour, tensors
from analysis.datasets.normalisation import Normalisation
from analysis.evaluation.mixed_pairs import Pairs, draw_pairs, paired_errors
from analysis.reconstruction.reconstruct import reconstruct_file
from analysis.simulation.produce import combine, produce
from analysis.simulation.selection import Selection
from benchmarks.guided_shower import TRIALS, GuidedSelection
from common.angles import delta_r
from common.features import CONSTITUENT_FEATURES, SUBJET_FEATURES
from common.tables import read_json
from common.weighted import WeightedSample
from common.weights import effective_number
from models.training.checkpoint import TrainedModel, load
from workflow.pipeline.config import Config
from workflow.pipeline.config import load as load_config
from workflow.pipeline.scoring import crossed, crossed_pairs

Floats = NDArray[np.float64]
LUMINOSITY_FB, FB_PER_PB = 3000.0, 1000.0
EFFICIENCIES = (0.8, 0.5, 0.3)
EVEN = 0.5
"""Power of the chance in the shower's worth: κ is compared where the cuts are loose, too."""
PAIRS = 20_000
"""Mixed events of the shower that are scored, for each network, mass and training."""
FEWEST = 8
"""Effective events that a bin needs on both sides: fewer do not know their own error."""
WINDOW_GEV, WINDOW = (85.0, 165.0), 0.1
EDGES: dict[str, list[float]] = {
    "m₁ [GeV]": [60, 80, 100, 120, 140, 170, 200],
    "m₂ [GeV]": [60, 80, 100, 120, 140, 170, 200],
    "m_JJ [GeV]": [650, 750, 850, 1000, 1200, 1500, 3000],
    "pT₁ [GeV]": [250, 320, 380, 450, 550, 1500],
    "pT₂ [GeV]": [250, 290, 330, 400, 500, 1500],
    "Δη": [0, 0.3, 0.6, 1, 1.5, 2.2, 4],
    "ΔR of the subjets, jet 1": [0.2, 0.35, 0.45, 0.55, 0.7, 1.5],
    "ΔR of the subjets, jet 2": [0.2, 0.35, 0.45, 0.55, 0.7, 1.5],
    "z of the subjets, jet 1": [0, 0.15, 0.22, 0.3, 0.4, 0.5],
    "z of the subjets, jet 2": [0, 0.15, 0.22, 0.3, 0.4, 0.5],
    "constituents, jet 1": [0, 40, 50, 60, 75, 200],
    "constituents, jet 2": [0, 40, 50, 60, 75, 200],
    "subjets of both": [3.5, 4.5, 5.5, 6.5, 12.5],
    "θ, jet 1": list(np.linspace(-np.pi / 2, np.pi / 2, 6)),
    "θ, jet 2": list(np.linspace(-np.pi / 2, np.pi / 2, 6)),
}


def simulated(config: Config, sample: str, events: int, chunk: int, folder: Path) -> None:
    """Simulate and reconstruct one chunk of the shower's sample, unless it is there."""
    block = config.simulation(sample)
    assert block.heavy_flavour is not None
    assert block.importance is not None
    flavour = block.heavy_flavour.model_copy(update={"forced": False})
    changes = {
        "heavy_flavour": flavour,
        "importance": block.importance.model_copy(update={"power": EVEN}),
        "pythia": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
        "enhancement": TRIALS,
        "events": events,
    }
    make_chunk(block.model_copy(update=changes), "shower", chunk, config.seed, folder)


def make_chunk(
    simulation: Simulation,
    name: str,
    chunk: int,
    seed: int,
    folder: Path,
    hooks: type[Selection] = GuidedSelection,
) -> None:
    """Write the reconstructed events and the metadata of one chunk, unless they are there."""
    table, metadata = folder / f"{chunk}.parquet", folder / f"{chunk}.json"
    if table.exists() and metadata.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / f"{chunk}.root"
    record = produce(simulation, Detector(), name, chunk, seed, root, hooks)
    reconstruct_file(str(root), table, Reconstruction())
    root.unlink()
    metadata.write_text(pd.Series(record).to_json(), encoding="utf-8")


def columns(table: ak.Array) -> pd.DataFrame:
    """Return what is compared, one row per event."""
    jets = {name: np.asarray(table.fatjet[name]) for name in ("mass", "pt", "eta", "theta")}
    subjets = ak.to_regular(ak.pad_none(table.subjet, 2, axis=2, clip=True), axis=2)
    pt, eta, phi = (
        ak.to_numpy(ak.fill_none(subjets[name], 0.0)).reshape(-1, 2, 2)
        for name in ("pt", "eta", "phi")
    )
    distance = delta_r(eta[..., 0], phi[..., 0], eta[..., 1], phi[..., 1])
    share = pt[..., 1] / np.maximum(pt.sum(axis=2), 1e-9)
    constituents = np.asarray(table.fatjet.multiplicity)
    found = {
        "m_JJ [GeV]": kinematic_tokens(table)[:, 2, 0],
        "Δη": np.abs(jets["eta"][:, 0] - jets["eta"][:, 1]),
        "subjets of both": ak.to_numpy(ak.sum(ak.num(table.subjet, axis=2), axis=1)),
    }
    for k, sign in enumerate("₁₂"):
        found |= {
            f"m{sign} [GeV]": jets["mass"][:, k],
            f"pT{sign} [GeV]": jets["pt"][:, k],
            f"ΔR of the subjets, jet {k + 1}": distance[:, k],
            f"z of the subjets, jet {k + 1}": share[:, k],
            f"constituents, jet {k + 1}": constituents[:, k],
            f"θ, jet {k + 1}": jets["theta"][:, k],
        }
    return pd.DataFrame(found)


def tagged(table: ak.Array) -> Floats:
    """Return generator weights times tag rates [N]."""
    tags = tag_weights(leading_subjet_flavour(table), BTagging(mode="truth"))[:, 0]
    return np.asarray(ak.to_numpy(table["generator_weight"]) * tags)


def of_shower(folder: Path, chunks: int) -> tuple[pd.DataFrame, Mapping[str, np.ndarray]]:
    """Return the shower's events with their yields, and their tensors."""
    table = ak.concatenate([ak.from_parquet(folder / f"{k}.parquet") for k in range(chunks)])
    sigma, _, total = combine([read_json(folder / f"{k}.json") for k in range(chunks)])
    scale = LUMINOSITY_FB * FB_PER_PB * sigma / total
    return columns(table).assign(weight=scale * tagged(table)), tensors(table, 50, 6)


def of_run(run: Path, config: Config, sample: str) -> pd.DataFrame:
    """Return the run's forced events with their yields before κ, by their keys."""
    scale = Normalisation.read(run / f"results/normalisation/{sample}.json").scale
    scale *= LUMINOSITY_FB / config.sample(sample).k_factor
    parts = []
    for path in sorted((run / f"results/events/{sample}").glob("*.parquet")):
        table = ak.from_parquet(path)
        key = event_key(sample, path.stem, ak.to_numpy(table["entry"]))
        parts.append(columns(table).assign(weight=scale * tagged(table)).set_index(key))
    return pd.concat(parts)


def ratio(shower: Floats, forced: Floats, sigma: float | None = None) -> tuple[float, float]:
    """Return κ of two sets of weights and its error; `sigma` is that of the shower's yield."""
    a, b = shower.sum(), forced.sum()
    if not (a > 0 and b > 0):
        return np.nan, np.nan
    sigma = np.sqrt(np.sum(shower**2)) if sigma is None else sigma
    relative = np.hypot(sigma / a, np.sqrt(np.sum(forced**2)) / b)
    return float(a / b), float(a / b * relative)


def compared(data: pd.DataFrame) -> pd.Series:
    """Return whether each event is where shower and forced splittings are compared."""
    masses = [data[f"{name} [GeV]"].between(60, 200) for name in ("m₁", "m₂")]
    return masses[0] & masses[1] & (data["m_JJ [GeV]"] > 650)


def row(name: str, shower: Floats, forced: Floats, more: str = "") -> None:
    """Print yields, effective numbers and κ."""
    kappa, error = ratio(shower, forced)
    print(
        f"| {name} | {shower.sum():.4g} | {effective_number(shower):.0f} | {forced.sum():.4g} | "
        f"{effective_number(forced):.0f} | {kappa:.2f} ± {error:.2f} |{more}",
        flush=True,
    )


def constancy(
    shower: pd.DataFrame,
    forced: pd.DataFrame,
    figure: Path | None,
    variables: Mapping[str, Sequence[float]] = EDGES,
) -> None:
    """Print χ² and p of a constant κ in every variable, and draw the ratios in bins."""
    kappa, _ = ratio(shower.weight.to_numpy(), forced.weight.to_numpy())
    print("\n| variable | χ² / degrees of freedom | p |\n|---|---|---|")
    lines = math.ceil(len(variables) / 5)
    canvas, axes = plt.subplots(lines, 5, figsize=(15, 2.7 * lines), layout="constrained")
    for axis, (name, edges) in zip(axes.flat, variables.items(), strict=True):
        points = []
        for low, high in pairwise(edges):
            parts = [
                data.weight[(data[name] >= low) & (data[name] < high)].to_numpy()
                for data in (shower, forced)
            ]
            if min(map(effective_number, parts)) >= FEWEST:
                points.append(((low + high) / 2, (high - low) / 2, *ratio(*parts)))
        if len(points) < 2:
            print(f"| {name} | too few events | |")
            continue
        x, width, value, error = np.array(points).T
        square, freedom = float(np.sum(((value - kappa) / error) ** 2)), len(value) - 1
        p = chi2.sf(square, freedom)
        print(f"| {name} | {square:.1f} / {freedom} | {p:.2f} |")
        axis.errorbar(x, value / kappa, error / kappa, width, fmt=".k")
        axis.axhline(1, color="0.6", lw=1)
        axis.set(xlabel=name, ylim=(0, 2.5), title=f"p = {p:.1g}")
    canvas.supylabel("shower over forced, relative to the mean")
    if figure is not None:
        canvas.savefig(figure, dpi=90)


def behind_scores(
    run: Path,
    config: Config,
    sample: str,
    shower: pd.DataFrame,
    inputs: Mapping[str, np.ndarray],
    forced: pd.DataFrame,
) -> None:
    """Print κ behind cuts on the scores, of the shower's events and of mixed ones."""
    print("\n| network, m_H, seed | ε_S | shower | n_eff | forced | n_eff | κ | mixed n_eff | κ |")
    print("|---|---|---|---|---|---|---|---|---|")
    fold = np.arange(len(shower)) % config.dataset.folds
    for network in config.networks:
        for signal in config.signals_of(network.name):
            assert signal.mass_gev is not None
            for seed in config.seeds_of(network.name):
                stem = config.trained_on(network.name, signal.name)
                folder = run / f"results/models/{network.name}/{stem}/{seed}"
                models = [load(folder / f"fold{k}") for k in range(config.dataset.folds)]
                odds = crossed(models, dict(inputs), fold, (signal.mass_gev,), "cpu")[0]
                scores = pd.read_parquet(
                    run / f"results/scores/{network.name}/{signal.name}/{seed}.parquet"
                )
                is_signal = scores.label == 1
                order = np.sort(scores.log_odds[is_signal])[::-1]
                weight = scores.weight[is_signal].to_numpy()[
                    np.argsort(-scores.log_odds[is_signal].to_numpy())
                ]
                own = scores[scores["sample"] == sample].set_index("key").log_odds
                forced_odds = own.reindex(forced.index).fillna(-np.inf)
                cuts = [
                    order[np.searchsorted(np.cumsum(weight), efficiency * weight.sum())]
                    for efficiency in EFFICIENCIES
                ]
                mixed = mixture(models, shower, inputs, odds, fold, signal.mass_gev, cuts[1])
                for efficiency, cut in zip(EFFICIENCIES, cuts, strict=True):
                    of_forced = forced.weight[(forced_odds >= cut).to_numpy()].to_numpy()
                    above = mixed.above(cut)
                    kappa, error = ratio(above.weight, of_forced, above.total_error)
                    row(
                        f"{network.name}, {signal.mass_gev:g}, {seed} | {efficiency:g}",
                        shower.weight[odds >= cut].to_numpy(),
                        of_forced,
                        f" {above.n_eff:.0f} | {kappa:.2f} ± {error:.2f} |",
                    )


def mixture(
    models: Sequence[TrainedModel],
    shower: pd.DataFrame,
    inputs: Mapping[str, np.ndarray],
    odds: Floats,
    fold: NDArray[np.integer],
    mass_gev: float,
    aim: float,
) -> WeightedSample:
    """Return the shower's events, mixed where they are compared, with errors of pairs."""
    weight = shower.weight.to_numpy()
    inside = np.flatnonzero(compared(shower).to_numpy() & (weight > 0))
    events = {name: values[inside] for name, values in inputs.items()}
    features = (CONSTITUENT_FEATURES, SUBJET_FEATURES)
    rng = np.random.default_rng(1)
    pairs = draw_pairs(
        events, odds[inside], weight[inside], fold[inside], aim, PAIRS, features, rng
    )
    found = crossed_pairs(models, events, pairs, fold[inside], features, mass_gev, "cpu")
    stay = np.setdiff1d(np.arange(len(weight)), inside)
    everything = Pairs.joined(
        [
            Pairs(stay, stay, weight[stay]),
            Pairs(inside[pairs.first], inside[pairs.second], pairs.weight),
        ]
    )
    value = np.concatenate([odds[stay], found])
    error = paired_errors(value, everything.weight, everything.first, everything.second)
    kind = np.zeros(len(value), np.int64)
    return replace(WeightedSample.of_events(value, everything.weight, kind), error=error)


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    cache: Annotated[Path, typer.Option(help="Folder that keeps the shower's events.")],
    sample: Annotated[str, typer.Option(help="The forced sample.")] = "qcd_bbbb",
    events: Annotated[int, typer.Option(help="Shower events of a chunk.")] = 1000,
    chunks: Annotated[int, typer.Option(help="Number of chunks.")] = 4,
    figure: Annotated[Path | None, typer.Option(help="PNG of the ratios to write.")] = None,
) -> None:
    """Print κ, its constancy, and κ behind cuts on the scores."""
    config = load_config([run / "config.yaml"])
    cache.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(simulated, config, sample, events, k, cache) for k in range(chunks)]
        for job in jobs:
            job.result()
    shower, inputs = of_shower(cache, chunks)
    forced = of_run(run, config, sample)
    inside = [compared(data) for data in (shower, forced)]
    print("| region | shower | n_eff | forced | n_eff | κ |\n|---|---|---|---|---|---|")
    row("all", shower.weight.to_numpy(), forced.weight.to_numpy())
    row(
        "compared", *(d.weight[i].to_numpy() for d, i in zip((shower, forced), inside, strict=True))
    )
    for signal in config.signals:
        assert signal.mass_gev is not None
        parts = []
        for data in (shower, forced):
            near = data["m_JJ [GeV]"].between(
                (1 - WINDOW) * signal.mass_gev, (1 + WINDOW) * signal.mass_gev
            )
            for name in ("m₁", "m₂"):
                near &= data[f"{name} [GeV]"].between(*WINDOW_GEV)
            parts.append(data.weight[near].to_numpy())
        row(f"window of {signal.mass_gev:g} GeV", *parts)
    constancy(shower[inside[0]], forced[inside[1]], figure)
    behind_scores(run, config, sample, shower, inputs, forced)


if __name__ == "__main__":
    typer.run(main)
