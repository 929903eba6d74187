"""Events from Pythia 8, in bulk, with their weights and normalisation."""

from collections.abc import Iterator
from dataclasses import dataclass

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import NDArray

from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.detector.particles import Floats, Particles, offsets_of
from analysis.simulation.forced import TRIES, ForcedEvents, ForcedSource
from analysis.simulation.hard_process import STOP
from analysis.simulation.les_houches import LesHouches
from analysis.simulation.selection import Selection
from analysis.simulation.settings import SHOWERS, seed_lines, settings_lines, showered_lines
from common.errors import ConfigError, NormalisationError

MB_TO_PB = 1e9
TRIALS = 20_000
"""Hard processes behind the cross section: an error of 0.4% for QCD with p̂_T bias."""


@dataclass(frozen=True)
class Batch:
    """N events: all their particles and weights [N] (unit weight: one unbiased event)."""

    particles: Particles
    weight: Floats


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of the events that were kept: w · σ · L / Σw is an event's yield.

    Attributes
    ----------
    events, generated : int
        Events kept; hard processes drawn, the dropped ones among them.
    sum_of_weights, generated_sum_of_weights : float
        Σw of the events kept; of all drawn, before the weights of enhanced splittings, which are
        1 on average.
    cross_section_pb, error_pb : float
        Cross section of what was kept, and its statistical error [pb].
    generated_cross_section_pb : float
        Cross section of all that was drawn [pb].
    """

    events: int
    generated: int
    sum_of_weights: float
    generated_sum_of_weights: float
    cross_section_pb: float
    error_pb: float
    generated_cross_section_pb: float


def start(
    simulation: Simulation,
    seed: int,
    extra: tuple[str, ...] = (),
    lines: tuple[str, ...] | None = None,
) -> pythia8mc.Pythia:
    """Return a Pythia with all settings read (or only `lines` of them), not yet initialised.

    Raises
    ------
    ConfigError
        If Pythia does not know a line, or its value is out of range.
    """
    pythia = pythia8mc.Pythia("", False)
    pythia.readString("Print:quiet = on")
    sample_lines = settings_lines(simulation) if lines is None else lines
    for line in (*sample_lines, *seed_lines(seed), *extra):
        if not pythia.readString(line):
            raise ConfigError(
                f"simulation.pythia: Pythia {pythia.parm('Pythia:versionNumber'):g} does not "
                f"accept the line {line!r}; correct its key or value"
            )
    return pythia


class Generator:
    """Generates the events of one chunk.

    Sampling stops when one event more than asked for has been found; that last event is neither
    kept nor counted, so that the fraction kept, and with it the cross section, is unbiased
    (negative binomial sampling).

    Parameters
    ----------
    simulation : Simulation
        Settings of the sample.
    seed : int
        Pythia's seed, 1 … 900 000 000.
    selection : type of Selection
        The hooks that drop events.

    Raises
    ------
    ConfigError
        If Pythia refuses a line or cannot start with the settings.
    """

    def __init__(
        self, simulation: Simulation, seed: int, selection: type[Selection] = Selection
    ) -> None:
        self._simulation = simulation
        self._sigma, self._sigma_error = cross_section(simulation, seed)
        self._source: ForcedSource | None = None
        self._les_houches: LesHouches | None = None
        if simulation.heavy_flavour and simulation.heavy_flavour.forced:
            self._start_forced(simulation, simulation.heavy_flavour, seed)
        else:
            self._pythia = start(simulation, seed)
        self.hooks = selection(
            self._pythia.infoPython,
            simulation.heavy_flavour,
            simulation.parton_jet_pt_min,
            simulation.importance,
            self._scale,
            self._source.pairs if self._source else 0,
            self._place,
            np.random.default_rng([seed, 2]),
            massive=self._pythia.settings.mode("PartonShowers:model") == SHOWERS["vincia"],
        )
        self._pythia.setUserHooksPtr(self.hooks)
        _initialise(self._pythia)
        self._weights: list[Floats] = []
        self._places: list[NDArray[np.int64]] = []

    def _start_forced(self, simulation: Simulation, flavour: HeavyFlavour, seed: int) -> None:
        hard = start(simulation, seed, STOP)
        _initialise(hard)
        self._source = ForcedSource(hard, flavour, simulation.importance, seed)
        self._les_houches = LesHouches(iter(self._source), simulation.beams, simulation.energy_gev)
        self._pythia = start(simulation, seed, lines=showered_lines(simulation))
        self._pythia.setLHAupPtr(self._les_houches)

    @property
    def forced(self) -> ForcedEvents | None:
        """The forced hard process of the event under way, one event."""
        return self._les_houches.current if self._les_houches else None

    def _scale(self) -> float:
        """Return what Pythia's weight of the event under way is to be multiplied with."""
        return self._les_houches.weight if self._les_houches else 1.0

    def _place(self) -> int:
        """Return how many hard processes were drawn, or tries, with the one under way."""
        if self._les_houches is None:
            return len(self.hooks.weights)
        return self._les_houches.place + 1

    def batches(self, size: int = 250) -> Iterator[Batch]:
        """Yield the events, at most `size` at a time."""
        wanted = self._simulation.events
        while wanted > 0:
            self.hooks.passed.clear()
            found = self._pythia.nextBatch(min(size, wanted + 1))
            if len(found) == 0:
                raise NormalisationError(
                    "Pythia generates no events with these settings; see its messages above"
                )
            factors, places = self.hooks.take_passed(len(found))
            last = len(found) > wanted
            found, factors, places = found[:wanted], factors[:wanted], places[:wanted]
            weight = factors * ak.to_numpy(found.info.weights[:, 0]).astype(np.float64)
            wanted -= len(found)
            self._weights.append(weight)
            self._places.append(places)
            yield Batch(to_particles(found.prt, self._pythia), weight)
            if wanted == 0 and not last:
                self._pythia.nextBatch(1)

    def _drawn(self) -> Floats:
        """Return the weights of all hard processes up to the last one, which does not count."""
        first, last = self.hooks.pilot, self._place() - 1
        if self._source:
            return self._source.drawn_between(first, last)
        return np.array(self.hooks.weights[first:last])

    def normalisation(self) -> Normalisation:
        """Return the normalisation; to be called when all batches have been taken."""
        weights, drawn = np.concatenate(self._weights), self._drawn()
        total, kept = drawn.sum(), weights.sum()
        if not (np.isfinite([total, kept]).all() and total > 0 and kept > 0 and self._sigma > 0):
            raise NormalisationError(
                f"Pythia's weights sum to {kept:g} of {total:g}, its cross section is "
                f"{self._sigma:g} pb: no normalisation is possible; check the settings"
            )
        fraction = kept / total
        # tries of one hard process vary together
        tries = TRIES if self._source else 1
        _, group = np.unique(np.concatenate(self._places) // tries, return_inverse=True)
        squares = np.sum(np.bincount(group, weights) ** 2)
        spread = np.sqrt(max(squares - fraction**2 * np.sum(drawn**2), 0.0)) / total
        return Normalisation(
            events=len(weights),
            generated=len(drawn),
            sum_of_weights=float(kept),
            generated_sum_of_weights=float(total),
            cross_section_pb=float(self._sigma * fraction),
            error_pb=float(np.hypot(self._sigma_error * fraction, self._sigma * spread)),
            generated_cross_section_pb=self._sigma,
        )


def cross_section(simulation: Simulation, seed: int) -> tuple[float, float]:
    """Return the cross section of the hard process and its error [pb].

    From `TRIALS` hard processes without shower, so that no event is dropped: Pythia's own
    estimate presumes that dropping does not depend on the weight.
    """
    pythia = start(simulation, seed, STOP)
    _initialise(pythia)
    for _ in range(TRIALS // 1000):
        pythia.nextBatch(1000)
    info = pythia.infoPython()
    return info.sigmaGen() * MB_TO_PB, info.sigmaErr() * MB_TO_PB


def _initialise(pythia: pythia8mc.Pythia) -> None:
    if not pythia.init():
        raise ConfigError(
            "simulation.pythia: Pythia cannot start with these settings, see its messages above; "
            "check that a process is switched on and that its phase space is open"
        )


def to_particles(events: ak.Array, pythia: pythia8mc.Pythia) -> Particles:
    """Return Pythia's event records, `prt` of `nextBatch`, as flat arrays.

    The first line of each record, the event as a whole, is left out, and entries are numbered
    from 0, as Delphes does; the status becomes that of HepMC.
    """
    events = events[:, 1:]
    flat = ak.flatten(events)

    def get(name: str, kind: type) -> np.ndarray:
        return ak.to_numpy(flat[name]).astype(kind)

    def numbers(name: str) -> np.ndarray:
        return get(name, np.int32) - 1

    offsets = offsets_of(ak.to_numpy(ak.num(events)))
    pid = get("id", np.int32)
    codes, inverse = np.unique(pid, return_inverse=True)
    data = pythia.particleData
    charge = np.array([round(data.charge(int(code))) for code in codes], dtype=np.int32)
    is_hadron = np.array([data.isHadron(int(code)) for code in codes])
    momentum, vertex = flat.p, flat.vProd
    first_daughter = numbers("daughter1")
    return Particles(
        offsets=offsets,
        pid=pid,
        status=hepmc_status(
            get("status", np.int32), pid, is_hadron[inverse], first_daughter, offsets
        ),
        charge=charge[inverse],
        **{
            name: ak.to_numpy(momentum[key]).astype(np.float64)
            for name, key in (("px", "px"), ("py", "py"), ("pz", "pz"), ("energy", "e"))
        },
        mass=get("m", np.float64),
        **{
            name: ak.to_numpy(ak.fill_none(vertex[key], 0.0)).astype(np.float64)
            for name, key in (("x", "px"), ("y", "py"), ("z", "pz"), ("t", "e"))
        },
        mother1=numbers("mother1"),
        mother2=numbers("mother2"),
        daughter1=first_daughter,
        daughter2=numbers("daughter2"),
    )


def hepmc_status(
    status: np.ndarray,
    pid: np.ndarray,
    is_hadron: np.ndarray,
    first_daughter: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """Return HepMC status codes: 1 stable, 2 decayed, 4 beam, else |Pythia's code|.

    The rule of Pythia's `Particle::statusHepMC`: hadrons, muons and taus whose daughter comes from
    a decay (codes 91–94) are 2, unless they "decay" to themselves.
    """
    code = np.abs(status)
    start = np.repeat(offsets[:-1], np.diff(offsets))
    has_daughter = first_daughter >= 0
    daughter = np.where(has_daughter, start + first_daughter, 0)
    decays = has_daughter & (code[daughter] > 90) & (code[daughter] < 95)
    decays &= (pid[daughter] != pid) & (is_hadron | np.isin(np.abs(pid), (13, 15)))
    result = np.where(decays, 2, code)
    return np.select([status > 0, status == -12], [1, 4], result).astype(np.int32)
