"""Which files belong to a job: from the wildcards of a rule to paths."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from snakemake.io import expand
from snakemake.iocontainers import Wildcards

from models.config.specs_jets import JET_CLASS
from workflow.pipeline import paths
from workflow.pipeline.config import ALL_MASSES, Config
from workflow.pipeline.figures import DEPENDENCES, KINDS
from workflow.pipeline.inputs import Chunk, event_files, public_files
from workflow.pipeline.network_pairs import Pair, network_pairs

OfJob = Callable[[Wildcards], list[str]]
"""An input function of Snakemake."""

MODEL_FILES = ("model.safetensors", "model.json", "history.csv")
TAGGER_FILES = [f"{paths.JETS_MODEL}/{file}" for file in MODEL_FILES]
"""What the training of a tagger of single jets writes, with its wildcards."""


def one_of(names: Sequence[str]) -> str:
    """Return a pattern for a wildcard that takes these names, or nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def message(docstring: str, output: str) -> str:
    """Return what the terminal shows of a job: its wildcards, and its rule's first sentence.

    Parameters
    ----------
    docstring : str
    output : str
        Path of an output, with wildcards.
    """
    first = docstring.strip().partition("\n")[0].rstrip(".").replace("{", "{{").replace("}", "}}")
    names = dict.fromkeys(re.findall(r"{(\w+)", output))
    prefix = "{wildcards.variation}" if names.pop("variation", True) is None else ""
    job = prefix + " ".join(f"{{wildcards.{name}}}" for name in names)
    return f"{job}: {first}" if job else first


