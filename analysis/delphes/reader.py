"""Reading Delphes files: named branches become awkward records, a bounded number at a time.

Branches are addressed by name alone, so that the class-split layout that Delphes 3.4 and 3.5 write
(`EFlowTrack/EFlowTrack.PT`) and flat files (`EFlowTrack.PT` beside `EFlowTrack_size`) read alike.
What older layouts lack has a defined value: tracks without `Mass` (Delphes up to 3.4.1) are
massless, as they were in that version's own jets; events without `Event.Weight` weigh 1.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from uproot.source.file import MultithreadedFileSource

from analysis.config.reconstruction import Branches
from analysis.delphes.references import kept_positions, reference_arrays, resolve
from analysis.delphes.remote import RemoteSource
from analysis.delphes.servers import is_remote
from analysis.delphes.values import REMEDY, check_values
from common.errors import AnalysisError, InputFileError
from common.features import DISPLACEMENT_FEATURES
from common.lists import Lists, concatenate

CHARGED_HADRON, ELECTRON, MUON, PHOTON, NEUTRAL_HADRON = range(5)
PHOTON_PID = 22

_CHARGED = ("PT", "Eta", "Phi", "Charge", "PID")
_NEUTRAL = ("ET", "Eta", "Phi")
_IMPACT = {"d0": "D0", "error_d0": "ErrorD0", "dz": "DZ", "error_dz": "ErrorDZ"}
_REFERENCES = "FatJet.Constituents"

Raw = Mapping[str, ak.Array]


@dataclass(frozen=True)
class Wanted:
    """Which branches are read.

    Attributes
    ----------
    names : Branches
        What the card called the energy flow.
    fatjets : bool
        Whether the file's own `FatJet` branch is to be read too.
    impact : bool
        Whether the impact parameters of tracks are to be read too.
    """

    names: Branches
    fatjets: bool
    impact: bool = False

    @property
    def own(self) -> tuple[str, ...]:
        """Required branches without those of fat jets."""
        charged, *neutral = self.names.energy_flow
        return (
            *(f"{charged}.{leaf}" for leaf in _CHARGED),
            *(f"{charged}.{leaf}" for leaf in _IMPACT.values() if self.impact),
            *(f"{name}.{leaf}" for name in neutral for leaf in _NEUTRAL),
            *(f"Particle.{leaf}" for leaf in ("PID", "PT", "Eta", "Phi")),
        )

    @property
    def required(self) -> tuple[str, ...]:
        if not self.fatjets:
            return self.own
        leaves = (f"FatJet.{leaf}" for leaf in ("PT", "Eta", "Phi", "Mass"))
        return (*self.own, *leaves, _REFERENCES, *self.unique_ids)

    @property
    def optional(self) -> tuple[str, ...]:
        return (f"{self.names.energy_flow[0]}.Mass", "Event.Weight")

    @property
    def unique_ids(self) -> tuple[str, ...]:
        return tuple(f"{name}.fUniqueID" for name in self.names.energy_flow)


@dataclass(frozen=True)
class DelphesFile:
    """An opened and checked Delphes file.

    Attributes
    ----------
    path : str
        Local path or URL.
    tree : uproot.TTree
        The tree `Delphes`.
    branches : mapping of str to str
        The branches that are read, and where in the tree they are.
    wanted : Wanted
        What was asked for.
    """

    path: str
    tree: Any
    branches: Mapping[str, str]
    wanted: Wanted

    def steps(self, step_size: int) -> Iterator[ak.Array]:
        """Yield the events in steps of at most `step_size`.

        Yields
        ------
        ak.Array
            Records with `entry` and `weight`; `eflow`, a list of {pt, eta, phi, mass, charge,
            kind} [GeV, rad] of the objects with a momentum, with {d0, error_d0, dz, error_dz} [mm],
            zero for neutral ones, if asked for; `particle`, a list of {pid, pt, eta,
            phi}; and, if asked for, `fatjet`, a list of {pt, eta, phi, mass, constituent_index},
            the indices pointing into `eflow`.

        Raises
        ------
        InputFileError
            If a basket cannot be read or decompressed, a value is none that a detector has, or
            no event has a generated particle.
        NormalisationError
            If a generator weight is NaN or infinite.
        """
        with _reading(self.path):
            read_as = dict.fromkeys(self.branches.values())
            if references := self.branches.get(_REFERENCES):
                read_as[references] = reference_arrays(self.tree[references])
            steps = self.tree.iterate(read_as, step_size=step_size, library="ak", how=dict)
        start = particles = 0
        while True:
            with _reading(self.path):
                raw = next(steps, None)
                if raw is None:
                    self._require_particles(start, particles)
                    return
                branches = {name: raw[place] for name, place in self.branches.items()}
                events = _events(branches, start, self.wanted)
            check_values(self.path, events)
            start += len(events)
            particles += int(ak.sum(ak.num(events.particle)))
            yield events

    def _require_particles(self, events: int, particles: int) -> None:
        if events and not particles:
            raise InputFileError(
                f"{self.path}: the branch Particle is empty in all {events} events, so that every "
                "subjet would be a light one; write Delphes/allParticles as Particle in the card"
            )


@contextmanager
def open_delphes(
    path: str, *, fatjets: bool = False, names: Branches | None = None, impact: bool = False
) -> Iterator[DelphesFile]:
    """Open a Delphes file and check that it is whole and holds what is needed.

    Parameters
    ----------
    path : str
        Local path or URL (see `analysis.delphes.remote`).
    fatjets : bool
        Whether the file's own `FatJet` branch is to be read too.
    names : Branches, optional
        What the card called the energy flow; Delphes' own names by default.
    impact : bool
        Whether the impact parameters of tracks are to be read too.

    Raises
    ------
    InputFileError
        If the file is missing, truncated, not ROOT, without the tree `Delphes`, without events, or
        without a needed branch.
    """
    with _reading(path):
        directory = uproot.open({path: None}, array_cache=None, **_source(path))
    with directory:
        with _reading(path):
            size, expected = directory.file.source.num_bytes, directory.file.fEND
            classes = directory.classnames(recursive=False, cycle=False)
        if size < expected:
            raise InputFileError(
                f"{path}: truncated, {size} of {expected} bytes are there; {REMEDY}"
            )
        if classes.get("Delphes") != "TTree":
            listed = ", ".join(f"{name} ({kind})" for name, kind in classes.items()) or "nothing"
            raise InputFileError(
                f"{path}: holds no tree `Delphes` (found {listed}); give the ROOT file that "
                "Delphes wrote"
            )
        with _reading(path):
            tree = directory["Delphes"]
            wanted = Wanted(names or Branches(), fatjets, impact)
            places = _places(tree, (*wanted.required, *wanted.optional))
            entries = {name: tree[place].num_entries for name, place in places.items()}
        chosen = _choose_branches(path, tree.num_entries, entries, wanted)
        yield DelphesFile(path, tree, {name: places[name] for name in chosen}, wanted)


def first_event(path: str, names: Branches | None = None) -> str:
    """Return a digest of the generator particles of a file's first event; empty without any.

    Files whose events were generated with the same seeds share it, whatever follows in them.
    Raises what `open_delphes` and `DelphesFile.steps` raise.
    """
    with open_delphes(path, names=names) as file:
        particles = Lists.of(next(file.steps(1)).particle)
    if not len(particles["pt"]):
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for name in ("pid", "pt", "eta", "phi"):
        digest.update(np.ascontiguousarray(particles[name]).data)
    return digest.hexdigest()


def _source(path: str) -> dict[str, Any]:
    """Return uproot's options for reading a file as it lies, or from its server."""
    if is_remote(path):
        return {"handler": RemoteSource}
    if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
        raise InputFileError(f"{path}: not a file; check `files` of its sample")
    return {"handler": MultithreadedFileSource, "use_threads": True, "num_workers": 1}


