"""The parametric detector against Delphes: the same generator events through both.

    python -m benchmarks.fidelity FOLDER [--figures docs/figures]

FOLDER holds Delphes files with all generator particles (`Particle` not thinned). Both detectors'
events are read, clustered and oriented by the same code. Prints the table of docs/simulation.md.
"""

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import awkward as ak
import matplotlib.pyplot as plt
import numpy as np
import typer
import uproot
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from analysis.config.detector import Detector
from analysis.config.reconstruction import FatJets, Reconstruction
from analysis.delphes.reader import open_delphes
from analysis.detector.detector import simulate
from analysis.detector.layout import open_writer
from analysis.figures.style import styled
from analysis.reconstruction.reconstruct import reconstruct
from benchmarks.delphes_truth import read_particles
from common.angles import delta_r
from common.files import atomic_path

Floats = NDArray[np.float64]
JETS = Reconstruction(
    fatjets=FatJets(pt_min=200.0, mass_min=0.0, abs_eta_max=2.0), max_constituents=5000
)
SELECTED = {"pt": 250.0, "mass": 50.0}
MATCH = 0.5
KINDS = {"charged": (0, 1, 2), "photons": (3,), "neutral hadrons": (4,)}


def tables(path: Path, seeds: int) -> tuple[ak.Array, ak.Array, ak.Array]:
    """Return Delphes' events, ours for each seed one after the other, and generator fat jets."""
    particles = read_particles(path)
    weight = np.ones(len(particles))
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.root"
        with open_writer(ours) as writer:
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                writer.write(particles, weight, simulate(particles, Detector(), rng))
        found = []
        for file_path in (path, ours):
            with open_delphes(str(file_path)) as file:
                found.append(ak.concatenate([reconstruct(e, JETS)[0] for e in file.steps(1000)]))
    with uproot.open(path) as file:
        leaves = ("PT", "Eta", "Phi", "Mass")
        raw = file["Delphes"].arrays([f"GenFatJet.{leaf}" for leaf in leaves])
    generated = ak.zip({leaf.lower(): raw[f"GenFatJet.{leaf}"] for leaf in leaves})
    return found[0], found[1], generated


@dataclass(frozen=True)
class Jets:
    """Selected events: what is compared of the leading jets [N], and the prongs of both [N, 2]."""

    key: NDArray[np.int64]
    quantities: dict[str, Floats]
    prongs: dict[str, Floats]

    @classmethod
    def of(cls, table: ak.Array, generated: ak.Array, first_key: int) -> "Jets":
        """Return the leading jets of events with two above the default cuts."""
        fine = ak.all(table.fatjet.pt > SELECTED["pt"], axis=1)
        fine = fine & ak.all(table.fatjet.mass > SELECTED["mass"], axis=1)
        table = table[fine]
        jet, inside, subjets = table.fatjet[:, 0], table.constituent[:, 0], table.subjet[:, 0]
        truth = generated[ak.to_numpy(table.entry)]
        distance = delta_r(jet.eta, jet.phi, truth.eta, truth.phi)
        nearest = ak.argmin(distance, axis=1, keepdims=True)
        matched = ak.fill_none(ak.firsts(distance[nearest]) < MATCH, False)

        def response(leaf: str) -> Floats:
            ratio = ak.fill_none(jet[leaf] / ak.firsts(truth[leaf][nearest]), np.nan)
            return np.where(matched, ratio, np.nan)

        energy = ak.sum(inside.energy, axis=1)
        pt, eta, phi = table.fatjet.pt, table.fatjet.eta, table.fatjet.phi
        momentum = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
        m_jj = np.sqrt(
            ak.sum(table.fatjet.energy, axis=1) ** 2 - sum(ak.sum(p, axis=1) ** 2 for p in momentum)
        )
        values = {
            "pT response": response("pt"),
            "mass [GeV]": jet.mass,
            "mass response": response("mass"),
            "multiplicity": jet.multiplicity,
            **{
                f"fraction of {name}": ak.sum(
                    ak.where(_among(inside.kind, kinds), inside.energy, 0.0), axis=1
                )
                / energy
                for name, kinds in KINDS.items()
            },
            "m_JJ [GeV]": m_jj,
            "subjets": ak.num(subjets),
            "theta": jet.theta,
        }
        return cls(
            key=first_key + ak.to_numpy(table.entry),
            quantities={k: np.asarray(v, dtype=np.float64) for k, v in values.items()},
            prongs=two_prongs(table),
        )