@dataclass(frozen=True)
class Targets:
    """The files of a run.

    What takes nothing but `wildcards` is an input function of a rule; `of_chunks`, `model` and
    `trainings_of_signal` return one.

    Attributes
    ----------
    config : Config
    chunks : mapping
        The files of each sample, by the names of both, from `workflow.pipeline.inputs.all_chunks`.
    """

    config: Config
    chunks: Mapping[str, Mapping[str, Chunk]]

    @property
    def signals(self) -> list[str]:
        """Names of the signals, by mass."""
        return [sample.name for sample in self.config.signals]

    @property
    def backgrounds(self) -> list[str]:
        """Names of the background samples."""
        return [sample.name for sample in self.config.backgrounds]

    @property
    def samples(self) -> list[str]:
        """Names of all samples."""
        return [sample.name for sample in self.config.samples]

    @property
    def processes(self) -> list[str]:
        """Processes of the backgrounds."""
        return list(dict.fromkeys(sample.process for sample in self.config.backgrounds))

    @property
    def networks(self) -> list[str]:
        """Names of the networks."""
        return [network.name for network in self.config.networks]

    @property
    def joint(self) -> list[str]:
        """Networks with one training for all signals."""
        return [name for name in self.networks if self.config.is_joint(name)]

    @property
    def separate(self) -> list[str]:
        """Networks with one training for each signal."""
        return [name for name in self.networks if not self.config.is_joint(name)]

    @property
    def drawn_against_mass(self) -> list[str]:
        """Networks with several masses; all of them where none has."""
        several = [name for name in self.networks if len(self.config.signals_of(name)) > 1]
        return several or self.networks

    @property
    def pairs(self) -> list[Pair]:
        """Pairs of networks that are compared."""
        return network_pairs(self.config.networks, self.config.training.seeds)

    def networks_of(self, signal: str) -> list[str]:
        """Return the networks that are trained for a signal."""
        sample = self.config.sample(signal)
        return [name for name in self.networks if sample in self.config.signals_of(name)]

    def pairs_of(self, signal: str) -> list[Pair]:
        """Return the pairs that are compared for a signal: both networks have it."""
        known = set(self.networks_of(signal))
        return [pair for pair in self.pairs if known.issuperset(pair[1:])]

    def ratios(self, template: str) -> list[str]:
        """Return one path for each signal for which networks are compared."""
        return expand(template, signal=[name for name in self.signals if self.pairs_of(name)])

    @property
    def folds(self) -> range:
        """Numbers of the folds."""
        return range(self.config.dataset.folds)

    # Samples

    def chunk(self, wildcards: Wildcards) -> Chunk:
        """Return the wildcards' file."""
        return self.chunks_of(wildcards.sample, wildcards.variation)[wildcards.chunk]

    def chunks_of(self, sample: str, variation: str = paths.NOMINAL) -> Mapping[str, Chunk]:
        """Return the files of a sample; of an alternative, its own or the first of the sample's."""
        name = paths.variation_name(variation)
        wanted = {block.variation: block.chunks for block in self.config.reweighting}.get(name)
        found = self.chunks.get(name, self.chunks[sample])
        return dict(islice(found.items(), wanted))

    def every_chunk(self, template: str, sample: str, variation: str = paths.NOMINAL) -> list[str]:
        """Return one path per file of a sample."""
        chunks = self.chunks_of(sample, variation)
        return expand(template, variation=variation, sample=sample, chunk=chunks)

    def of_chunks(self, template: str) -> OfJob:
        """One path per file of the wildcards' sample."""

        def of_job(wildcards: Wildcards) -> list[str]:
            return self.every_chunk(template, wildcards.sample, wildcards.variation)

        return of_job

    def simulated_variation(self, wildcards: Wildcards) -> str:
        """Return the variation whose simulated files a job reads: another shower has its own."""
        names = ["shower_up", *(block.variation for block in self.config.reweighting)]
        generated_again = paths.variation_name(wildcards.variation) in names
        simulated = self.config.sample(wildcards.sample).simulation is not None
        return wildcards.variation if generated_again and simulated else paths.NOMINAL

    def source(self, wildcards: Wildcards) -> str:
        """Return the path or URL of the wildcards' Delphes file."""
        variation = self.simulated_variation(wildcards)
        if variation == paths.NOMINAL:
            return self.chunk(wildcards).source
        return paths.SAMPLE_FILE.format(
            variation=variation, sample=wildcards.sample, chunk=wildcards.chunk
        )

    def local_file(self, wildcards: Wildcards) -> list[str]:
        """The wildcards' Delphes file, unless it is read from a server."""
        return [] if self.chunk(wildcards).is_remote else [self.source(wildcards)]

    def event_files(self, wildcards: Wildcards) -> list[str]:
        """The Les Houches or HepMC files that the wildcards' sample is simulated from, if any."""
        return event_files(self.config.sample(wildcards.sample))

    def simulation_metadata(self, wildcards: Wildcards) -> list[str]:
        """What the simulation wrote beside each file; nothing for a sample of the user's files."""
        if self.config.sample(wildcards.sample).simulation is None:
            return []
        variation = self.simulated_variation(wildcards)
        return self.every_chunk(paths.SAMPLE_METADATA, wildcards.sample, variation)

    def samples_of(self, process: str) -> list[str]:
        """Return the background samples of a process."""
        return [one.name for one in self.config.backgrounds if one.process == process]

    def events_of_process(self, wildcards: Wildcards) -> list[str]:
        """The event tables of all samples of the wildcards' process."""
        names = self.samples_of(wildcards.process)
        return [path for name in names for path in self.every_chunk(paths.EVENTS, name)]

    def normalisations_of_process(self, wildcards: Wildcards) -> list[str]:
        """The normalisations of all samples of the wildcards' process."""
        names = self.samples_of(wildcards.process)
        return expand(paths.nominal(paths.NORMALISATION), sample=names)

    def tag_map(self, wildcards: Wildcards) -> list[str]:
        """The map that weights a sample: that of its process, for backgrounds in mode `map`."""
        sample = self.config.sample(wildcards.sample)
        mapped = self.config.btagging.mode == "map" and sample.label == "background"
        return expand(paths.TAG_MAP, process=sample.process) if mapped else []

    @property
    def tag_maps(self) -> list[str]:
        """The maps of all background processes; none but in mode `map`."""
        mapped = self.config.btagging.mode == "map"
        return expand(paths.TAG_MAP, process=self.processes) if mapped else []

    def every_sample(self, *templates: str) -> list[str]:
        """Return the nominal paths of all samples."""
        return expand(list(map(paths.nominal, templates)), sample=self.samples)

    def sources(self, wildcards: Wildcards) -> list[str]:
        """The Delphes files of the wildcards' signal, on disk or on servers."""
        return [chunk.source for chunk in self.chunks[wildcards.signal].values()]

    def local_sources(self, wildcards: Wildcards) -> list[str]:
        """Those that are on this machine."""
        chunks = self.chunks[wildcards.signal].values()
        return [chunk.source for chunk in chunks if not chunk.is_remote]

    # Trainings

    def signals_of(self, wildcards: Wildcards) -> list[str]:
        """Return the signals of a job: the wildcard's; all where it names all, or none."""
        name = wildcards.get("signal") or wildcards.get("masses")
        return self.signals if name in (None, ALL_MASSES) else [name]

    def datasets(self, wildcards: Wildcards) -> list[str]:
        """The datasets of a job's signals and of all backgrounds."""
        names = [*self.signals_of(wildcards), *self.backgrounds]
        variation = wildcards.get("variation", paths.NOMINAL)
        return expand(paths.DATASET, variation=variation, sample=names)

    def training(self, wildcards: Wildcards) -> str:
        """Return the folder of the networks that serve a job's network, signal and seed."""
        masses = wildcards.get("masses") or self.config.trained_on(
            wildcards.network, wildcards.get("signal", self.signals[0])
        )
        return paths.TRAINING.format(network=wildcards.network, masses=masses, seed=wildcards.seed)

    @property
    def trained(self) -> list[str]:
        """Return what a training writes, with its wildcards."""
        return expand(
            f"{paths.MODEL}/{{file}}", file=MODEL_FILES, fold=self.folds, allow_missing=True
        )

    def model(self, folds: Sequence[int] | None = None) -> OfJob:
        """Weights and description of these networks, of all folds or of some."""

        def of_job(wildcards: Wildcards) -> list[str]:
            template = f"{self.training(wildcards)}/fold{{fold}}/{{file}}"
            return expand(
                template, file=MODEL_FILES[:2], fold=self.folds if folds is None else folds
            )

        return of_job

    def datasets_and_model(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What a scoring reads, as `datasets` and `model`."""
        return {"datasets": self.datasets(wildcards), "model": self.model()(wildcards)}

    def one_signal(self, template: str) -> str:
        """Return what a job of a network with a training per signal writes, with its wildcards."""
        return template.replace("{network}", f"{{network,{one_of(self.separate)}}}")

    def all_signals(self, template: str) -> list[str]:
        """Return what a job of a network with a training for all signals writes, likewise."""
        template = template.replace("{network}", f"{{network,{one_of(self.joint)}}}")
        return [template.replace("{signal}", signal) for signal in self.signals]

    def of_signals(self, template: str, wildcards: Wildcards) -> list[str]:
        """Return one path for each signal of a job; see `signals_of`."""
        signals = self.signals_of(wildcards)
        return [template.format(**{**dict(wildcards.items()), "signal": s}) for s in signals]

    def varied_scores(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Return the scores of a training's variations by nuisance, +1σ first."""
        known = {name: wildcards[name] for name in ("network", "signal", "seed")}
        return {
            nuisance: [
                paths.SCORES.format(variation=paths.VARIATION.format(name=name), **known)
                for name in names
            ]
            for nuisance, names in self.config.systematics.nuisances.items()
        }

    def mixed_and_model(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What mixing reads, as `datasets` of the samples that are mixed, `scores` and `model`."""
        return {
            "datasets": expand(paths.nominal(paths.DATASET), sample=self.config.mixed_tails),
            "scores": self.of_signals(paths.nominal(paths.SCORES), wildcards),
            "model": self.model()(wildcards),
        }

    def mixed_scores(self, wildcards: Wildcards) -> list[str]:
        """The scores of a training's mixed events; none where no sample is mixed."""
        return [paths.MIXED.format(**wildcards)] if self.config.mixed_tails else []

    def all_variations(self, wildcards: Wildcards) -> list[str]:
        """The scores of all variations of a training, and the tables of its reweightings."""
        scores = [path for paths_ in self.varied_scores(wildcards).values() for path in paths_]
        return [*scores, *self.event_factors(wildcards).values()]

    def beside_scores(self, wildcards: Wildcards) -> list[str]:
        """What a limit reads beside the scores: its mixed events, maps of tags, and variations."""
        return [*self.mixed_scores(wildcards), *self.tag_maps, *self.all_variations(wildcards)]

    def trainings(self, template: str, networks: Iterable[str] | None = None) -> list[str]:
        """Return one path per network (of all or some), signal and seed, in that order."""
        return [
            path
            for network in (self.networks if networks is None else networks)
            for path in expand(
                template,
                network=network,
                signal=[signal.name for signal in self.config.signals_of(network)],
                seed=self.config.seeds_of(network),
            )
        ]

    @property
    def exported(self) -> list[str]:
        """The ONNX files of all networks that can be written as such."""
        able = [network.name for network in self.config.networks if network.fits_onnx]
        return self.trainings(paths.ONNX, able)

    def _of_signal(self, template: str, networks: Iterable[str], signal: str) -> list[str]:
        return [
            path
            for network in networks
            for path in expand(
                template, network=network, signal=signal, seed=self.config.seeds_of(network)
            )
        ]

    def trainings_of_signal(self, template: str) -> OfJob:
        """The paths of all networks and seeds for the wildcards' signal."""

        def of_job(wildcards: Wildcards) -> list[str]:
            signal = wildcards.signal
            return self._of_signal(template, self.networks_of(signal), signal)

        return of_job

    def compared_scores(self, wildcards: Wildcards) -> list[str]:
        """The scores of all networks that are in a pair."""
        pairs = self.pairs_of(wildcards.signal)
        networks = dict.fromkeys(name for pair in pairs for name in pair[1:])
        return self._of_signal(paths.nominal(paths.SCORES), networks, wildcards.signal)

    def compared(self, template: str) -> list[str]:
        """Return one path per network that is in a pair, signal and seed."""
        networks = {name for pair in self.pairs for name in pair[1:]}
        return self.trainings(template, [name for name in self.networks if name in networks])

    def models(self, file: str, signals: Sequence[str] | None = None) -> list[str]:
        """Return a file of all networks that serve some signals, or all.

        Each stands once, by network, masses, seed and fold.
        """
        chosen = self.signals if signals is None else signals
        return [
            path
            for network in self.networks
            for masses in dict.fromkeys(
                self.config.trained_on(network, signal)
                for signal in chosen
                if network in self.networks_of(signal)
            )
            for path in expand(
                f"{paths.MODEL}/{file}",
                network=network,
                masses=masses,
                seed=self.config.seeds_of(network),
                fold=self.folds,
            )
        ]

    def histories(self, wildcards: Wildcards) -> list[str]:
        """The learning curves of all networks that serve the wildcards' signal."""
        return self.models("history.csv", [wildcards.signal])

    # Taggers of single jets

    def jet_sources(self, wildcards: Wildcards) -> list[str]:
        """What a tagger of single jets sees: datasets of its processes, or the public files."""
        task = self.config.jets.task(wildcards.task)
        if task is None:
            public = paths.JET_CLASS if wildcards.task == JET_CLASS else paths.TOP_TAGGING
            return expand(public, split=["train", "validation", "test"])
        processes = {*task.signal, *task.background}
        names = [sample.name for sample in self.config.samples if sample.process in processes]
        return expand(paths.nominal(paths.DATASET), sample=names)

    def jets_and_model(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What an evaluation reads, as `sources` and `model`."""
        names = dict(wildcards.items())
        model = [file.format(**names) for file in TAGGER_FILES[:2]]
        return {"sources": self.jet_sources(wildcards), "model": model}

    def public_jets(self, wildcards: Wildcards) -> str:
        """The public file of one split."""
        block = self.config.jets.top_tagging
        return public_files(block, wildcards.split)[0] if block else ""

    def jet_class_files(self, wildcards: Wildcards) -> list[str]:
        """The JetClass files of one split."""
        block = self.config.jets.jet_class
        return public_files(block, wildcards.split) if block else []

    def taggers(self, tasks: Sequence[str], template: str = paths.JETS_METRICS) -> list[str]:
        """Return the metrics of all taggers and seeds for some tasks."""
        return expand(
            template,
            tagger=[tagger.name for tagger in self.config.jets.taggers],
            seed=self.config.jets.training.seeds,
            task=tasks,
        )

    def taggers_of_task(self, wildcards: Wildcards) -> list[str]:
        """The metrics of all taggers and seeds for the wildcards' task."""
        return self.taggers([wildcards.task])

    # Reweighting to another generator

    def compared_samples(self, wildcards: Wildcards) -> list[str]:
        """The datasets that a classifier tells apart: nominal, alternative."""
        block = self.config.reweighted(wildcards.reweighting)
        alternative = paths.VARIATION.format(name=block.variation)
        return [
            paths.DATASET.format(variation=variation, sample=block.sample)
            for variation in (paths.NOMINAL, alternative)
        ]

    @property
    def classifier(self) -> list[str]:
        """Return what the training of a classifier writes, with its wildcards."""
        template = f"{paths.CLASSIFIER}/fold{{fold}}/{{file}}"
        return expand(template, file=MODEL_FILES, fold=self.folds, allow_missing=True)

    def reweighted(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What weights are made of, as `compared`, `others` and `models`."""
        block = self.config.reweighted(wildcards.reweighting)
        names, seeds = dict(wildcards.items()), block.training.seeds
        return {
            "compared": self.compared_samples(wildcards),
            "others": expand(paths.nominal(paths.DATASET), sample=block.apply_to),
            "models": [f.format(**names, seed=s) for s in seeds for f in self.classifier],
        }

    def event_factors(self, wildcards: Wildcards) -> dict[str, str]:
        """Return the tables of weights of a training's nuisances, by nuisance."""
        scored = {wildcards.signal, *self.backgrounds}
        return {
            block.variation: paths.EVENT_FACTORS.format(
                reweighting=block.name, classifier=block.networks[0].name
            )
            for block in self.config.reweighting
            if scored & set(block.samples)
        }

    def classifiers(self, template: str) -> list[str]:
        """Return one path per reweighting and classifier."""
        return [
            template.format(reweighting=block.name, classifier=network.name)
            for block in self.config.reweighting
            for network in block.networks
        ]

    def reweighting_products(self) -> list[str]:
        """Return table and figures of the reweightings; nothing without them."""
        table = [paths.CLOSURE_TABLE] if self.config.reweighting else []
        return table + self.classifiers(f"{paths.CLOSURE_FIGURE}.png")

    # Products of a run

    def jet_products(self) -> list[str]:
        """Return tables and figures of the taggers of single jets; nothing without tasks."""
        tasks = self.config.jets.task_names
        return self.jet_tables() + expand(f"{paths.JETS_FIGURE}.png", task=tasks)

    def jet_tables(self) -> list[str]:
        """Return the tables of the taggers of single jets: of two classes, and of ten."""
        jets = self.config.jets
        wanted = {paths.JETS_TABLE: jets.task_names, paths.CLASSES_TABLE: jets.jet_class}
        return [path for path, tasks in wanted.items() if tasks]

    def interpretation_figures(self) -> list[str]:
        """Return the figures of all trainings that are interpreted, where networks have them."""
        return [
            path
            for network, signal, seed in self.config.interpreted_trainings
            for path in expand(
                f"{paths.INTERPRETATION_FIGURE}.png",
                network=network,
                signal=signal,
                seed=seed,
                view=self.config.network(network).views,
            )
        ]

    def figures(self) -> list[str]:
        """Return the figures of the kinds that one wildcard of the run tells apart, or none."""
        values = {
            "network": self.networks,
            "signal": self.signals,
            "sample": self.samples,
            "task": self.config.jets.task_names,
        }
        ratios = self.ratios(f"{paths.RATIOS_FIGURE}.png")
        scans = () if self.config.subjet_scan.events else (paths.SUBJET_SCAN, paths.SUBJET_TREE)
        return [
            path
            for kind in KINDS
            if set(kind.wildcards) <= values.keys() and kind.template not in scans
            for path in expand(f"{kind.template}.png", **{**values, **kind.fixed})
            if kind.template != paths.RATIOS_FIGURE or path in ratios
        ]

    def products(self) -> list[str]:
        """Return the tables and figures that a run ends with; the page shows them all."""
        return [
            paths.CUTFLOW_TABLE,
            paths.LIMITS_TABLE,
            paths.METRICS_TABLE,
            paths.NETWORKS_TABLE,
            paths.DISTRIBUTIONS_TABLE,
            paths.EFFICIENCIES,
            paths.LIKELIHOODS,
            paths.HEPDATA,
            *([paths.RATIOS_TABLE, paths.LIMIT_RATIOS] if self.pairs else []),
            *self.jet_tables(),
            *self.reweighting_products(),
            *self.figures(),
            *self.interpretation_figures(),
            paths.DISTRIBUTIONS,
        ]

    @property
    def submitted(self) -> list[str]:
        """Return what a submission to HEPData is made of."""
        tables = [paths.LIMITS_TABLE, paths.CUTFLOW_TABLE, paths.EFFICIENCIES, paths.LIKELIHOODS]
        return [*tables, *self.trainings(paths.LIMIT), *self.trainings(paths.WORKSPACE)]

    def local_files(self) -> list[str]:
        """Return the Delphes files on this machine."""
        every = (chunk for of_sample in self.chunks.values() for chunk in of_sample.values())
        return [chunk.source for chunk in every if not chunk.is_remote]

    def wildcard_constraints(self) -> dict[str, str]:
        """Return the pattern of each wildcard."""
        jets = self.config.jets
        variations = ["jes_up", "jes_down", "jer_up", "shower_up"]
        variations += [block.variation for block in self.config.reweighting]
        return {
            "sample": one_of(self.samples),
            "signal": one_of(self.signals),
            "masses": one_of([*self.signals, ALL_MASSES]),
            "network": one_of(self.networks),
            "seed": r"\d+",
            "fold": r"\d+",
            "process": one_of(self.processes),
            "chunk": r"[A-Za-z0-9_.-]+",
            "variation": f"({paths.VARIATION.format(name=f'({one_of(variations)})')})?",
            "reweighting": one_of([block.name for block in self.config.reweighting]),
            "classifier": one_of([n.name for b in self.config.reweighting for n in b.networks]),
            "kind": one_of(list(DEPENDENCES)),
            "task": one_of(jets.every_task),
            "tagger": one_of([tagger.name for tagger in jets.taggers]),
            "split": "train|validation|test",
        }


def folder_of(template: str, **wildcards: str) -> str:
    """Return the folder of a template's files; `chunk` may be left out."""
    return str(Path(template.format(**{"chunk": "_", **wildcards})).parent)
