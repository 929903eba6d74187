"""The events of HepMC files, as they are, for the detector to measure."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyhepmc
import pythia8mc

from analysis.config.simulation import Simulation
from analysis.detector.particles import Particles, offsets_of
from analysis.event_files.checks import (
    check_beams,
    check_cross_sections,
    check_heads,
    event_range,
)
from analysis.event_files.hepmc import Content, read_content, write_range
from analysis.simulation.pythia import Batch, Normalisation
from common.errors import ConfigError, InputFileError, NormalisationError

BEAM = 4
"""Status of a beam particle."""
SIGNAL_PB = 1e-3
"""σ of a signal whose files say none [pb]: its yields are for 1 fb."""


class HepmcFiles:
    """Gives one chunk's range of the events of HepMC files.

    Parameters
    ----------
    simulation : Simulation
        Settings of the sample.
    chunk : int
        Number of the chunk.

    Raises
    ------
    InputFileError
        If a file is damaged or empty, or says no cross section and the configuration gives none.
    ConfigError
        If the files hold too few events.
    """

    def __init__(self, simulation: Simulation, chunk: int) -> None:
        self._files = [Path(file) for file in simulation.event_files]
        check_heads(simulation, self._files)
        self._simulation = simulation
        contents = [read_content(path) for path in self._files]
        self._events = sum(content.events for content in contents)
        self._range = event_range(simulation, self._events, chunk)
        self._sigma, self._error = _cross_section(simulation, self._files, contents)
        self._nominal, self._sum, self._number = 0.0, 0.0, 0
        self._data = pythia8mc.Pythia("", False).particleData

    def batches(self, size: int = 250) -> Iterator[Batch]:
        """Yield the events, at most `size` at a time."""
        with tempfile.TemporaryDirectory() as folder:
            waiting, weights = [], []
            for event in self._read(Path(folder)):
                weights.append(self._weight(event))
                waiting.append(_arrays(event))
                if len(waiting) == size:
                    yield Batch(self._particles(waiting), np.array(weights))
                    waiting, weights = [], []
            if waiting:
                yield Batch(self._particles(waiting), np.array(weights))

    def _read(self, folder: Path) -> Iterator[pyhepmc.GenEvent]:
        first, last = self._range
        for path in write_range(self._files, first, last, folder):
            with pyhepmc.open(str(path)) as file:
                for event in file:
                    event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
                    if self._number == 0:
                        self._check_beams(event)
                    self._number += 1
                    yield event
        if self._number != last - first:
            raise InputFileError(
                f"{self._files[0]}: {self._number} of the events {first} … {last - 1} of the "
                "sample's files can be read; make the files again"
            )

    def _check_beams(self, event: pyhepmc.GenEvent) -> None:
        beams = event.numpy.particles
        chosen = beams.status == BEAM
        if np.count_nonzero(chosen) != 2:
            raise InputFileError(
                f"{self._files[0]}: its first event has {np.count_nonzero(chosen)} beam particles "
                "(status 4), not two; make the file again"
            )
        check_beams(
            self._simulation, self._files[0], beams.pid[chosen].tolist(), beams.e[chosen].tolist()
        )

    def _weight(self, event: pyhepmc.GenEvent) -> float:
        """Return the chosen weight of an event, and add up the sums."""
        values = event.weights
        nominal = chosen = float(values[0]) if len(values) else 1.0
        if name := self._simulation.weight:
            names = _weight_names(event) if len(values) else []
            if name not in names:
                known = ", ".join(names[:12]) or "none with a name: leave it out"
                raise ConfigError(
                    f"simulation.weight: an event of {self._files[0]} has no weight {name!r}; "
                    f"there are {known}"
                )
            chosen = float(values[names.index(name)])
        if not np.isfinite(chosen):
            raise InputFileError(
                f"{self._files[0]}: an event of the sample's files has the weight {chosen}; make "
                "the files again"
            )
        self._nominal += nominal
        self._sum += chosen
        return chosen

    def _particles(self, events: list[dict[str, np.ndarray]]) -> Particles:
        flat = {key: np.concatenate([event[key] for event in events]) for key in events[0]}
        codes, inverse = np.unique(flat["pid"], return_inverse=True)
        charge = np.array([round(self._data.charge(int(c))) for c in codes], dtype=np.int32)
        family = ("mother1", "mother2", "daughter1", "daughter2")
        flat |= dict.fromkeys(family, np.full(len(flat["pid"]), -1, np.int32))
        return Particles(
            offsets=offsets_of(np.array([len(event["pid"]) for event in events])),
            charge=charge[inverse],
            **flat,
        )

    def normalisation(self) -> Normalisation:
        """Return the normalisation; to be called when all batches have been taken."""
        if not (self._sum > 0 and self._nominal > 0):
            raise NormalisationError(
                f"{self._files[0]}: the weights of the {self._number} events of this chunk sum to "
                f"{self._sum:g}: no normalisation is possible; use fewer chunks"
            )
        # a given cross section is that of the chosen weight
        is_given = self._simulation.cross_section_pb is not None
        sigma = self._sigma * (1.0 if is_given else self._sum / self._nominal)
        # one error of σ is common to all chunks, whose errors are added in quadrature later
        error = self._error * sigma / self._sigma * np.sqrt(self._events / self._number)
        return Normalisation(
            events=self._number,
            generated=self._number,
            sum_of_weights=self._sum,
            generated_sum_of_weights=self._sum,
            cross_section_pb=sigma,
            error_pb=float(error),
            generated_cross_section_pb=sigma,
        )


def _cross_section(
    simulation: Simulation, files: list[Path], contents: list[Content]
) -> tuple[float, float]:
    """Return σ of the nominal weights and its error [pb], averaged by the files' events."""
    if simulation.cross_section_pb is not None:
        return simulation.cross_section_pb, 0.0
    known = [c.cross_section_pb for c in contents if c.cross_section_pb is not None]
    if len(known) < len(contents):
        if simulation.mass_gev is not None:
            return SIGNAL_PB, 0.0
        path = next(p for p, c in zip(files, contents, strict=True) if c.cross_section_pb is None)
        raise InputFileError(
            f"{path}: its last event says no cross section (GenCrossSection); give it as "
            "simulation.cross_section_pb (in pb)"
        )
    sigma, error = np.array(known), np.array([content.error_pb for content in contents])
    check_cross_sections(files, sigma.tolist(), error.tolist())
    part = np.array([content.events for content in contents], dtype=float)
    part /= part.sum()
    return float(part @ sigma), float(np.sqrt(part**2 @ error**2))


