"""The whole configuration: the blocks of the physics and of the networks, checked together."""

import difflib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from snakemake.utils import update_config

from analysis.config.base import Block, Positive, Probability
from analysis.config.benchmarks import Benchmark
from analysis.config.dataset import Dataset
from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction, SubjetScan
from analysis.config.samples import Sample
from analysis.config.simulation import Simulation, check_divided
from analysis.config.statistics import BTagging, Limits, Systematics, WorkingPoint
from common.errors import ConfigError
from models.config.reweighting import Reweighting
from models.config.specs import NetworkSpec, Training
from models.config.specs_jets import Jets
from models.config.views import Interpretation, select, select_own

ALL_MASSES = "all"
"""What stands in the place of a signal where one training serves all of them."""
SCHEMA = Path(__file__).parent / "config.schema.json"


class Config(Block):
    """Everything that a run depends on."""

    luminosity_fb: Positive = Field(3000.0, description="Integrated luminosity [fb⁻¹].")
    branching_ratio_hbb: Probability = Field(
        0.582, description="BR(h → bb); squared, it is factored out of the limits."
    )
    seed: int = Field(1, ge=0, description="Seed of the simulation.")
    samples: tuple[Sample, ...] = Field(description="Signals and backgrounds.")
    detector: Detector = Detector()
    reconstruction: Reconstruction = Reconstruction()
    subjet_scan: SubjetScan = SubjetScan()
    btagging: BTagging = BTagging()
    dataset: Dataset = Dataset()
    networks: tuple[NetworkSpec, ...] = Field(description="Networks to train and compare.")
    training: Training = Training()
    working_point: WorkingPoint = WorkingPoint()
    limits: Limits = Limits()
    systematics: Systematics = Systematics()
    reweighting: tuple[Reweighting, ...] = Field(
        (), description="Comparisons of generators, whose weights are nuisances of the fits."
    )
    interpretation: Interpretation = Interpretation()
    jets: Jets = Jets()
    benchmarks: tuple[Benchmark, ...] = Field(
        (), description="Cross sections of models, drawn over the limits."
    )

    @property
    def signals(self) -> tuple[Sample, ...]:
        """Signal samples by mass."""
        unordered = (sample for sample in self.samples if sample.label == "signal")
        return tuple(sorted(unordered, key=lambda sample: sample.mass_gev or 0.0))

    @property
    def backgrounds(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.label == "background")

    @property
    def reconstructed(self) -> Reconstruction:
        """The reconstruction, with what the networks take beside the fat jets."""
        block = self.reconstruction
        objects = max(block.event_objects, *(network.event_objects for network in self.networks))
        specs = (*self.networks, *(self.jets.taggers if self.jets.tasks else ()), *self.classifiers)
        impact = block.impact_parameters or any(spec.displaced for spec in specs)
        return block.model_copy(update={"event_objects": objects, "impact_parameters": impact})

    @property
    def classifiers(self) -> tuple[NetworkSpec, ...]:
        """The networks of all reweightings."""
        return tuple(spec for block in self.reweighting for spec in block.networks)

    def sample(self, name: str) -> Sample:
        return next(sample for sample in self.samples if sample.name == name)

    def simulation(self, name: str) -> Simulation:
        """Return how a sample is simulated: with its m_H, or aimed at those of the signals."""
        sample = self.sample(name)
        assert sample.simulation is not None
        block = sample.simulation.model_copy(update={"mass_gev": sample.mass_gev})
        aim = block.importance
        if aim is None or aim.masses_gev:
            return block
        masses = tuple(signal.mass_gev for signal in self.signals)
        return block.model_copy(
            update={"importance": aim.model_copy(update={"masses_gev": masses})}
        )

    @property
    def k_factor_errors(self) -> dict[str, float]:
        """The largest relative error of a K-factor, of each background process that has one."""
        errors: dict[str, float] = {}
        for sample in self.backgrounds:
            largest = max(sample.k_factor_error, errors.get(sample.process, 0.0))
            if largest:
                errors[sample.process] = largest
        return errors

    @property
    def tail_from(self) -> dict[str, str]:
        """The sample that lends the shape of its tail to another, by the other's name."""
        return {sample.name: sample.tail_from for sample in self.backgrounds if sample.tail_from}

    @property
    def mixed_tails(self) -> list[str]:
        """Names of the samples whose tails are those of mixed events."""
        pairs = self.working_point.mixing.pairs
        return [sample.name for sample in self.backgrounds if sample.mixed_tail and pairs]

    @property
    def alternatives(self) -> tuple[Sample, ...]:
        """The samples of Delphes files that are the alternative of a reweighting, by its name."""
        return tuple(
            self.sample(block.sample).model_copy(
                update={"name": block.variation, "files": block.files}
            )
            for block in self.reweighting
            if block.files
        )

    def reweighted(self, name: str) -> Reweighting:
        return next(block for block in self.reweighting if block.name == name)

    def network(self, name: str) -> NetworkSpec:
        return next(network for network in self.networks if network.name == name)

    def signals_of(self, network: str) -> tuple[Sample, ...]:
        """Return the signals that a network is trained for, by mass."""
        wanted = self.network(network).masses_gev
        return tuple(s for s in self.signals if not wanted or s.mass_gev in wanted)

    def seeds_of(self, network: str) -> tuple[int, ...]:
        """Return the seeds that a network is trained with."""
        wanted = self.network(network).seeds
        return tuple(seed for seed in self.training.seeds if not wanted or seed in wanted)

    def is_joint(self, network: str) -> bool:
        """Return whether one training of a network serves all signals."""
        spec = self.network(network)
        told = self.training.masses == "joint" and spec.takes_mass and not spec.masses_gev
        return told and len(self.signals) > 1

    def trained_on(self, network: str, signal: str) -> str:
        """Return which training of a network serves a signal: its own, or the one of all masses."""
        return ALL_MASSES if self.is_joint(network) else signal

    @property
    def interpreted_trainings(self) -> tuple[tuple[str, str, int], ...]:
        """Network, signal and seed of each training that is interpreted."""
        wanted = self.interpretation
        known: dict[str, Sequence[Any]] = {
            "networks": [network.name for network in self.networks if network.views],
            "signals": [signal.name for signal in self.signals],
            "seeds": list(self.training.seeds),
        }
        networks, *_ = [select(key, getattr(wanted, key), names) for key, names in known.items()]
        trainings: list[tuple[str, str, int]] = []
        for network in networks:
            signals = [signal.name for signal in self.signals_of(network)]
            own_trainings = (
                select_own(wanted.signals, signals),
                select_own(wanted.seeds, self.seeds_of(network)),
            )
            trainings += itertools.product([network], *own_trainings)
        return tuple(trainings)

    @field_validator("samples")
    @classmethod
    def _one_sample_per_mass(cls, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(one for sample in samples for one in sample.at_each_mass())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("samples: the name", (sample.name for sample in self.samples))
        _unique("networks: the name", (network.name for network in self.networks))
        _unique("samples: the signal mass", (str(signal.mass_gev) for signal in self.signals))
        if not self.signals:
            raise ValueError("samples: none has `label: signal`")
        if ALL_MASSES in (signal.name for signal in self.signals):
            raise ValueError(f"samples: no signal may be called {ALL_MASSES!r}; rename it")
        if not self.backgrounds:
            raise ValueError("samples: none has `label: background`")
        if not self.networks:
            raise ValueError("networks: none given")
        for process, label in dict.fromkeys((s.process, s.label) for s in self.samples):
            same = [s for s in self.samples if (s.process, s.label) == (process, label)]
            check_divided(process, {s.name: s.simulation for s in same if s.simulation})
        self._check_tails()
        self._check_mixing()
        self._check_masses()
        self._check_generated()
        self._check_trainings()
        self._check_shower()
        self._check_reweighting()
        self._check_jets()
        self.interpreted_trainings  # noqa: B018  names what is not there
        return self

    def _check_tails(self) -> None:
        """Each sample that lends the shape of its tail is of the same process and has its own."""
        known = {sample.name: sample for sample in self.backgrounds}
        for name, other in self.tail_from.items():
            lender = known.get(other)
            if lender is None or lender.process != known[name].process or lender.tail_from:
                process = known[name].process
                able = [
                    sample.name
                    for sample in known.values()
                    if sample.process == process and sample.name != name and not sample.tail_from
                ]
                raise ValueError(
                    f"samples: {name!r} has tail_from: {other}, which must be a background sample "
                    f"of process {process!r} without tail_from of its own, one of: "
                    f"{', '.join(able) or 'none'}"
                )

    def _check_mixing(self) -> None:
        """What is known of a mixed event suffices to weight it, and to score it."""
        mixed = ", ".join(self.mixed_tails)
        if mixed and len(self.btagging.categories) > 1:
            raise ValueError(
                f"samples: {mixed} has mixed_tail, and btagging.categories has more than one: the "
                "weight of a mixed event is the product of what both jets weigh in one category; "
                "set working_point.mixing.pairs to 0, or leave out all categories but one"
            )
        whole = [network.name for network in self.networks if network.event_objects]
        if mixed and whole:
            raise ValueError(
                f"samples: {mixed} has mixed_tail, and {', '.join(whole)} takes the whole event: "
                "only fat jets are mixed; set working_point.mixing.pairs to 0, or leave out these "
                "networks"
            )

    def _check_masses(self) -> None:
        """The hard processes of each simulated sample can have the masses that it aims at."""
        for sample in self.samples:
            if sample.simulation is None:
                continue
            block = self.simulation(sample.name)
            masses = block.importance.masses_gev if block.importance else ()
            low, high = block.hard_masses
            for mass in (sample.mass_gev, *masses):
                if mass is not None and not low <= mass <= high:
                    raise ValueError(
                        f"samples: the hard processes of {sample.name!r} have masses of {low:g} … "
                        f"{high:g} GeV (2 pt_hat_min, √s and PhaseSpace lines), which m_H = "
                        f"{mass:g} GeV is not among; change pt_hat_min, or mass_gev or "
                        "importance.masses_gev"
                    )

    def _check_generated(self) -> None:
        """Events are generated down to the pT from which fat jets are selected."""
        selected = self.reconstruction.fatjets.pt_min
        for sample in self.samples:
            for key in ("pt_hat_min", "parton_jet_pt_min"):
                generated = getattr(sample.simulation, key, None)
                if generated is not None and generated > selected:
                    raise ValueError(
                        f"samples: {sample.name!r} is generated with {key} = {generated:g} GeV and "
                        f"selected from reconstruction.fatjets.pt_min = {selected:g} "
                        "GeV on: what is between is missing; lower the one or raise the other"
                    )

    def _check_trainings(self) -> None:
        """Networks ask for signals and seeds that there are, and leave no signal out."""
        signals = [signal.mass_gev for signal in self.signals]
        for network in self.networks:
            for key, known in (("masses_gev", signals), ("seeds", self.training.seeds)):
                for one in getattr(network, key):
                    if one not in known:
                        allowed = ", ".join(f"{value:g}" for value in known)
                        raise ValueError(
                            f"networks: {key} of {network.name!r} holds {one:g}; allowed: {allowed}"
                        )
        served = {s.name for network in self.networks for s in self.signals_of(network.name)}
        for signal in self.signals:
            if signal.name not in served:
                raise ValueError(
                    f"networks: none is trained for {signal.name!r}; leave `masses_gev` out of one "
                    "of them, or leave out the signal"
                )

    def _check_jets(self) -> None:
        """The taggers' tasks name processes of the run."""
        processes = [sample.process for sample in self.samples]
        for task in self.jets.tasks:
            for process in (*task.signal, *task.background):
                if process not in processes:
                    known = ", ".join(dict.fromkeys(processes))
                    raise ValueError(
                        f"jets.tasks {task.name}: no sample has the process {process!r}; the "
                        f"processes are {known}"
                    )

    def _check_shower(self) -> None:
        """Another shower needs events to shower, and knows no enhanced splittings and classes."""
        made = [s.name for s in self.samples if s.simulation and s.simulation.hepmc]
        if self.systematics.shower and made:
            raise ValueError(
                f"systematics.shower: the events of {', '.join(made)} are showered already "
                "(simulation.hepmc); leave systematics.shower out"
            )
        _check_model("systematics.shower", self.systematics.shower, self.samples)

    def _check_reweighting(self) -> None:
        """There are the samples of each reweighting, and the alternative can be made."""
        _unique("reweighting: the name", (block.name for block in self.reweighting))
        names = [sample.name for sample in self.samples]
        for block in self.reweighting:
            key = f"reweighting {block.name}"
            for name in block.samples:
                if name not in names:
                    near = difflib.get_close_matches(name, names, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else f": {', '.join(names)}"
                    raise ValueError(f"{key}: there is no sample {name!r}{hint}")
            sample = self.sample(block.sample)
            for other in map(self.sample, block.apply_to):
                if other.process != sample.process:
                    raise ValueError(
                        f"{key}: apply_to holds {other.name!r} of process {other.process!r}, and "
                        f"{sample.name!r} is of {sample.process!r}: give it its own reweighting"
                    )
            made = sample.simulation
            if block.pythia and (made is None or made.hepmc):
                raise ValueError(
                    f"{key}: no shower of ours makes the events of {sample.name!r}; give `files` "
                    "in place of `pythia`"
                )
            if block.files and made is not None:
                raise ValueError(
                    f"{key}: {sample.name!r} is simulated, so that its alternative needs `pythia` "
                    "lines in place of `files`"
                )
            if block.chunks and made and block.chunks > made.chunks:
                raise ValueError(
                    f"{key}: {block.chunks} chunks of the alternative are more than the "
                    f"{made.chunks} of {sample.name!r}"
                )
            if block.pythia and block.seed == self.seed:
                raise ValueError(
                    f"{key}: seed {block.seed} is that of the nominal simulation, whose events the "
                    "alternative would follow; take another one"
                )
            _check_model(key, block.pythia, [sample])


def _check_model(key: str, lines: Sequence[str], samples: Iterable[Sample]) -> None:
    """Another shower model makes no enhanced splittings, and of classes only forced pairs."""
    if not any(line.replace(" ", "").lower().startswith("partonshowers:model") for line in lines):
        return
    blocks = [(sample.name, sample.simulation) for sample in samples]
    unfit = [n for n, b in blocks if b and not b.any_shower]
    if unfit:
        raise ValueError(
            f"{key}: another shower model cannot make {', '.join(unfit)}, whose "
            "heavy_flavour or enhancement needs Pythia's own; vary its scales instead "
            "(`TimeShower:renormMultFac = 2`), or simulate these samples without classes"
        )


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is used twice")
        seen.add(name)


def read_config(mapping: Mapping[str, Any]) -> Config:
    """Return the configuration that a mapping (as read from YAML) holds.

    Raises
    ------
    ConfigError
        Names every wrong key, what was found and what is allowed.
    """
    try:
        return Config.model_validate(mapping)
    except ValidationError as error:
        lines = [_line(item) for item in error.errors(include_url=False)]
        raise ConfigError("the configuration is not valid:\n  " + "\n  ".join(lines)) from None


def load(files: Sequence[Path]) -> Config:
    """Return the configuration of YAML files; a later file replaces the keys that it names.

    This is what Snakemake does with `config.yaml` and `--configfile`: mappings are merged, lists
    and values replaced.

    Raises
    ------
    ConfigError
        If a file cannot be read, or the result is not valid (see `read_config`).
    """
    merged: dict[str, Any] = {}
    for path in files:
        try:
            mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
            if not isinstance(mapping, dict):
                raise ConfigError(f"the configuration {path} holds no keys")
            update_config(merged, mapping)
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"the configuration {path} is not UTF-8 text ({error.reason} at byte "
                f"{error.start}): save it as UTF-8"
            ) from None
        except RecursionError:
            raise ConfigError(
                f"the configuration {path} holds itself: an alias (*name) must not stand within "
                "what its anchor (&name) marks"
            ) from None
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"the configuration {path} cannot be read: {error}") from None
    return read_config(merged)


