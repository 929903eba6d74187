"""σ(gg → H) · BR(H → hh) of a model, at leading order from Pythia 8."""

from collections.abc import Sequence

import pythia8mc

from analysis.config.benchmarks import Benchmark
from common.errors import ConfigError

H, LIGHT_HIGGS = 35, 25
ALIGNMENT = ("HiggsH2:coup2W = 0.", "HiggsH2:coup2Z = 0.", "HiggsH2:coup2H1H1 = 1.")
_PB_PER_MB = 1e9
_FIXED = (
    "Higgs:useBSM = on",
    "HiggsBSM:gg2H2 = on",
    "25:m0 = 125.",
    "PartonLevel:all = off",
    "HadronLevel:all = off",
    "Print:quiet = on",
    "Random:setSeed = on",
)


def cross_section_times_branching(
    mass_gev: float, settings: Sequence[str], energy_gev: float, events: int, seed: int
) -> float:
    """Return σ(gg → H) · BR(H → hh) [fb], with Pythia's widths.

    Parameters
    ----------
    mass_gev : float
        m_H.
    settings : sequence of str
        Couplings, as Pythia's settings.
    energy_gev : float
        √s.
    events : int
        Phase-space points of the integration that are accepted.
    seed : int
        Seed of the integration.

    Raises
    ------
    ConfigError
        If Pythia refuses a setting or cannot be initialised.
    """
    pythia = pythia8mc.Pythia("", False)
    own = (f"Beams:eCM = {energy_gev}", f"35:m0 = {mass_gev}", f"Random:seed = {seed}")
    for setting in (*_FIXED, *own, *settings):
        if not pythia.readString(setting):
            raise ConfigError(f"Pythia does not know the setting {setting!r}; see its manual")
    if not pythia.init():
        raise ConfigError(f"Pythia cannot be initialised for m_H = {mass_gev:g} GeV")
    for _ in range(events):
        pythia.next()
    entry = pythia.particleData.findParticle(H)
    channels = [entry.channel(k) for k in range(entry.sizeChannels())]
    ratio = sum(
        c.bRatio() for c in channels if (c.product(0), c.product(1)) == (LIGHT_HIGGS, LIGHT_HIGGS)
    )
    return float(pythia.infoPython().sigmaGen() * _PB_PER_MB * 1e3 * ratio)


def leading_order_benchmark(
    masses_gev: Sequence[float],
    settings: Sequence[str] = ALIGNMENT,
    energy_gev: float = 14_000.0,
    events: int = 2000,
    seed: int = 1,
) -> Benchmark:
    """Return the curve of a model; by default a 2HDM-like H in the alignment limit.

    There H couples to up and down quarks like a Higgs boson of its mass, not to W and Z, and to hh
    with the strength 1 of Pythia's own convention (its manual, "Higgs Processes").
    """
    values = [
        cross_section_times_branching(m, settings, energy_gev, events, seed) for m in masses_gev
    ]
    return Benchmark(
        name="pythia_lo",
        label="2HDM-like, alignment (LO)",
        source=f"Pythia 8 at leading order, {'; '.join(settings)}",
        mass_gev=tuple(masses_gev),
        cross_section_fb=tuple(float(f"{value:.4g}") for value in values),
    )
