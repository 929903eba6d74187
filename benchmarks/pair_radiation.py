"""Do forced pairs of quarks radiate as those that the shower makes?

    python -m benchmarks.pair_radiation --events 2000 --shower-events 8000

Gluons of 450 to 600 GeV that split into b b̄ with a mass of 60 to 200 GeV, at particle level: those
of the shower, whose splittings are made more often with exact weights, and forced ones, as the
simulation has them and without what it corrects. The jet is that anti-kT jet with R = 1 of all that
is visible which is next to the pair. The first table has means: the number of particles, that of
charged ones and the mass of all jets and of those with 90 to 160 GeV, and cos 2φ of the pairs, φ
from the plane with the beam, where the softer quark has 0.3 or more. The second has the shower over
what is forced in ranges, over the same of all, with χ² and p of a constant.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

import awkward as ak
import fastjet
import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.detector.particles import Particles
from analysis.simulation.pythia import Generator
from analysis.simulation.selection import Selection
from benchmarks.guided_shower import TRIALS, GuidedSelection
from common.angles import delta_r
from common.weights import effective_number

PROCESS = ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", "PhaseSpace:pTHatMax = 600")
MASSES_GEV, PAIR_PT_GEV, JET_PT_GEV = (60.0, 200.0), 200.0, 200.0
NEAR, ABS_ETA, PT_GEV = 0.8, 3.0, 0.5
BOTTOM, GLUON, INVISIBLE = 5, 21, (12, 14, 16)
OUTGOING = (4, 5)
"""Entries of the partons that go out of a hard process 2 → 2."""
EDGES: Mapping[str, list[float]] = {
    "particles": [0, 40, 50, 60, 70, 80, 200],
    "jet mass": [0, 60, 90, 110, 125, 140, 160, 300],
    "share of pT": [0, 0.15, 0.3, 0.5, 0.7, 0.85, 1],
    "pair mass": [60, 80, 100, 120, 140, 200],
}


class Guided(GuidedSelection):
    """Makes the shower's pairs of these masses more often, and no others."""

    masses_gev = MASSES_GEV
    other = 1.0


class Uncorrected(Selection):
    """Lets Pythia shower forced pairs as it does what comes out of a hard process."""

    def canVetoFSREmission(self) -> bool:  # noqa: N802
        return False


KINDS: Mapping[str, type[Selection]] = {
    "shower": Guided,
    "forced": Selection,
    "forced, uncorrected": Uncorrected,
}