def _line(item: Mapping[str, Any]) -> str:
    """One error: key, found, allowed; a misspelt key gets the nearest one of its block."""
    location, known = _place(item["loc"])
    key = ".".join(str(part) for part in location) or "(top level)"
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        return f"{key}: unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
    if item["type"] == "missing":
        return f"{key}: missing; this key is required"
    if item["type"] == "union_tag_invalid":
        discriminator = item["ctx"]["discriminator"].strip("'")
        return (
            f"{key}.{discriminator}: found {item['ctx']['tag']!r:.80}; "
            f"allowed: {item['ctx']['expected_tags']}"
        )
    message = item["msg"].removeprefix("Value error, ")
    given = "" if item["type"] == "value_error" else f" (found {item['input']!r:.80})"
    return f"{key}: {message[0].lower()}{message[1:]}{given}"


def _place(location: Sequence[str | int]) -> tuple[list[str | int], list[str]]:
    """Return where the file has a key, and the keys that the block around it can have.

    Pydantic puts the tag of a tagged union into the location, where the file has no such key.
    """
    place: list[str | int] = []
    nodes = _alternatives(_schema())
    known: list[str] = []
    for part in location:
        tagged = [tags[part] for node in nodes if part in (tags := _tags(node))]
        if tagged:
            nodes = [found for ref in tagged for found in _alternatives({"$ref": ref})]
            continue
        place.append(part)
        known = [name for node in nodes for name in node.get("properties", {})]
        inner = [
            node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
            for node in nodes
        ]
        nodes = [found for node in inner if node for found in _alternatives(node)]
    return place, known


def _tags(node: Mapping[str, Any]) -> dict[str | int, str]:
    """Return where the members of a tagged union are, by tag; nothing for another node."""
    found: dict[str | int, str] = node.get("discriminator", {}).get("mapping", {})
    return found


def _alternatives(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a value may be: the node, what it refers to, and each member of a union."""
    if "$ref" in node:
        return _alternatives(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    if "discriminator" in node:
        return [node]
    members = node.get("anyOf", [])
    return [found for member in members for found in _alternatives(member)] or [node]


@cache
def _schema() -> dict[str, Any]:
    return Config.model_json_schema()


def schema_text() -> str:
    """Return the JSON schema of the configuration, as `config.schema.json` must hold it."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
