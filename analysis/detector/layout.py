"""Writing events in the layout of Delphes' ROOT files: tree `Delphes`, branches `Group.Field`."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from analysis.detector.detector import Response
from analysis.detector.particles import Floats, Particles
from common.errors import AnalysisError

TREE = "Delphes"


class OutputFileError(AnalysisError):
    """An output file cannot be written: names the file and the reason."""


class Writer:
    """Appends batches of events to one ROOT file."""

    def __init__(self, file: Any, particle_pt_min: float) -> None:
        self._file = file
        self._particle_pt_min = particle_pt_min
        self._tree: Any = None
        self.events = 0

    def write(self, particles: Particles, weight: Floats, response: Response) -> None:
        """Append N events: generator particles, weights [N], detector response."""
        branches = to_branches(
            particles, weight, response, self._particle_pt_min, first_event=self.events
        )
        if self._tree is None:
            self._tree = self._file.mktree(
                TREE,
                {name: array.type.content for name, array in branches.items()},
                counter_name=lambda name: f"{name}_size",
                field_name=lambda group, field: f"{group}.{field}",
            )
        self._tree.extend(branches)
        self.events += len(particles)


@contextmanager
def open_writer(path: Path, particle_pt_min: float = 0.0) -> Iterator[Writer]:
    """Open a new ROOT file for writing.

    Parameters
    ----------
    path : pathlib.Path
        The file; replaced if it exists.
    particle_pt_min : float
        Generator particles below this pT [GeV] are left out.

    Raises
    ------
    OutputFileError
        If the disk is full or the file cannot be written for another reason.
    """
    try:
        with uproot.recreate(path, compression=uproot.LZ4(1)) as file:
            yield Writer(file, particle_pt_min)
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check it"
        raise OutputFileError(
            f"{path.parent}: cannot write: {reason}; {remedy} and rerun"
        ) from None


def to_branches(
    particles: Particles,
    weight: Floats,
    response: Response,
    particle_pt_min: float,
    first_event: int = 0,
) -> dict[str, ak.Array]:
    """Return the branches of N events: group → list of records per event, as Delphes has them."""
    n = len(particles)
    if particle_pt_min > 0:
        particles = particles.select(particles.pt >= particle_pt_min)
    tracks = response.tracks
    one = np.ones(n, dtype=np.int64)
    return {
        "Event": _group(one, {"Weight": _f(weight), "Number": np.arange(n) + first_event}),
        "Weight": _group(one, {"Weight": _f(weight)}),
        "Particle": _group(np.diff(particles.offsets), _particle(particles)),
        "EFlowTrack": _group(
            np.bincount(tracks.event, minlength=n),
            {
                "PID": _i(tracks.pid),
                "Charge": _i(tracks.charge),
                "P": _f(tracks.pt * np.cosh(tracks.eta)),
                "PT": _f(tracks.pt),
                "Eta": _f(tracks.eta),
                "Phi": _f(tracks.phi),
                "Mass": _f(tracks.mass),
                "EtaOuter": _f(tracks.outer_eta),
                "PhiOuter": _f(tracks.outer_phi),
                "D0": _f(response.impact.d0),
                "DZ": _f(response.impact.dz),
                "ErrorD0": _f(response.impact.error_d0),
                "ErrorDZ": _f(response.impact.error_dz),
            },
        ),
        **{
            name: _group(
                np.bincount(towers.event, minlength=n),
                {
                    "ET": _f(towers.pt),
                    "Eta": _f(towers.eta),
                    "Phi": _f(towers.phi),
                    "E": _f(towers.energy),
                },
            )
            for name, towers in (
                ("EFlowPhoton", response.photons),
                ("EFlowNeutralHadron", response.neutral_hadrons),
            )
        },
    }


def _particle(p: Particles) -> dict[str, np.ndarray]:
    floats = {
        "Mass": p.mass, "E": p.energy, "Px": p.px, "Py": p.py, "Pz": p.pz, "PT": p.pt,
        "Eta": p.eta, "Phi": p.phi, "T": p.t, "X": p.x, "Y": p.y, "Z": p.z,
    }  # fmt: skip
    integers = {
        "PID": p.pid, "Status": p.status, "Charge": p.charge,
        "M1": p.mother1, "M2": p.mother2, "D1": p.daughter1, "D2": p.daughter2,
    }  # fmt: skip
    return {name: _i(v) for name, v in integers.items()} | {k: _f(v) for k, v in floats.items()}


def _f(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)


def _i(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32)


def _group(counts: np.ndarray, fields: dict[str, np.ndarray]) -> ak.Array:
    return ak.unflatten(ak.zip(fields), counts)