def _weight_names(event: pyhepmc.GenEvent) -> list[str]:
    """Return the names of an event's weights; none where the file names none."""
    try:
        return list(event.weight_names)
    except RuntimeError:  # what HepMC 3 raises without names
        return []


def _arrays(event: pyhepmc.GenEvent) -> dict[str, np.ndarray]:
    """Return the particles of an event as arrays [M], by the names of `Particles`.

    A particle stands where its production vertex is; one without stands at the origin. A vertex
    without a position has that of what came into it, as HepMC 3 defines it.
    """
    data = pyhepmc.GenEventData()
    event.write_data(data)
    particles = event.numpy.particles
    vertices, listed = event.numpy.vertices, event.vertices
    row = -np.array(vertices.id, np.int64)  # neither in order nor without gaps; 0 is for none
    where = np.zeros((1 + row.max(initial=0), 4))
    where[row] = np.stack([vertices.x, vertices.y, vertices.z, vertices.t], axis=1)
    for k in np.flatnonzero(~vertices.has_set_position):
        where[row[k]] = listed[k].position
    vertex = np.zeros(len(particles.pid), np.int64)
    is_outgoing = data.links1 < 0
    vertex[data.links2[is_outgoing] - 1] = -data.links1[is_outgoing]
    x, y, z, t = where[vertex].T
    return {
        "pid": np.array(particles.pid, np.int32),
        "status": np.array(particles.status, np.int32),
        "px": np.array(particles.px),
        "py": np.array(particles.py),
        "pz": np.array(particles.pz),
        "energy": np.array(particles.e),
        "mass": np.array(particles.generated_mass),
        "x": x,
        "y": y,
        "z": z,
        "t": t,
    }