def two_prongs(table: ak.Array) -> dict[str, Floats]:
    """Return direction, θ, and of the two leading subjets distance, balance and share, [N, 2].

    Balance is the softer one's part of their pT, share their part of the jet's pT.
    """
    jets = table.fatjet
    pair = ak.pad_none(table.subjet, 2, axis=2, clip=True)
    first, second = pair[:, :, 0], pair[:, :, 1]
    pt = first.pt + second.pt
    values = {
        "theta": jets.theta,
        "eta": jets.eta,
        "phi": jets.phi,
        "distance": delta_r(first.eta, first.phi, second.eta, second.phi),
        "balance": second.pt / pt,
        "share": pt / jets.pt,
    }
    return {
        k: np.asarray(ak.fill_none(v, 0.0), dtype=np.float64).reshape(-1, 2)
        for k, v in values.items()
    }


def _among(kind: ak.Array, kinds: tuple[int, ...]) -> ak.Array:
    found = kind == kinds[0]
    for other in kinds[1:]:
        found = found | (kind == other)
    return found


def moments(values: Floats, weight: Floats, window: tuple[float, float]) -> tuple[float, float]:
    """Return weighted mean and width of the values inside the window."""
    inside = (values > window[0]) & (values < window[1])
    if not inside.any():
        return np.nan, np.nan
    mean = np.average(values[inside], weights=weight[inside])
    return mean, np.sqrt(np.average((values[inside] - mean) ** 2, weights=weight[inside]))


WINDOWS = {"pT response": (0.5, 1.5), "mass response": (0.5, 1.5)}
EVERYTHING = (-np.inf, np.inf)


def compare(name: str, real: Jets, ours: Jets, events: int) -> tuple[Floats, Floats]:
    """Return (mean, width) of Delphes, ours, and of their ratio's error from a bootstrap."""
    window = WINDOWS.get(name, EVERYTHING)
    rng = np.random.default_rng(0)
    replicas = []
    for replica in range(301):
        weight = np.ones(events) if replica == 0 else rng.poisson(1.0, events).astype(float)
        replicas.append([moments(j.quantities[name], weight[j.key], window) for j in (real, ours)])
    values = np.array(replicas)  # [replica, detector, moment]
    return values[0], values[1:]


PRONGS = {
    "> 0.3 apart, balance > 0.25": (0.3, 0.25, 0.0),
    "> 0.5 apart, balance > 0.2, share > 0.9": (0.5, 0.2, 0.9),
}


def theta_agreement(a: Jets, b: Jets, cuts: tuple[float, float, float]) -> tuple[float, int]:
    """Return the fraction of jets with two prongs whose θ agree within 0.1, and their number."""
    _, i, j = np.intersect1d(a.key, b.key, return_indices=True)
    one, other = ({k: v[n] for k, v in x.prongs.items()} for x, n in ((a, i), (b, j)))
    use = delta_r(one["eta"], one["phi"], other["eta"], other["phi"]) < 0.3
    for name, cut in zip(("distance", "balance", "share"), cuts, strict=True):
        use &= one[name] > cut
    turn = one["theta"][use] - other["theta"][use]
    turn = np.abs((turn + np.pi / 2) % np.pi - np.pi / 2)
    return float(np.mean(turn < 0.1)), int(use.sum())


