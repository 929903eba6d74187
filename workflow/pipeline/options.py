"""How a rule calls its script: which settings belong to a job, and the command."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from snakemake.iocontainers import Wildcards

from analysis.config.reconstruction import Variation
from models.config.specs import NetworkSpec, Training
from models.config.specs_jets import JetClass, TaggerSpec, TopTagging
from models.networks.registry import modules_of
from workflow.job import VARIABLE
from workflow.pipeline import paths
from workflow.pipeline.config import Config
from workflow.pipeline.inputs import event_files
from workflow.pipeline.provenance import source_digest
from workflow.pipeline.targets import Targets, folder_of

OfJob = Callable[[Wildcards], list[str]]
LIBRARIES_MB = 2000
"""Memory of a training beside its events [MB], in each of its processes."""


def call(script: str, arguments: str = "") -> str:
    """Return the shell command that runs `workflow/scripts/{script}.py`.

    Parameters
    ----------
    script : str
    arguments : str
        What Snakemake fills in, as `{input:q} --output {output:q}`. The rule's `params`, from
        `params`, follow; what the script prints goes into the rule's log.
    """
    return f'python -P "${VARIABLE}" {script} {arguments} {{params.options:q}} > {{log:q}} 2>&1'


def flags(**values: Any) -> list[str]:
    """Return `--name=value` for each value.

    A configuration block is written as JSON; a list gives the option once for each entry; None is
    left out.
    """
    words = []
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                text = one.model_dump_json() if isinstance(one, BaseModel) else str(one)
                words.append(f"--{name.replace('_', '-')}={text}")
    return words


def params(
    script: str,
    options: OfJob | list[str] | None = None,
    spec: Callable[[Wildcards], NetworkSpec | TaggerSpec] | None = None,
) -> dict[str, Any]:
    """Return the params of a rule; it runs again when one of them changes.

    Parameters
    ----------
    script : str
        Name of its script; `code` is a digest of the sources behind it.
    options : list of str, or function of the wildcards
        Options of the script; none where there are none.
    spec : function of the wildcards
        The job's network, whose sources count, too.
    """

    def of_job(wildcards: Wildcards) -> list[str]:
        """Return the options; Snakemake would look for wildcards in a list, as in `{mass_gev}`."""
        return options(wildcards) if callable(options) else options or []

    def code(wildcards: Wildcards) -> str:
        return source_digest(script, *(modules_of(spec(wildcards)) if spec else ()))

    return {"code": code, "options": of_job}


def resources(
    training: Training | Callable[[Wildcards], Training], of_training: bool = True
) -> dict[str, Any]:
    """Return what a training asks of the machine, or what scoring with its network does.

    `mem_mb` is that of its events, and of the libraries in each of its processes; `gpu` is 0 where
    the configuration leaves open what it works on. Where jobs of a rule differ in their training,
    it is a function of the wildcards.
    """

    def of(wildcards: Wildcards) -> Training:
        return training if isinstance(training, Training) else training(wildcards)

    def devices(asking: Training) -> int:
        return asking.devices if of_training else 1

    def gpus(asking: Training) -> int:
        return devices(asking) if asking.accelerator == "cuda" else 0

    def mem_mb(wildcards: Wildcards, attempt: int) -> int:
        asking = of(wildcards)
        return (asking.memory_mb + LIBRARIES_MB) * devices(asking) * attempt

    def gpu(wildcards: Wildcards) -> int:
        return gpus(of(wildcards))

    asked: dict[str, Any] = {"gpu": gpus(training) if isinstance(training, Training) else gpu}
    return {"mem_mb": mem_mb, **asked} if of_training else asked


@dataclass(frozen=True)
class Options:
    """The options of each rule's script that follow from the configuration and the wildcards.

    Each gets the blocks that it uses and no others, so that a changed key reruns what reads it.
    """

    config: Config
    targets: Targets

    # Samples

    def simulate(self, wildcards: Wildcards) -> list[str]:
        """How a sample is made; without the number of chunks, so that more of them rerun none."""
        block = self.config.simulation(wildcards.sample)
        variation, seed = paths.variation_name(wildcards.variation), self.config.seed
        again = {one.variation: one for one in self.config.reweighting}.get(variation)
        if variation == "shower_up" or again:
            added = again.pythia if again else self.config.systematics.shower
            block = block.model_copy(update={"pythia": (*block.pythia, *added)})
            seed = again.seed if again else seed
        if files := event_files(self.config.sample(wildcards.sample)):
            block = block.model_copy(update={"lhe" if block.lhe else "hepmc": tuple(files)})
        # the parts of files depend on their number
        unused = set() if files and not block.events else {"chunks"}
        return flags(
            config=block.model_dump_json(exclude=unused),
            detector=self.config.detector.model_dump_json(exclude_defaults=True),
            sample=wildcards.sample,
            chunk=wildcards.chunk,
            seed=seed,
        )

    def reconstruct(self, wildcards: Wildcards) -> list[str]:
        """The file, how it is read, and the sample's own range of b hadrons."""
        variation = self.config.systematics.variation(paths.variation_name(wildcards.variation))
        return [
            self.targets.source(wildcards),
            *flags(
                config=self.config.reconstructed.model_copy(update={"variation": variation}),
                sample=wildcards.sample,
                chunk=wildcards.chunk,
                b_hadrons=self.config.sample(wildcards.sample).b_hadrons,
            ),
        ]

    def _sample(self, wildcards: Wildcards) -> str:
        """What normalisation and dataset of a sample depend on, beside its files."""
        block = self.config.sample(wildcards.sample)
        of_limits = dict.fromkeys(("k_factor_error", "mixed_tail", "tail_from"), True)
        return block.model_dump_json(exclude={"simulation": {"chunks": True}, **of_limits})

    def _chunks(self, sample: str, variation: str = paths.NOMINAL) -> list[str]:
        return list(self.targets.chunks_of(sample, variation))

    def normalise(self, wildcards: Wildcards) -> list[str]:
        """The sample, and the folders of its cut flows and of what its simulation wrote."""
        known = {"variation": wildcards.variation, "sample": wildcards.sample}
        simulated = self.config.sample(wildcards.sample).simulation is not None
        made = known | {"variation": self.targets.simulated_variation(wildcards)}
        return flags(
            sample=self._sample(wildcards),
            chunks=json.dumps(self._chunks(**known)),
            events=folder_of(paths.CUTFLOW, **known),
            simulated=folder_of(paths.SAMPLE_METADATA, **made) if simulated else None,
            branching_ratio=self.config.branching_ratio_hbb,
        )

    def tag_map(self, wildcards: Wildcards) -> list[str]:
        """Tables and normalisations of the samples of a process."""
        names = self.targets.samples_of(wildcards.process)
        normalisations = self.targets.normalisations_of_process(wildcards)
        samples = [
            {
                "folder": folder_of(paths.nominal(paths.EVENTS), sample=name),
                "chunks": self._chunks(name),
                "normalisation": normalisation,
            }
            for name, normalisation in zip(names, normalisations, strict=True)
        ]
        return flags(
            process=wildcards.process,
            samples=json.dumps(samples),
            btagging=self.config.btagging,
        )

    def dataset(self, wildcards: Wildcards) -> list[str]:
        """The sample, its event tables, its tag map, and the sizes of the tensors."""
        known = {"variation": wildcards.variation, "sample": wildcards.sample}
        wanted = self.config.reconstructed
        found = flags(
            sample=self._sample(wildcards),
            btagging=self.config.btagging,
            chunks=json.dumps(self._chunks(**known)),
            events=folder_of(paths.EVENTS, **known),
            tag_map=self.targets.tag_map(wildcards),
            max_constituents=self.config.reconstruction.max_constituents,
            max_subjets=self.config.reconstruction.subjets.max_per_jet,
            max_objects=wanted.event_objects or None,
        )
        return [*found, *(["--impact-parameters"] if wanted.impact_parameters else [])]

    @property
    def cutflow(self) -> list[str]:
        """The samples and the folders of their files."""
        return [
            *self.targets.samples,
            *flags(
                normalisations=folder_of(paths.nominal(paths.NORMALISATION), sample="_"),
                datasets=folder_of(paths.nominal(paths.DATASET), sample="_"),
                luminosity=self.config.luminosity_fb,
                n_minus_one=paths.N_MINUS_ONE_TABLE,
                figure=f"{paths.N_MINUS_ONE}.png",
            ),
        ]

    # Trainings

    def network(self, wildcards: Wildcards) -> NetworkSpec:
        """Return the job's network, told m_H where one training serves all signals.

        No training depends on which other masses and seeds the network has.
        """
        joint = {"mass_token": True} if self.config.is_joint(wildcards.network) else {}
        network = self.config.network(wildcards.network)
        return network.model_copy(update={"masses_gev": (), "seeds": (), **joint})

    def train(self, wildcards: Wildcards) -> list[str]:
        """Network and settings; no training depends on which other seeds are run."""
        return flags(
            network=self.network(wildcards),
            training=self.config.training.model_dump_json(exclude={"seeds", "masses"}),
            dataset=self.config.dataset,
            seed=wildcards.seed,
            output=self.targets.training(wildcards),
        )

    def score(self, wildcards: Wildcards) -> list[str]:
        """The models, and one output per signal.

        `threads` is not that of the job, which `--cores` bounds: sums differ in the last bit with
        it.
        """
        return flags(
            model=self.targets.training(wildcards),
            dataset=self.config.dataset,
            seed=wildcards.seed,
            threads=self.config.training.threads,
            accelerator=self.config.training.accelerator,
            luminosity=self.config.luminosity_fb,
            output=self.targets.of_signals(paths.SCORES, wildcards),
        )

    def mix(self, wildcards: Wildcards) -> list[str]:
        """The models, scores and outputs by signal, and how many events are mixed."""
        return flags(
            scores=self.targets.of_signals(paths.nominal(paths.SCORES), wildcards),
            output=self.targets.of_signals(paths.MIXED, wildcards),
            model=self.targets.training(wildcards),
            folds=self.config.dataset.folds,
            config=self.config.working_point.mixing.model_dump_json(exclude={"closure"}),
            threads=self.config.training.threads,
            accelerator=self.config.training.accelerator,
        )

    def mass(self, wildcards: Wildcards) -> float | None:
        """Return m_H of the wildcards' signal [GeV]."""
        return self.config.sample(wildcards.signal).mass_gev

    def _training_of(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what a row says of its training."""
        return {
            "network": wildcards.network,
            "mass": self.mass(wildcards),
            "seed": wildcards.seed,
        }

    def limit(self, wildcards: Wildcards) -> list[str]:
        """The settings of the statistics, its workspace, and the files of its uncertainties."""
        varied = self.targets.varied_scores(wildcards)
        errors = self.config.k_factor_errors
        return flags(
            **self._training_of(wildcards),
            workspace=paths.WORKSPACE.format(**dict(wildcards.items())),
            luminosity=self.config.luminosity_fb,
            branching_ratio=self.config.branching_ratio_hbb,
            working_point=self.config.working_point,
            limits=self.config.limits,
            btagging=self.config.btagging,
            tag_map=self.targets.tag_maps,
            k_factor_error=[f"{name}={error:g}" for name, error in errors.items()],
            tail_from=self._tail_from,
            mixed=self.targets.mixed_scores(wildcards),
            variation=[f"{nuisance}={','.join(files)}" for nuisance, files in varied.items()],
            reweighting=[
                f"{nuisance}={table}"
                for nuisance, table in self.targets.event_factors(wildcards).items()
            ],
        )

    @property
    def limits_table(self) -> list[str]:
        """The tables that go with that of the limits."""
        return flags(
            summary=paths.LIMITS_SUMMARY,
            scan=paths.WORKING_POINT_SCAN,
            projection=paths.PROJECTION_TABLE,
        )

    def metrics(self, wildcards: Wildcards) -> list[str]:
        """Which training it is."""
        return flags(**self._training_of(wildcards))

    @property
    def likelihoods(self) -> list[str]:
        """The files of all fits, each kind in the same order."""
        return flags(
            limit=self.targets.trainings(paths.LIMIT),
            workspace=self.targets.trainings(paths.WORKSPACE),
            hs3=self.targets.trainings(paths.HS3),
        )

    @property
    def hepdata(self) -> list[str]:
        """The tables, the archive of the fits, the workspace of each, luminosity and levels."""
        return flags(
            limits=paths.LIMITS_TABLE,
            cutflow=paths.CUTFLOW_TABLE,
            efficiencies=paths.EFFICIENCIES,
            likelihoods=paths.LIKELIHOODS,
            signal=[f"{signal.name}={signal.mass_gev:g}" for signal in self.config.signals],
            limit=self.targets.trainings(paths.LIMIT),
            workspace=self.targets.trainings(paths.WORKSPACE),
            luminosity=self.config.luminosity_fb,
            z_target=self.config.limits.z_target,
            level=self.config.limits.confidence_level,
        )

    def interpret(self, wildcards: Wildcards) -> list[str]:
        """The models and the settings, without the choice of trainings."""
        chosen = {"networks", "signals", "seeds"}
        return flags(
            model=self.targets.training(wildcards),
            dataset=self.config.dataset,
            config=self.config.interpretation.model_dump_json(exclude=chosen),
            seed=wildcards.seed,
        )

    def export_onnx(self, wildcards: Wildcards) -> list[str]:
        """The model of the first fold, its quality, and datasets for reference events."""
        return [
            f"{self.targets.training(wildcards)}/fold0",
            *flags(
                dataset=self.targets.datasets(wildcards),
                metrics=paths.METRICS.format(**dict(wildcards.items())),
            ),
        ]

    # Networks beside each other

    def pairs(self, wildcards: Wildcards) -> list[str]:
        """The pairs that are compared for the wildcards' signal."""
        return flags(pairs=json.dumps(self.targets.pairs_of(wildcards.signal)))

    @property
    def limit_ratios(self) -> list[str]:
        """All pairs that are compared, their mixed events, and how background is counted."""
        return flags(
            pairs=json.dumps(self.targets.pairs),
            mixed=self.targets.compared(paths.MIXED) if self.config.mixed_tails else [],
            working_point=self.config.working_point,
            tail_from=self._tail_from,
        )

    @property
    def _tail_from(self) -> list[str]:
        return [f"{name}={other}" for name, other in self.config.tail_from.items()]

    @property
    def networks_table(self) -> list[str]:
        """The files of all trainings."""
        return flags(
            model=self.targets.models("model.json"),
            calibration=self.targets.trainings(paths.CALIBRATION),
        )

    # Figures

    def subjets(self, wildcards: Wildcards) -> list[str]:
        """The files of the signal, what is found in them, and what is scanned."""
        block = self.config.reconstruction.model_copy(update={"variation": Variation()})
        return [
            *self.targets.sources(wildcards),
            *flags(config=block, scan=self.config.subjet_scan, mass=self.mass(wildcards)),
        ]

    @property
    def _benchmarks(self) -> str:
        blocks = [benchmark.model_dump(mode="json") for benchmark in self.config.benchmarks]
        return json.dumps(blocks)

    @property
    def coloured(self) -> list[str]:
        """All networks, so that each has the same colour in all figures."""
        return flags(every_network=self.targets.networks)

    @property
    def _z_limit(self) -> str:
        return f"{100 * self.config.limits.z_level:g}% CL limit"

    @property
    def limits_figure(self) -> list[str]:
        """The networks, and what the limits are compared with."""
        return flags(
            network=self.targets.drawn_against_mass,
            quantity=self._z_limit,
            luminosity=self.config.luminosity_fb,
            background_events=self.config.working_point.background_events,
            benchmarks=self._benchmarks,
            every_network=self.targets.networks,
        )

    def cls_figure(self, wildcards: Wildcards) -> list[str]:
        """The network, the level of its limits, and what they are compared with."""
        return flags(
            network=wildcards.network,
            level=self.config.limits.confidence_level,
            luminosity=self.config.luminosity_fb,
            benchmarks=self._benchmarks,
        )

    def dependence_figure(self, wildcards: Wildcards) -> list[str]:
        """What is drawn against what."""
        return flags(
            kind=wildcards.kind,
            quantity=self._z_limit,
            network=self.targets.networks_of(wildcards.signal),
            luminosity=self.config.luminosity_fb,
            mass=self.mass(wildcards),
            counting=self.config.working_point.counting,
            every_network=self.targets.networks,
        )

    def training_figure(self, wildcards: Wildcards) -> list[str]:
        """The folders of the trainings, and the mass."""
        folders = [path.rpartition("/")[0] for path in self.targets.histories(wildcards)]
        return [*folders, *flags(mass=self.mass(wildcards)), *self.coloured]

    def view_figure(self, view: str) -> OfJob:
        """The view, and a title of network, mass and seed."""

        def options(wildcards: Wildcards) -> list[str]:
            network = wildcards.network.replace("_", " ")
            mass = f"$m_H={self.mass(wildcards):g}$ GeV"
            return flags(view=view, title=f"{network}, {mass}, seed {wildcards.seed}")

        return options

    # Reweighting to another generator

    def classifier(self, wildcards: Wildcards) -> NetworkSpec:
        """Return the job's classifier of two generators."""
        return self.config.reweighted(wildcards.reweighting).network(wildcards.classifier)

    def reweighting_training(self, wildcards: Wildcards) -> Training:
        """Return how the job's classifiers are trained."""
        return self.config.reweighted(wildcards.reweighting).training

    def reweighting_threads(self, wildcards: Wildcards) -> int:
        """Return the threads of a training, and of scoring with it."""
        return self.reweighting_training(wildcards).threads

    def train_reweighting(self, wildcards: Wildcards) -> list[str]:
        """Classifier and settings; the folds are the same for all seeds."""
        block = self.config.reweighted(wildcards.reweighting)
        return flags(
            network=self.classifier(wildcards),
            training=block.training.model_dump_json(exclude={"seeds", "masses"}),
            dataset=self.config.dataset,
            seed=wildcards.seed,
            fold_seed=block.seed,
            output=paths.CLASSIFIER.format(**dict(wildcards.items())),
        )

    def reweight(self, wildcards: Wildcards) -> list[str]:
        """The samples, the models, and how they were trained; `threads` as in `score`."""
        block = self.config.reweighted(wildcards.reweighting)
        names = dict(wildcards.items())
        nominal, alternative = self.targets.compared_samples(wildcards)
        return flags(
            nominal=nominal,
            alternative=alternative,
            other=self.targets.reweighted(wildcards)["others"],
            model=[paths.CLASSIFIER.format(**names, seed=seed) for seed in block.training.seeds],
            folds=self.config.dataset.folds,
            fold_seed=block.seed,
            threads=block.training.threads,
            accelerator=block.training.accelerator,
            reweighting=block.name,
        )

    def closure(self, wildcards: Wildcards) -> list[str]:
        """The samples, and the tables beside the closure."""
        names = dict(wildcards.items())
        nominal, alternative = self.targets.compared_samples(wildcards)
        return flags(
            nominal=nominal,
            alternative=alternative,
            shapes=paths.CLOSURE_SHAPES.format(**names),
            calibration=paths.CLOSURE_CALIBRATION.format(**names),
        )

    # Taggers of single jets

    def tagger(self, wildcards: Wildcards) -> TaggerSpec:
        """Return the job's tagger."""
        return self.config.jets.tagger(wildcards.tagger)

    def _jets(self, wildcards: Wildcards) -> list[str]:
        """What chooses the jets of a task of the run; the public files are taken as they are."""
        task = self.config.jets.task(wildcards.task)
        if task is None:
            return []
        high = self.config.jets.pt_max_gev or None
        return flags(task=task, pt_min=self.config.jets.pt_min_gev, pt_max=high)

    def top_tagging(self, wildcards: Wildcards) -> list[str]:
        """Which public file it is, and how it is read."""
        return self._public(wildcards, self.config.jets.top_tagging)

    def jet_class(self, wildcards: Wildcards) -> list[str]:
        """Which split the files are of, and how they are read."""
        return self._public(wildcards, self.config.jets.jet_class)

    def _public(self, wildcards: Wildcards, block: TopTagging | JetClass | None) -> list[str]:
        return flags(
            split=wildcards.split,
            subjets=self.config.reconstruction.subjets,
            max_constituents=block and block.max_constituents,
            max_jets=block and block.max_jets,
        )

    def train_jets(self, wildcards: Wildcards) -> list[str]:
        """Tagger, settings and jets."""
        return self._jets(wildcards) + flags(
            tagger=self.tagger(wildcards),
            training=self.config.jets.training.model_dump_json(exclude={"seeds"}),
            dataset=self.config.dataset,
            seed=wildcards.seed,
            output=paths.JETS_MODEL.format(**dict(wildcards.items())),
        )

    def evaluate_jets(self, wildcards: Wildcards) -> list[str]:
        """The model and the jets; `threads` as in `score`."""
        return self._jets(wildcards) + flags(
            model=paths.JETS_MODEL.format(**dict(wildcards.items())),
            dataset=self.config.dataset,
            seed=wildcards.seed,
            threads=self.config.jets.training.threads,
            accelerator=self.config.jets.training.accelerator,
        )

    def evaluate_classes(self, wildcards: Wildcards) -> list[str]:
        """The model; `threads` as in `score`."""
        return flags(
            model=paths.JETS_MODEL.format(**dict(wildcards.items())),
            seed=wildcards.seed,
            threads=self.config.jets.training.threads,
            accelerator=self.config.jets.training.accelerator,
        )