def _places(tree: Any, names: Sequence[str]) -> dict[str, str]:
    """Return those of some branches that the tree has, and their full paths in it."""
    paths = {path.rpartition("/")[2]: path for path in tree.keys(recursive=True)}
    return {name: paths[name] for name in names if name in paths}


def _choose_branches(
    path: str, n_events: int, entries: dict[str, int], wanted: Wanted
) -> tuple[str, ...]:
    if n_events == 0:
        raise InputFileError(f"{path}: the tree `Delphes` holds no event; {REMEDY}")
    missing = [name for name in wanted.required if name not in entries]
    if missing:
        remedy = "keep these branches in the Delphes card's TreeWriter"
        flow = [name for name in missing if name.split(".")[0] in wanted.names.energy_flow]
        impact = [name for name in missing if name.partition(".")[2] in _IMPACT.values()]
        if wanted.fatjets and not set(missing) & set(wanted.own):
            remedy += ", or set `reconstruction.fatjets.source: eflow`"
        elif len(impact) == len(missing):
            remedy += (
                f", or leave {', '.join(DISPLACEMENT_FEATURES)} out of the networks' features and "
                "`reconstruction.impact_parameters` out"
            )
        elif flow:
            remedy += (
                ", or say in `reconstruction.branches` what the card calls its energy flow; of a "
                "card with pile-up, write the arrays after its subtraction (docs/delphes_files.md)"
            )
        raise InputFileError(f"{path}: branches missing: {', '.join(missing)}; {remedy}")
    chosen = (*wanted.required, *(name for name in wanted.optional if name in entries))
    for name in chosen:
        if entries[name] != n_events:
            raise InputFileError(
                f"{path}: branch {name} holds {entries[name]} of {n_events} events; {REMEDY}"
            )
    return chosen


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn whatever goes wrong while foreign bytes are decoded into one clear error."""
    try:
        yield
    except AnalysisError:
        raise
    except FileNotFoundError:
        raise InputFileError(f"{path}: no such file; check `files` of its sample") from None
    except ImportError as error:  # uproot names the package that a compression needs
        raise InputFileError(f"{path}: reading it needs another package: {error}") from None
    except Exception as error:  # damaged bytes can raise anything in the decoders
        reason = (str(error).strip().splitlines() or [""])[0]
        raise InputFileError(
            f"{path}: cannot be read, truncated, damaged or not a Delphes ROOT file "
            f"({type(error).__name__}: {reason.rstrip(',')}); {REMEDY}"
        ) from error


def _events(raw: Raw, start: int, wanted: Wanted) -> ak.Array:
    """Return the event records of one step of branches."""
    charged, *neutral = wanted.names.energy_flow
    n_events = len(raw[f"{charged}.PT"])
    towers = zip(neutral, (PHOTON, NEUTRAL_HADRON), strict=False)
    mixed = wanted.names.candidates is not None
    measured = [_towers(raw, name, kind, wanted.impact) for name, kind in towers]
    eflow = concatenate([_charged(raw, charged, mixed), *measured])
    moving = eflow["pt"] != 0  # Delphes writes tracks of PT 0 at η = ±999.9, which carry nothing
    fields = {
        "entry": np.arange(start, start + n_events, dtype=np.int64),
        "weight": _per_event(raw, "Event.Weight") if "Event.Weight" in raw else np.ones(n_events),
        "eflow": eflow.filter(moving).array(),
        "particle": _objects(raw, "Particle", "PID", "PT", "Eta", "Phi").array(),
    }
    if "FatJet.PT" in raw:
        fields["fatjet"] = _fatjets(raw, eflow.with_columns(moving=moving), wanted.unique_ids)
    return ak.zip(fields, depth_limit=1)


def _per_event(raw: Raw, name: str) -> np.ndarray:
    """Return one number per event of a branch that holds it bare or as a list of one."""
    values = raw[name]
    if values.ndim == 2:
        if not np.all(ak.to_numpy(ak.num(values)) >= 1):
            raise ValueError(f"branch {name} has events without an entry")
        values = values[:, 0]
    return ak.to_numpy(values).astype(np.float64)


def _objects(raw: Raw, name: str, *leaves: str) -> Lists:
    """Return the objects `name` of each event with some of their leaves, in lower case."""
    counts = [ak.to_numpy(ak.num(raw[f"{name}.{leaf}"])) for leaf in leaves]
    if not all(np.array_equal(counts[0], other) for other in counts[1:]):
        raise ValueError(f"the branches of {name} do not have the same number of objects")
    flat = {leaf.lower(): ak.to_numpy(ak.flatten(raw[f"{name}.{leaf}"])) for leaf in leaves}
    return Lists(counts[0], flat)


def _charged(raw: Raw, name: str, mixed: bool) -> Lists:
    """Return tracks, or mixed candidates: {pt, eta, phi, mass, charge, kind}."""
    mass = ("Mass",) if f"{name}.Mass" in raw else ()
    impact = _IMPACT if f"{name}.D0" in raw else {}
    tracks = _objects(raw, name, *_CHARGED, *mass, *impact.values())
    pid = abs(tracks["pid"])
    kind = (pid == 11) * ELECTRON + (pid == 13) * MUON
    if mixed:
        neutral = np.where(pid == PHOTON_PID, PHOTON, NEUTRAL_HADRON)
        kind = np.where(tracks["charge"] == 0, neutral, kind)
    columns = {
        **{name: tracks[name] for name in ("pt", "eta", "phi")},
        "mass": tracks["mass"] if mass else np.zeros_like(tracks["pt"]),
        "charge": tracks["charge"],
        "kind": kind.astype(np.int8),
        **{name: tracks[leaf.lower()] for name, leaf in impact.items()},
    }
    return Lists(tracks.counts, columns)


def _towers(raw: Raw, name: str, kind: int, impact: bool) -> Lists:
    """Return the neutral energy-flow objects of one kind: {pt, eta, phi, mass, charge, kind}."""
    towers = _objects(raw, name, "ET", "Eta", "Phi")
    pt = towers["et"]
    columns = {
        "pt": pt,
        "eta": towers["eta"],
        "phi": towers["phi"],
        "mass": np.zeros_like(pt),
        "charge": np.zeros(len(pt), dtype=np.int8),
        "kind": np.full(len(pt), kind, dtype=np.int8),
        **(dict.fromkeys(_IMPACT, np.zeros_like(pt)) if impact else {}),
    }
    return Lists(towers.counts, columns)


def _fatjets(raw: Raw, eflow: Lists, unique_ids: Sequence[str]) -> ak.Array:
    """Return the file's own fat jets: {pt, eta, phi, mass, constituent_index}.

    The indices count the objects of an event that are `moving`; the others are in no jet.
    """
    jets = _objects(raw, "FatJet", "PT", "Eta", "Phi", "Mass").array()
    parts = [_objects(raw, name.split(".")[0], "fUniqueID") for name in unique_ids]
    unique_id = concatenate(parts).array()
    index = resolve(raw[_REFERENCES]["refs"], unique_id["funiqueid"])
    if not eflow["moving"].all():
        index = kept_positions(index, eflow, "moving")
    columns = dict(zip(jets.fields, ak.unzip(jets), strict=True))
    fatjets = ak.zip(columns | {"constituent_index": index}, depth_limit=2)
    return fatjets if ak.all(fatjets.pt, axis=None) else fatjets[fatjets.pt != 0]