def print_table(real: Jets, ours: list[Jets], events: int) -> None:
    """Print one line per requirement: both detectors, their ratio or difference, the target."""
    pooled = merge(ours)
    selected = np.mean([len(jets.key) for jets in ours])
    print(f"Selected of {events} events: {len(real.key)} with Delphes, {selected:.1f} with ours\n")
    print("| quantity (leading fat jet) | Delphes | ours | difference | wanted |")
    print("|---|---|---|---|---|")
    rows = (
        ("pT response", 0, 0.01), ("pT response", 1, 0.10), ("mass [GeV]", 0, 0.02),
        ("mass [GeV]", 1, 0.10), ("mass response", 0, 0.02), ("mass response", 1, 0.10),
        ("multiplicity", 0, 0.05),
    )  # fmt: skip
    for name, moment, limit in rows:
        best, replicas = compare(name, real, pooled, events)
        ratio = best[1, moment] / best[0, moment] - 1
        error = np.std(replicas[:, 1, moment] / replicas[:, 0, moment])
        label = f"{name}, {('mean', 'width')[moment]}"
        print(
            f"| {label} | {best[0, moment]:.4g} | {best[1, moment]:.4g} | "
            f"{100 * ratio:+.1f} ± {100 * error:.1f}% | {100 * limit:.0f}% |"
        )
    for kind in KINDS:
        best, replicas = compare(f"fraction of {kind}", real, pooled, events)
        error = np.std(replicas[:, 1, 0] - replicas[:, 0, 0])
        print(
            f"| energy fraction of {kind} | {best[0, 0]:.4f} | {best[1, 0]:.4f} | "
            f"{best[1, 0] - best[0, 0]:+.4f} ± {error:.4f} | 0.02 |"
        )
    for name, cuts in PRONGS.items():
        found = [theta_agreement(real, jets, cuts) for jets in ours]
        again = [theta_agreement(a, b, cuts)[0] for a, b in pairwise(ours)]
        mean, n = np.mean([fraction for fraction, _ in found]), found[0][1]
        print(
            f"| θ within 0.1 rad, prongs {name} ({n} jets) | two passes of ours: "
            f"{100 * np.mean(again):.0f}% | {100 * mean:.0f} ± "
            f"{100 * np.sqrt(mean * (1 - mean) / n):.0f}% | | 90% |"
        )
    for name in ("mass [GeV]", "m_JJ [GeV]", "subjets"):
        p = [ks_2samp(real.quantities[name], j.quantities[name]).pvalue for j in ours]
        print(f"| Kolmogorov–Smirnov p, {name} | | {np.median(p):.2f} (≥ {min(p):.2f}) | | 0.01 |")


PANELS = {
    "pT response": np.linspace(0.7, 1.3, 31),
    "mass [GeV]": np.linspace(50, 350, 31),
    "m_JJ [GeV]": np.linspace(400, 2400, 26),
    "multiplicity": np.linspace(0, 150, 31),
    "subjets": np.arange(0.5, 7.5),
    "fraction of charged": np.linspace(0, 1, 26),
    "fraction of photons": np.linspace(0, 1, 26),
    "fraction of neutral hadrons": np.linspace(0, 0.6, 25),
    "theta": np.linspace(-np.pi / 2, np.pi / 2, 16),
}


@styled
def draw(real: Jets, ours: list[Jets]) -> Figure:
    """Return the distributions of both detectors, ours averaged over its seeds."""
    figure, axes = plt.subplots(3, 3, figsize=(15, 12))
    for axis, (name, edges) in zip(axes.flat, PANELS.items(), strict=True):
        counts, _ = np.histogram(real.quantities[name], edges)
        centres = 0.5 * (edges[1:] + edges[:-1])
        axis.errorbar(centres, counts, np.sqrt(counts), fmt="ko", label="Delphes 3.5.1")
        mine = [np.histogram(jets.quantities[name], edges)[0] for jets in ours]
        axis.stairs(np.mean(mine, axis=0), edges, color="#3f90da", lw=2, label="parametric")
        axis.set(xlabel=name, ylabel="Events")
        axis.set_ylim(0, None)
    axes.flat[0].legend()
    return figure


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of Delphes files.", exists=True)],
    figures: Annotated[Path | None, typer.Option(help="Folder for the figure.")] = None,
    seeds: Annotated[int, typer.Option(help="Passes through our detector.")] = 10,
) -> None:
    """Compare the parametric detector with Delphes."""
    real: list[Jets] = []
    ours: list[list[Jets]] = [[] for _ in range(seeds)]
    events = 0
    for path in sorted(folder.glob("*.root")):
        delphes, parametric, generated = tables(path, seeds)
        n = len(generated)
        real.append(Jets.of(delphes, generated, events))
        for seed in range(seeds):
            one = parametric[parametric.entry // n == seed]
            one["entry"] = one.entry % n
            ours[seed].append(Jets.of(one, generated, events))
        events += n
    if not real:
        raise typer.BadParameter(f"no .root file in {folder}")
    pooled = [merge(jets) for jets in (real, *ours)]
    print_table(pooled[0], pooled[1:], events)
    if figures:
        with atomic_path(figures / "fidelity.png") as path:
            draw(pooled[0], pooled[1:]).savefig(path, dpi=90)


def merge(parts: list[Jets]) -> Jets:
    """Return the jets of several files as one."""

    def joined(name: str) -> dict[str, Floats]:
        return {
            key: np.concatenate([getattr(part, name)[key] for part in parts])
            for key in getattr(parts[0], name)
        }

    key = np.concatenate([part.key for part in parts])
    return Jets(key, joined("quantities"), joined("prongs"))


if __name__ == "__main__":
    typer.run(main)
