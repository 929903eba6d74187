"""One chunk of simulated events: generate, measure, write."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pythia8mc

from analysis.config.detector import Detector
from analysis.config.simulation import Simulation
from analysis.detector.detector import simulate
from analysis.detector.layout import open_writer
from analysis.simulation.hepmc_files import HepmcFiles
from analysis.simulation.pythia import Batch, Generator, Normalisation, cross_section
from analysis.simulation.real_delphes import find_card, find_executable, run_delphes
from analysis.simulation.selection import Selection
from analysis.simulation.settings import chunk_seeds, seed_lines, settings_lines
from analysis.simulation.showered_files import ShoweredFiles

log = logging.getLogger(__name__)


def produce(
    simulation: Simulation,
    detector: Detector,
    sample: str,
    chunk: int,
    seed: int,
    output: Path,
    selection: type[Selection] = Selection,
) -> dict[str, Any]:
    """Write the ROOT file of one chunk and return its metadata.

    Parameters
    ----------
    simulation, detector : Simulation, Detector
        Settings of the sample and of the parametric detector.
    sample : str
        Name of the sample; with `chunk` and `seed` it determines all random numbers.
    chunk : int
        Number of the chunk.
    seed : int
        Seed of the analysis.
    output : pathlib.Path
        ROOT file to write.
    selection : type of Selection
        The hooks of events that Pythia makes.

    Returns
    -------
    dict
        `events`, `sum_of_weights`, `cross_section_pb` and `cross_section_error_pb` of what is in
        the file: an event's yield at luminosity L is L · σ · w / Σw. Beside them what was
        generated in all, the settings and the seed.
    """
    pythia_seed, rng = chunk_seeds(seed, sample, chunk)
    if simulation.detector == "delphes":
        norm = _with_delphes(simulation, pythia_seed, chunk, output)
    else:
        source = _source(simulation, chunk, pythia_seed, selection)
        norm = _parametric(source, detector, rng, output)
    return metadata(simulation, norm, sample, chunk, pythia_seed)


def metadata(
    simulation: Simulation, norm: Normalisation, sample: str, chunk: int, pythia_seed: int
) -> dict[str, Any]:
    """Return the metadata of a chunk, ready for JSON."""
    kept = asdict(norm)
    version = pythia8mc.Pythia("", False).parm("Pythia:versionNumber")
    settings = [] if simulation.hepmc else [*settings_lines(simulation), *seed_lines(pythia_seed)]
    return {
        "sample": sample,
        "chunk": chunk,
        "events": kept["events"],
        "sum_of_weights": kept["sum_of_weights"],
        "cross_section_pb": kept["cross_section_pb"],
        "cross_section_error_pb": kept["error_pb"],
        "generated": {
            "events": kept["generated"],
            "sum_of_weights": kept["generated_sum_of_weights"],
            "cross_section_pb": kept["generated_cross_section_pb"],
        },
        "class": simulation.heavy_flavour.model_dump() if simulation.heavy_flavour else None,
        "detector": simulation.detector,
        "pythia_version": f"{version:.3f}",
        "event_files": list(simulation.event_files),
        "pythia_settings": settings,
        "seed": pythia_seed,
    }


class Source(Protocol):
    """Where a chunk's events come from."""

    def batches(self) -> Iterator[Batch]:
        """Yield the events."""

    def normalisation(self) -> Normalisation:
        """Return the normalisation; to be called when all batches have been taken."""


def _source(simulation: Simulation, chunk: int, seed: int, selection: type[Selection]) -> Source:
    if simulation.lhe:
        return ShoweredFiles(simulation, chunk, seed)
    if simulation.hepmc:
        return HepmcFiles(simulation, chunk)
    return Generator(simulation, seed, selection)


def _parametric(
    source: Source, detector: Detector, rng: np.random.Generator, output: Path
) -> Normalisation:
    with open_writer(output, detector.particle_pt_min) as writer:
        for batch in source.batches():
            response = simulate(batch.particles, detector, rng)
            writer.write(batch.particles, batch.weight, response)
            log.info("%d events", writer.events)
    return source.normalisation()


def _with_delphes(simulation: Simulation, seed: int, chunk: int, output: Path) -> Normalisation:
    find_executable(simulation.delphes)
    find_card(simulation.delphes)
    sigma, error = cross_section(simulation, seed)
    weights = run_delphes(simulation, seed, chunk, output)
    total = float(weights.sum())
    return Normalisation(
        events=len(weights),
        generated=len(weights),
        sum_of_weights=total,
        generated_sum_of_weights=total,
        cross_section_pb=sigma,
        error_pb=error,
        generated_cross_section_pb=sigma,
    )


def combine(chunks: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Return σ [pb], its error [pb] and Σw of a sample from the metadata of its chunks.

    Every chunk estimates the same σ; they are averaged with the number of events generated.

    Examples
    --------
    >>> one = {"cross_section_pb": 2.0, "cross_section_error_pb": 0.3, "sum_of_weights": 5.0,
    ...        "generated": {"events": 100}}
    >>> sigma, error, total = combine([one, one | {"cross_section_pb": 4.0}])
    >>> sigma, round(error, 3), total
    (3.0, 0.212, 10.0)
    """
    generated = np.array([chunk["generated"]["events"] for chunk in chunks], dtype=float)
    share = generated / generated.sum()
    sigma = np.array([chunk["cross_section_pb"] for chunk in chunks])
    error = np.array([chunk["cross_section_error_pb"] for chunk in chunks])
    total = sum(chunk["sum_of_weights"] for chunk in chunks)
    return float(share @ sigma), float(np.sqrt(share**2 @ error**2)), float(total)
