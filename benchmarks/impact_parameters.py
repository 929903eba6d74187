"""Impact parameters of the parametric detector against those of Delphes, track by track.

    python -m benchmarks.impact_parameters FILE …

Each FILE is a Delphes file with all generator particles. Prints the tables of
docs/validation/2026-11-26-impact-parameters.md: the largest difference of the true values, widths
in bins of pT, and the resolution.
"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import typer
import uproot
from numpy.typing import NDArray

from analysis.config.detector import Detector, ImpactResolution
from analysis.detector.particles import Particles
from analysis.detector.propagation import closest_approach
from analysis.detector.tracking import measure_impact
from benchmarks.delphes_truth import read_particles

EDGES = (0.5, 1.0, 2.0, 5.0, 10.0, 100.0)
PROMPT = 1e-3
"""Tracks of particles born closer to the beam line than this [mm] are prompt."""


def tracks(path: Path) -> tuple[Particles, NDArray[np.int64], NDArray[np.float64]]:
    """Return all particles, the entry of each energy-flow track's, and Delphes' d₀ and z [mm]."""
    particles = read_particles(path)
    with uproot.open(path) as file:
        names = ("Particle.fUniqueID", "EFlowTrack.Particle", "EFlowTrack.D0", "EFlowTrack.DZ")
        raw = file["Delphes"].arrays(names)
    source = []
    for first, ids, wanted in zip(
        particles.offsets, raw[names[0]], raw[names[1]]["ref"], strict=False
    ):
        unique = ak.to_numpy(ids)
        order = np.argsort(unique)
        source.append(first + order[np.searchsorted(unique[order], ak.to_numpy(wanted))])
    found = [ak.to_numpy(ak.flatten(raw[name])).astype(np.float64) for name in names[2:]]
    return particles, np.concatenate(source), np.stack(found)


def half_width(values: NDArray[np.float64]) -> float:
    """Return half of the shortest central interval that holds 68% [µm]."""
    low, high = np.quantile(values, (0.16, 0.84))
    return float(1e3 * (high - low) / 2)


def main(files: Annotated[list[Path], typer.Argument(help="Delphes files.")]) -> None:
    """Compare true and measured impact parameters with those that Delphes writes."""
    field, rng = Detector().tracker.field, np.random.default_rng(1)
    columns = []
    for path in files:
        particles, source, delphes = tracks(path)
        true = np.stack(closest_approach(particles, source, field))
        print(
            f"{path.name}: {len(source)} tracks, largest |ours − Delphes| "
            + ", ".join(f"{1e3 * d:.2f} µm" for d in abs(true - delphes).max(axis=1))
        )
        seen = measure_impact(particles, source, field, ImpactResolution(), rng)
        radius = np.hypot(particles.x[source], particles.y[source])
        columns.append(
            np.stack(
                [particles.pt[source], radius, *delphes, *true, seen.d0, seen.dz, seen.error_d0]
            )
        )
    pt, radius, d0, dz, true_d0, true_dz, seen_d0, seen_dz, error = np.concatenate(columns, axis=1)
    print("\n| pT [GeV] | tracks | born | d₀ of Delphes | true d₀, ours | measured d₀, ours | "
          "z of Delphes | true z, ours | measured z, ours | mean σ(d₀) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for low, high in pairwise(EDGES):
        for born, kind in ((radius < PROMPT, "prompt"), (radius >= PROMPT, "displaced")):
            rows = (pt >= low) & (pt < high) & born
            widths = (half_width(x[rows]) for x in (d0, true_d0, seen_d0, dz, true_dz, seen_dz))
            cells = " | ".join(f"{width:.1f}" for width in widths)
            print(f"| {low:g}–{high:g} | {rows.sum()} | {kind} | {cells} | "
                  f"{1e3 * error[rows].mean():.1f} |")  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
