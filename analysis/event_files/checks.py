"""Checks of event files against the configuration, before any long work."""

import math
from collections.abc import Sequence
from pathlib import Path

from analysis.config.simulation import Simulation
from analysis.event_files.hepmc import read_format
from analysis.event_files.les_houches import read_init
from common.errors import ConfigError, InputFileError

PRECISION = 1e-3
"""Relative difference of energies that is rounding."""
DISAGREEMENT = 5.0
"""Standard deviations between the cross sections of two runs of one process that are too many."""
TOLERANCE = 0.05
"""Relative difference that is never too much: errors in files are estimates, or missing."""


def check_heads(simulation: Simulation, files: Sequence[Path]) -> None:
    """Check the beginnings of a sample's files: format, beams and energy.

    Raises
    ------
    InputFileError
        If a file is not of its format, or of other collisions than those of the configuration.
    """
    for path in files:
        if simulation.lhe:
            init = read_init(path)
            check_beams(simulation, path, init.beams, init.energies_gev)
        else:
            read_format(path)


def check_beams(
    simulation: Simulation, path: Path, beams: Sequence[int], energies_gev: Sequence[float]
) -> None:
    """Check a file's beams, PDG codes and energies [GeV], against the configured ones.

    Raises
    ------
    InputFileError
        If they differ; names both.
    """
    found = 2 * math.sqrt(max(math.prod(energies_gev), 0.0))
    wanted, codes = simulation.energy_gev, simulation.beams
    if sorted(beams) != sorted(codes):
        raise InputFileError(
            f"{path}: its beams are {tuple(beams)}, the configuration's {codes} (Beams:idA and "
            "Beams:idB of simulation.common); correct the one that is wrong"
        )
    if abs(found - wanted) > PRECISION * wanted:
        raise InputFileError(
            f"{path}: its collisions have √s = {found:g} GeV, the configuration's {wanted:g} GeV "
            "(Beams:eCM of simulation.common); correct the one that is wrong"
        )


def check_cross_sections(
    files: Sequence[Path], sigma_pb: Sequence[float], error_pb: Sequence[float]
) -> None:
    """Check that files estimate one cross section, as runs of one process do.

    Raises
    ------
    InputFileError
        If one is more than 5 standard deviations and 5% away from the first.
    """
    for path, sigma, error in zip(files, sigma_pb, error_pb, strict=True):
        allowed = max(DISAGREEMENT * math.hypot(error, error_pb[0]), TOLERANCE * abs(sigma_pb[0]))
        if abs(sigma - sigma_pb[0]) > allowed:
            raise InputFileError(
                f"{path}: its cross section is {sigma:.4g} pb, that of {files[0]} "
                f"{sigma_pb[0]:.4g} pb; the files of one sample are runs of one process: make two "
                "samples of them"
            )


def event_range(simulation: Simulation, total: int, chunk: int) -> tuple[int, int]:
    """Return the first event of a chunk and the one behind its last, of `total` in the files.

    A chunk has `events` of them or, where these are not given, its part of all.

    Raises
    ------
    ConfigError
        If the files hold too few.

    Examples
    --------
    >>> block = Simulation(lhe="a.lhe", chunks=3)
    >>> [event_range(block, 10, chunk) for chunk in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    """
    key = "lhe" if simulation.lhe else "hepmc"
    if simulation.events:
        first = chunk * simulation.events
        if first + simulation.events > total:
            raise ConfigError(
                f"simulation.{key}: the files hold {total} events; chunk {chunk} of "
                f"{simulation.events} would end at {first + simulation.events}; lower `chunks` to "
                f"{total // simulation.events} or `events`, or give more files"
            )
        return first, first + simulation.events
    if total < simulation.chunks:
        raise ConfigError(
            f"simulation.{key}: the files hold {total} events, fewer than the "
            f"{simulation.chunks} chunks; lower `chunks`"
        )
    return chunk * total // simulation.chunks, (chunk + 1) * total // simulation.chunks
