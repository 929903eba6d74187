"""Les Houches and HepMC files for tests: hard processes of Pythia, written by the tests."""

import gzip
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyhepmc
import pythia8mc

from analysis.detector.particles import Particles
from analysis.simulation.hard_process import STOP, HardProcesses, draw

BOTTOM_PAIRS = ("HardQCD:gg2bbbar = on", "HardQCD:qqbar2bbbar = on")
PT_HAT_MIN = 250.0


@cache
def hard_events(number: int, seed: int = 1) -> tuple[HardProcesses, float]:
    """Return hard processes gg, qq̄ → bb̄ and their cross section [pb]."""
    pythia = pythia8mc.Pythia("", False)
    lines = ("Print:quiet = on", "Beams:eCM = 14000.", f"PhaseSpace:pTHatMin = {PT_HAT_MIN}")
    seeds = ("Random:setSeed = on", f"Random:seed = {seed}")
    for line in (*lines, *BOTTOM_PAIRS, *STOP, *seeds):
        assert pythia.readString(line)
    assert pythia.init()
    hard, _, _ = draw(pythia, number, (True, False))
    return hard, pythia.infoPython().sigmaGen() * 1e9


def les_houches(
    number: int,
    *,
    strategy: int = 3,
    weights: Sequence[float] | None = None,
    sigma: Sequence[float] | None = None,
    process: Sequence[int] | None = None,
    trials: Sequence[int] | None = None,
    named: str = "",
    energy: float = 7000.0,
    beams: tuple[int, int] = (2212, 2212),
    colours: bool = True,
    version: str = "3.0",
) -> str:
    """Return the text of a file; `named` has the text of each event's further weights, `{w}` w."""
    hard, cross_section = hard_events(number)
    sigma = [cross_section] if sigma is None else sigma
    weights = np.ones(number) if weights is None else weights
    lines = [
        f'<LesHouchesEvents version="{version}">',
        "<header>\n<initrwgt>\n<weight id='1'> nominal </weight>",
        "<weight id='2'> muR=2 </weight>\n</initrwgt>\n</header>",
        "<init>",
        f"{beams[0]} {beams[1]} {energy:.6e} {energy:.6e} 0 0 247 247 {strategy} {len(sigma)}",
        *(f"{s:.8e} {0.01 * s:.4e} 1.0 {k + 1}" for k, s in enumerate(sigma)),
        "<generator name='tests'>1</generator>",
        "</init>",
    ]
    for k in range(number):
        attributes = f" trials='{trials[k]}'" if trials is not None else ""
        lines.append(f"<event{attributes}>")
        code = process[k] if process is not None else 1
        lines.append(f"4 {code} {weights[k]:.8e} {hard.scale[k]:.6e} 7.5e-03 1.1e-01")
        for j in range(4):
            px, py, pz, energy_ = hard.momenta[k, j]
            mass = max(energy_**2 - px**2 - py**2 - pz**2, 0.0) ** 0.5 if j > 1 else 0.0
            status, mothers = ("-1", "0 0") if j < 2 else ("1", "1 2")
            ends = hard.colours[k, j] if colours else (0, 0)
            lines.append(
                f"{hard.ids[k, j]} {status} {mothers} {ends[0]} {ends[1]} "
                f"{px:.10e} {py:.10e} {pz:.10e} {energy_:.10e} {mass:.8e} 0. 9."
            )
        if named:
            lines.append(named.format(w=weights[k]))
        lines.append("</event>")
    return "\n".join([*lines, "</LesHouchesEvents>", ""])


def write(path: Path, text: str) -> Path:
    """Write a text, by gzip where the name ends in .gz."""
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_hepmc(
    path: Path, number: int, *, version: int = 3, sigma: float | None = 12.0, energy: float = 7000.0
) -> Path:
    """Write events of a b hadron, its daughter pion 3 mm away, and a photon, all of one vertex."""
    run = pyhepmc.GenRunInfo()
    run.weight_names = ["nominal", "up"]
    with pyhepmc.open(str(path), "w", format="hepmc3" if version == 3 else "hepmc2") as file:
        for k in range(number):
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            event.run_info, event.event_number = run, k
            event.weights = [2.0, 3.0 + k]
            beams = [pyhepmc.GenParticle((0, 0, s * energy, energy), 2212, 4) for s in (1, -1)]
            pt = 100.0 + k
            hadron = pyhepmc.GenParticle((pt, 0, 0, np.hypot(pt, 5.28)), 511, 2)
            hadron.generated_mass = 5.28
            pion = pyhepmc.GenParticle((pt, 0, 0, np.hypot(pt, 0.1396)), 211, 1)
            pion.generated_mass = 0.1396
            photon = pyhepmc.GenParticle((0, 50.0, 0, 50.0), 22, 1)
            hard, decay = pyhepmc.GenVertex(), pyhepmc.GenVertex((3.0, 0, 0, 3.1))
            for beam in beams:
                hard.add_particle_in(beam)
            hard.add_particle_out(hadron)
            hard.add_particle_out(photon)
            decay.add_particle_in(hadron)
            decay.add_particle_out(pion)
            event.add_vertex(hard)
            event.add_vertex(decay)
            if sigma is not None:
                event.cross_section = pyhepmc.GenCrossSection()
                event.cross_section.set_cross_section(sigma, 0.1 * sigma, k + 1, k + 1)
            file.write(event)
    return path


def write_particles(path: Path, particles: Particles) -> Path:
    """Write the beams, the decays and the final states of events as HepMC 3."""
    with pyhepmc.open(str(path), "w") as file:
        for k in range(len(particles)):
            one = particles.select_events(np.arange(len(particles)) == k)
            first, second = one.mother1, one.mother2
            decays = (first >= 0) & ((second == -1) | (second == first)) & (one.status[first] == 2)
            kept = np.isin(one.status, (1, 2, 4))
            number = np.cumsum(kept)  # counted from 1
            mother = np.where(decays, number[first], -1)[kept]
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            momentum = (one.px, one.py, one.pz, one.energy, one.mass, one.pid, one.status)
            event.from_hepevt(
                k,
                *(column[kept] for column in momentum),
                np.stack([mother, mother], axis=1),
                None,
                *(column[kept] for column in (one.x, one.y, one.z, one.t)),
            )
            event.weights = [1.0]
            event.cross_section = pyhepmc.GenCrossSection()
            event.cross_section.set_cross_section(1.0, 0.1, 1, 1)
            file.write(event)
    return path