def pairs_of(particles: Particles, forced: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of b and b̄ of all pairs of the hard gluons, right after the splitting."""
    start = particles.offsets[particles.event]
    mother = start + particles.mother1
    if forced:
        quark, other = (
            np.flatnonzero((particles.pid == code) & (particles.status == 23))
            for code in (BOTTOM, -BOTTOM)
        )
        return quark, other  # the pairs stand in a row, b before b̄
    born = np.flatnonzero((particles.mother1 >= 0) & (particles.pid[mother] == GLUON))
    quark, other = (born[particles.pid[born] == code] for code in (BOTTOM, -BOTTOM))
    order = np.argsort(mother[other])
    at = np.searchsorted(mother[other][order], mother[quark])
    other = other[order][np.minimum(at, max(len(other) - 1, 0))]
    whole = mother[other] == mother[quark]
    quark, other = quark[whole], other[whole]
    root = mother[quark] - start[quark]
    while (root > max(OUTGOING)).any():
        root = np.where(root > max(OUTGOING), particles.mother1[start[quark] + root], root)
    of_hard = np.isin(root, OUTGOING)
    return quark[of_hard], other[of_hard]


def jets_of(particles: Particles) -> ak.Array:
    """Return the jets of each event: rapidity, φ, mass, particles and charged ones of them."""
    eta = np.arcsinh(particles.pz / np.maximum(particles.pt, 1e-9))
    seen = (particles.status == 1) & ~np.isin(np.abs(particles.pid), INVISIBLE)
    seen &= (np.abs(eta) < ABS_ETA) & (particles.pt > PT_GEV)
    names = {"px": "px", "py": "py", "pz": "pz", "E": "energy"}
    columns = {name: getattr(particles, column)[seen] for name, column in names.items()}
    counts = np.add.reduceat(seen, particles.offsets[:-1])
    momenta = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), counts)
    charged = ak.unflatten(particles.charge[seen] != 0, counts)
    cluster = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
    jets, inside = cluster.inclusive_jets(JET_PT_GEV), cluster.constituent_index(JET_PT_GEV)
    flat = ak.flatten(inside, axis=2)
    of_jet = ak.num(inside, axis=2)
    is_charged = ak.unflatten(charged[flat], ak.flatten(of_jet), axis=1)
    squared = jets.E**2 - jets.px**2 - jets.py**2 - jets.pz**2
    return ak.zip(
        {
            "y": np.arctanh(jets.pz / jets.E),
            "phi": np.arctan2(jets.py, jets.px),
            "mass": np.sqrt(np.maximum(squared, 0.0)),
            "particles": of_jet,
            "charged": ak.sum(is_charged, axis=2),
        }
    )


def sample(kind: str, events: int, seed: int) -> pd.DataFrame:
    """Return one row per pair with a jet: its weight [pb], mass, share, and what the jet is."""
    options = {"pythia": PROCESS, "events": events, "pt_hat_min": 450.0, "bias_power": 4.0}
    if kind == "shower":
        options["enhancement"] = TRIALS
    else:
        low, high = MASSES_GEV
        options["heavy_flavour"] = HeavyFlavour(
            pairs=("bb+bb",), origins=("splitting",), forced=True,
            pair_mass_min=low, pair_mass_max=high,
        )  # fmt: skip
    generator = Generator(Simulation(**options), seed, KINDS[kind])
    parts = [rows_of(b.particles, b.weight, kind != "shower") for b in generator.batches()]
    norm = generator.normalisation()
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(weight=rows.weight * norm.cross_section_pb / norm.sum_of_weights)


def rows_of(particles: Particles, weight: NDArray[np.float64], forced: bool) -> pd.DataFrame:
    """Return the rows of the events of a batch."""
    quark, other = pairs_of(particles, forced)
    one, two = (
        np.stack([getattr(particles, n)[rows] for n in ("px", "py", "pz", "energy")])
        for rows in (quark, other)
    )
    x, y, z, energy = one + two
    mass, pt = np.sqrt(np.maximum(energy**2 - x**2 - y**2 - z**2, 0.0)), np.hypot(x, y)
    event = particles.event[quark]
    jets = jets_of(particles)[event]
    distance = delta_r(jets.y, jets.phi, np.arctanh(z / energy), np.arctan2(y, x))
    nearest = ak.argmin(distance, axis=1, keepdims=True)
    found = ak.flatten(jets[nearest])
    near = ak.to_numpy(ak.fill_none(ak.flatten(distance[nearest]) < NEAR, False))
    low, high = MASSES_GEV
    kept = near & (mass > low) & (mass < high) & (pt > PAIR_PT_GEV)
    share = np.hypot(*one[:2]) / (np.hypot(*one[:2]) + np.hypot(*two[:2]))
    columns = {"weight": weight[event], "pair mass": mass, "share of pT": share}
    columns["cos 2φ"] = -double_cosine(one[:3] - two[:3], (one + two)[:3])
    names = {"jet mass": "mass", "particles": "particles", "charged": "charged"}
    columns |= {name: ak.to_numpy(ak.fill_none(found[key], 0)) for name, key in names.items()}
    return pd.DataFrame(columns)[kept]


def double_cosine(vector: NDArray[np.float64], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cos 2ψ of vectors [3, N], ψ about an axis [3, N] from the normal of axis and beam."""
    axis = axis / np.linalg.norm(axis, axis=0)
    across = vector - np.sum(vector * axis, axis=0) * axis
    normal = np.cross(axis, [0.0, 0.0, 1.0], axisa=0, axisc=0)
    cosine = np.sum(across * normal, axis=0)
    cosine /= np.linalg.norm(across, axis=0) * np.linalg.norm(normal, axis=0)
    return np.asarray(2 * cosine**2 - 1)


def mean(data: pd.DataFrame, name: str) -> str:
    """Return the weighted mean of a column and its error."""
    w, x = data.weight, data[name]
    centre = (w * x).sum() / w.sum()
    error = np.sqrt((w**2 * (x - centre) ** 2).sum()) / w.sum()
    return f"{centre:.2f} ± {error:.2f}"


def constancy(shower: pd.DataFrame, forced: pd.DataFrame, name: str) -> str:
    """Return the shower over the forced pairs in ranges of a column, over the same of all."""
    ratio, error = [], []
    whole = shower.weight.sum() / forced.weight.sum()
    for low, high in pairwise(EDGES[name]):
        a, b = (d.weight[(d[name] >= low) & (d[name] < high)] for d in (shower, forced))
        ratio.append(a.sum() / b.sum() / whole)
        relative = np.hypot(np.sqrt((a**2).sum()) / a.sum(), np.sqrt((b**2).sum()) / b.sum())
        error.append(ratio[-1] * relative)
    square = float(np.sum(((np.array(ratio) - 1) / error) ** 2))
    cells = (f"{r:.2f} ± {e:.2f}" for r, e in zip(ratio, error, strict=True))
    freedom = len(ratio) - 1
    return f"{', '.join(cells)} | {square:.1f} / {freedom} | {chi2.sf(square, freedom):.2g}"


def main(
    events: Annotated[int, typer.Option(help="Forced events of each kind, two pairs each.")] = 2000,
    shower_events: Annotated[int, typer.Option(help="Events of the shower.")] = 8000,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
) -> None:
    """Print both tables."""
    samples = {
        kind: sample(kind, shower_events if kind == "shower" else events, seed) for kind in KINDS
    }
    columns = ("particles", "charged", "jet mass")
    heads = [*(f"{c}, {w}" for w in ("all", "90–160 GeV") for c in columns), "cos 2φ"]
    print(f"| pairs | n_eff | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 2)}")
    for kind, data in samples.items():
        window = data[data["jet mass"].between(90, 160)]
        even = data[data["share of pT"].between(0.3, 0.7)]
        cells = [mean(part, name) for part in (data, window) for name in columns]
        cells.append(mean(even, "cos 2φ"))
        print(f"| {kind} | {effective_number(data.weight):.0f} | {' | '.join(cells)} |")
    print("\n| variable | pairs | shower over forced | χ² | p |\n|---|---|---|---|---|")
    for name in EDGES:
        for kind in ("forced, uncorrected", "forced"):
            print(f"| {name} | {kind} | {constancy(samples['shower'], samples[kind], name)} |")


if __name__ == "__main__":
    typer.run(main)
