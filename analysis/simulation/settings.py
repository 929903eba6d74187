"""Lines of Pythia settings from the configuration."""

import re

import numpy as np

from analysis.config.simulation import Simulation, chooses_process
from common.errors import ConfigError

SHOWERS = {"simple": 1, "vincia": 2, "dire": 3}
LIGHT_HIGGS_MASS = 125.0
_MASS = re.compile(r"^\s*(\d+):m0\s*=\s*(\S+)\s*$")


def settings_lines(simulation: Simulation) -> tuple[str, ...]:
    """Return all lines of Pythia settings of a sample but the seed.

    Raises
    ------
    ConfigError
        If a mass is missing, not a positive number, or m_H below 2·m_h.
    """
    lines = [*simulation.common, *_fill(simulation), *_sampling(simulation)]
    _check_masses(lines)
    return tuple(lines)


GLOBAL_SHOWER = "Vincia:sectorShower = off"
"""Vincia's sector shower emits nothing harder than the softest splitting that is there already, so
that behind forced pairs it would leave out most of what makes both jets recoil."""


def showered_lines(simulation: Simulation) -> tuple[str, ...]:
    """Return the lines of a Pythia that showers hard processes which it is given."""
    kept = (line for line in simulation.pythia if not chooses_process(line))
    lines = (GLOBAL_SHOWER, *kept, "Beams:frameType = 5")
    chosen = simulation.model_copy(update={"pythia": lines, "pt_hat_min": None, "bias_power": 0.0})
    return settings_lines(chosen)


def seed_lines(seed: int) -> tuple[str, str]:
    """Return the lines that set Pythia's seed."""
    return "Random:setSeed = on", f"Random:seed = {seed}"


def chunk_seeds(seed: int, sample: str, chunk: int) -> tuple[int, np.random.Generator]:
    """Return Pythia's seed and the detector's generator for one chunk of a sample.

    Parameters
    ----------
    seed : int
        Seed of the analysis.
    sample : str
        Name of the sample.
    chunk : int
        Number of the chunk.
    """
    root = np.random.SeedSequence([seed, chunk, *sample.encode()])
    generator, detector = root.spawn(2)
    return int(generator.generate_state(1)[0]) % 900_000_000 + 1, np.random.default_rng(detector)


def _fill(simulation: Simulation) -> list[str]:
    lines = []
    for line in simulation.pythia:
        if "{mass_gev}" in line:
            if simulation.mass_gev is None:
                raise ConfigError(f"simulation.pythia: {line!r} needs the sample's mass_gev (GeV)")
            line = line.replace("{mass_gev}", f"{simulation.mass_gev:g}")
        lines.append(line)
    return lines


def _sampling(simulation: Simulation) -> list[str]:
    lines = []
    if simulation.pt_hat_min is not None:
        lines.append(f"PhaseSpace:pTHatMin = {simulation.pt_hat_min:g}")
    if simulation.bias_power > 0:
        lines += [
            "PhaseSpace:bias2Selection = on",
            f"PhaseSpace:bias2SelectionPow = {simulation.bias_power:g}",
            f"PhaseSpace:bias2SelectionRef = {simulation.pt_hat_min:g}",
        ]
    if simulation.enhancement > 1:
        lines += [
            "Enhancements:doEnhance = on",
            f"EnhancedSplittings:List = {{fsr:G2BB={simulation.enhancement:g}}}",
        ]
    if simulation.shower != "simple":
        lines.append(f"PartonShowers:model = {SHOWERS[simulation.shower]}")
    return lines


def _check_masses(lines: list[str]) -> None:
    """Raise if a mass is not positive, or a heavy Higgs boson cannot decay to two light ones."""
    masses = {}
    for line in lines:
        match = _MASS.match(line)
        if not match:
            continue
        try:
            mass = float(match[2])
        except ValueError:
            raise ConfigError(f"simulation.pythia: {line!r}: {match[2]!r} is no number") from None
        if not 0 < mass < np.inf:
            raise ConfigError(
                f"simulation.pythia: {line!r}: a mass must be positive (GeV); correct mass_gev or "
                "the line"
            )
        masses[int(match[1])] = mass
    threshold = 2 * masses.get(25, LIGHT_HIGGS_MASS)
    to_hh = any(re.match(r"^\s*35:onIfMatch\s*=\s*25\s+25\s*$", line) for line in lines)
    if to_hh and masses.get(35, np.inf) < threshold:
        raise ConfigError(
            f"simulation.pythia: 35:m0 = {masses[35]:g} GeV is below 2·m_h = {threshold:g} GeV: "
            f"H → hh is closed; choose mass_gev above {threshold:g}"
        )
