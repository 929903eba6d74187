"""The hard processes of Les Houches files, showered by Pythia 8."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import pythia8mc

from analysis.config.simulation import Simulation
from analysis.detector.particles import Floats
from analysis.event_files.accord import Weighted, weigh
from analysis.event_files.checks import check_heads, event_range
from analysis.event_files.les_houches import read_init, read_weights, write_range
from analysis.simulation.pythia import Batch, Normalisation, start, to_particles
from analysis.simulation.selection import ABS_ETA_MAX, ANTI_KT, FATJET_RADIUS, VISIBLE
from common.errors import ConfigError, InputFileError, NormalisationError

FROM_FILE = ("Beams:frameType = 4", "Check:abortIfVeto = on")
"""Lines by which each call of Pythia takes one event of the file, whatever becomes of it."""
MOST_FAILED = 0.05
"""Fraction of events that Pythia may fail to shower, which are left out of the normalisation."""


class JetVeto(pythia8mc.UserHooks):
    """Drops events without two parton jets above a pT [GeV], and counts them in `vetoed`."""

    def __init__(self, pt_min: float) -> None:
        super().__init__()
        self.vetoed = 0
        self._jets = pythia8mc.SlowJet(ANTI_KT, FATJET_RADIUS, pt_min, ABS_ETA_MAX, VISIBLE)

    def canVetoPartonLevel(self) -> bool:  # noqa: N802
        return True

    def doVetoPartonLevel(self, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._jets.analyze(event)
        is_vetoed = self._jets.sizeJet() < 2
        self.vetoed += is_vetoed
        return is_vetoed


class ShoweredFiles:
    """Showers one chunk's range of the events of Les Houches files.

    The weights are those of the files, by their IDWTUP, times what Pythia's merging gives; their
    mean is 1 over all events of the files.

    Parameters
    ----------
    simulation : Simulation
        Settings of the sample.
    chunk : int
        Number of the chunk.
    seed : int
        Pythia's seed, 1 … 900 000 000.

    Raises
    ------
    InputFileError
        If a file is damaged, empty or of other collisions than the configuration's.
    ConfigError
        If the files hold too few events, or Pythia refuses a line.
    """

    def __init__(self, simulation: Simulation, chunk: int, seed: int) -> None:
        self._files = [Path(file) for file in simulation.event_files]
        check_heads(simulation, self._files)
        self._simulation, self._seed = simulation, seed
        self._all = _weigh(simulation, self._files)
        self._range = event_range(simulation, len(self._all.weight), chunk)
        self._veto: JetVeto | None = None
        if simulation.parton_jet_pt_min is not None:
            self._veto = JetVeto(simulation.parton_jet_pt_min)
        self._kept: list[Floats] = []
        self._stopped = 0
        self._is_merged = False

    def batches(self, size: int = 250) -> Iterator[Batch]:
        """Yield the events that come through, of at most `size` of the files at a time."""
        first, last = self._range
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events.lhe"
            write_range(self._files, first, last, events)
            pythia, _matching = self._start(events)
            for begin in range(first, last, size):
                end = min(begin + size, last)
                try:
                    found = pythia.nextBatch(end - begin, "none")
                except IndexError as error:  # of Pythia's own, in the merging
                    raise ConfigError(
                        f"simulation.pythia: Pythia breaks off in the events {begin} … {end - 1} "
                        f"({error}); check that the lines of merging suit the files' process"
                    ) from None
                if pythia.infoPython().atEndOfFile():
                    raise InputFileError(
                        f"{self._files[0]}: Pythia cannot read the events {begin} … {end - 1} of "
                        "the sample's files, see its messages above; make the files again"
                    )
                passed = ~ak.to_numpy(ak.is_none(found))
                found = ak.drop_none(found)
                weight = np.zeros(end - begin)
                weight[passed] = ak.to_numpy(found.info.weights[:, 0]) if passed.any() else 0.0
                weight *= self._all.weight[begin:end]
                self._kept.append(weight)
                self._stopped += int(np.count_nonzero(~passed))
                if weight.any():
                    found = found[weight[passed] != 0]
                    yield Batch(to_particles(found.prt, pythia), weight[weight != 0])

    def _start(self, events: Path) -> tuple[pythia8mc.Pythia, object]:
        """Return Pythia at the beginning of a file, and its matching, which has to live with it."""
        pythia = start(self._simulation, self._seed, FROM_FILE)
        pythia.settings.word("Beams:LHEF", str(events))
        matching = None
        if pythia.settings.flag("JetMatching:merge"):
            matching = pythia8mc.CombineMatchingInput()
            matching.setHook(pythia)
        if self._veto:
            pythia.addUserHooksPtr(self._veto)
        if not pythia.init():
            raise ConfigError(
                "simulation.lhe: Pythia cannot start with these files and settings, see its "
                "messages above; check the lines of simulation.pythia"
            )
        switches = pythia.settings.getFlagMap("merging:do")
        self._is_merged = bool(matching) or any(map(pythia.settings.flag, switches.keys()))
        return pythia, matching

    def normalisation(self) -> Normalisation:
        """Return the normalisation; to be called when all batches have been taken."""
        first, last = self._range
        own, kept = self._all.weight[first:last], np.concatenate(self._kept)
        events, n = int(np.count_nonzero(kept)), last - first
        # merging and matching stop events on purpose; else what is not vetoed here has failed
        vetoed = self._veto.vetoed if self._veto else 0
        failed = 0 if self._is_merged else self._stopped - vetoed
        if failed > MOST_FAILED * n:
            raise NormalisationError(
                f"Pythia fails to shower {failed} of {n} events of {self._files[0]}; see its "
                "messages above"
            )
        total, sum_kept, sigma = own.sum(), kept.sum(), self._all.cross_section_pb
        if not (total > 0 and sum_kept > 0):
            raise NormalisationError(
                f"the weights of the {n} events of this chunk sum to {total:g}, those of the "
                f"{events} kept to {sum_kept:g}: no normalisation is possible; use fewer chunks, "
                "or lower parton_jet_pt_min"
            )
        spread = np.sqrt(np.sum((kept - sum_kept / total * own) ** 2)) / (n - failed)
        fraction = sum_kept / (n - failed)
        # one error of σ is common to all chunks, whose errors are added in quadrature later
        common = self._all.error_pb * np.sqrt(len(self._all.weight) / n)
        return Normalisation(
            events=events,
            generated=n,
            sum_of_weights=float(sum_kept),
            generated_sum_of_weights=float(total),
            cross_section_pb=float(sigma * fraction),
            error_pb=float(np.hypot(common * fraction, sigma * spread)),
            generated_cross_section_pb=sigma,
        )


def _weigh(simulation: Simulation, files: list[Path]) -> Weighted:
    content = [(path, read_init(path), read_weights(path, simulation.weight)) for path in files]
    return weigh(content, simulation.cross_section_pb)
