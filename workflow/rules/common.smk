"""What several rules ask: which files and settings belong to their wildcards."""


def chunk_of(wildcards):
    return CHUNKS[wildcards.sample][wildcards.chunk]


def local_file(wildcards):
    """The chunk's file, unless it is read from a server."""
    chunk = chunk_of(wildcards)
    return [] if chunk.is_remote else chunk.source


def stratum(wildcards):
    """Options that keep a sample's own range of b hadrons."""
    found = cfg.sample(wildcards.sample).b_hadrons
    if found is None:
        return ""
    upper = "" if found.max is None else f" --b-hadrons-max {found.max}"
    return f"--b-hadrons-min {found.min}{upper}"


def every_chunk(template, sample):
    """One path per chunk of a sample."""
    return expand(template, sample=sample, chunk=CHUNKS[sample])


def simulation_block(wildcards):
    """How a sample is made; without the number of chunks, so that more of them rerun none."""
    return cfg.simulation(wildcards.sample).model_dump_json(exclude={"chunks"})


def k_factor_options(wildcards):
    """The largest error of a K-factor of each background process, where there is one."""
    errors = cfg.k_factor_errors.items()
    return [f"--k-factor-error={name}={error:g}" for name, error in errors]


def simulation_metadata(wildcards):
    """What the simulation wrote beside each file; nothing for a sample of the user's files."""
    simulated = cfg.sample(wildcards.sample).simulation
    return every_chunk(paths.SAMPLE_METADATA, wildcards.sample) if simulated else []


def sample_block(wildcards):
    """What the normalisation and the dataset of a sample depend on, beside its files."""
    block = cfg.sample(wildcards.sample)
    return block.model_dump_json(exclude={"simulation": {"chunks"}})


def chunk_list(wildcards):
    return json.dumps(list(CHUNKS[wildcards.sample]))


def samples_of(process):
    """The background samples of a process."""
    return [sample.name for sample in cfg.backgrounds if sample.process == process]


def tag_map_of(wildcards):
    """The tag map that weights a sample: that of its process, for backgrounds in mode `map`."""
    sample = cfg.sample(wildcards.sample)
    mapped = cfg.btagging.mode == "map" and sample.label == "background"
    return expand(paths.TAG_MAP, process=sample.process) if mapped else []


def tag_maps(wildcards):
    """The tag maps of all background processes, whose non-closure the limits take in."""
    mapped = cfg.btagging.mode == "map"
    processes = dict.fromkeys(sample.process for sample in cfg.backgrounds)
    return expand(paths.TAG_MAP, process=processes) if mapped else []


def tag_map_samples(wildcards, input):
    """The tables and normalisations of a process's samples, as the script reads them."""
    return json.dumps(
        [
            {
                "folder": str(Path(paths.EVENTS.format(sample=name, chunk="_")).parent),
                "chunks": list(CHUNKS[name]),
                "normalisation": normalisation,
            }
            for name, normalisation in zip(
                samples_of(wildcards.process), input.normalisations
            )
        ]
    )


FOLDS = range(cfg.dataset.folds)
# Networks with one training for all signals, and with one for each.
JOINT = [name for name in NETWORKS if cfg.is_joint(name)]
SEPARATE = [name for name in NETWORKS if not cfg.is_joint(name)]


def one_of(names):
    """A pattern for a wildcard that takes these names, or nothing where there are none."""
    return "|".join(names) or "(?!)"


def signals_of(wildcards):
    """The signals of a job: the wildcard's, or all where it stands for all or there is none."""
    name = wildcards.get("signal") or wildcards.get("masses")
    return SIGNALS if name in (None, ALL_MASSES) else [name]


def event_samples(wildcards):
    """The datasets of a job's signals and of all backgrounds."""
    names = [*signals_of(wildcards), *(sample.name for sample in cfg.backgrounds)]
    return expand(paths.DATASET, sample=names)


def masses_of(wildcards):
    """Which training of the wildcard's network serves its signal."""
    signal = wildcards.get("signal", SIGNALS[0])
    return cfg.trained_on(wildcards.network, signal)


def model_files(name, folds=FOLDS):
    """A file of the networks that serve a job's network, signal and seed, one per fold."""

    def of_job(wildcards):
        return expand(
            f"{paths.MODEL}/{name}",
            network=wildcards.network,
            masses=masses_of(wildcards),
            seed=wildcards.seed,
            fold=folds,
        )

    return of_job


def training_folder(wildcards):
    """The folder of these networks."""
    return paths.TRAINING.format(
        network=wildcards.network, masses=masses_of(wildcards), seed=wildcards.seed
    )


def network_block(wildcards):
    """The network as it is trained: told m_H where one training serves all signals."""
    network = cfg.network(wildcards.network)
    joint = cfg.is_joint(wildcards.network)
    return (
        network.model_copy(update={"mass_token": True}) if joint else network
    ).model_dump_json()


def network_code(script):
    """The sources behind `script` and behind the wildcard's architecture."""

    def digest(wildcards):
        return source_digest(script, *modules_of(cfg.network(wildcards.network)))

    return digest


# The seeds are one job each: no training depends on which others are run.
training_block = cfg.training.model_dump_json(exclude={"seeds", "masses"})


# What the limit is drawn against, and the table that knows it.
DEPENDENCES = {
    "background_events": paths.WORKING_POINT_SCAN,
    "luminosity": paths.PROJECTION_TABLE,
    "sample_size": paths.PROJECTION_TABLE,
}


def gpus(training, devices=1):
    """GPUs that a job asks for; none where the configuration leaves open what it works on."""
    return devices if training.accelerator == "cuda" else 0


def training_memory(training):
    """Memory [MB] of a training: its events, and the libraries in each of its processes."""

    def needed(wildcards, attempt):
        return (training.memory_mb + 2000) * training.devices * attempt

    return needed


def mass_gev(wildcards):
    return cfg.sample(wildcards.signal).mass_gev


def every_training(template):
    """One path per network, signal and seed, in that order."""
    return expand(template, network=NETWORKS, signal=SIGNALS, seed=cfg.training.seeds)


def every_training_of_signal(template):
    """The paths of all networks and seeds for one signal."""

    def of_signal(wildcards):
        return expand(
            template,
            network=NETWORKS,
            signal=wildcards.signal,
            seed=cfg.training.seeds,
        )

    return of_signal


def every_model(name, signals=SIGNALS):
    """A file of all networks that serve the signals, each once, by network, masses, seed, fold."""
    return [
        path
        for network in NETWORKS
        for masses in dict.fromkeys(cfg.trained_on(network, s) for s in signals)
        for path in expand(
            f"{paths.MODEL}/{name}",
            network=network,
            masses=masses,
            seed=cfg.training.seeds,
            fold=FOLDS,
        )
    ]


# Cross sections of models, as the limit figures read them.
model_benchmarks = json.dumps(
    [benchmark.model_dump(mode="json") for benchmark in cfg.benchmarks]
)


# Which trainings are looked into changes nothing in what is seen in one of them.
interpretation_block = cfg.interpretation.model_dump_json(
    exclude={"networks", "signals", "seeds"}
)


def interpretation_title(wildcards):
    """Network, mass and seed, as the figures say them."""
    network = wildcards.network.replace("_", " ")
    return f"{network}, $m_H={mass_gev(wildcards):g}$ GeV, seed {wildcards.seed}"


def interpretation_figures():
    """The figures of all trainings that are looked into, as far as their networks have them."""
    return [
        path
        for network, signal, seed in cfg.interpreted_trainings
        for path in expand(
            f"{paths.INTERPRETATION_FIGURE}.png",
            network=network,
            signal=signal,
            seed=seed,
            view=cfg.network(network).views,
        )
    ]


def jet_sources(wildcards):
    """What a tagger of single jets sees: datasets of its processes, or the public files."""
    task = cfg.jets.task(wildcards.task)
    if task is None:
        return expand(paths.TOP_TAGGING, side=["train", "validation", "test"])
    processes = {*task.signal, *task.background}
    names = [sample.name for sample in cfg.samples if sample.process in processes]
    return expand(paths.DATASET, sample=names)


def jet_options(wildcards):
    """What chooses the jets of a task of the run; the public files are taken as they are."""
    task = cfg.jets.task(wildcards.task)
    if task is None:
        return []
    options = ["--task", task.model_dump_json(), "--pt-min", cfg.jets.pt_min_gev]
    return options + (["--pt-max", cfg.jets.pt_max_gev] if cfg.jets.pt_max_gev else [])


def top_tagging_options(wildcards):
    block = cfg.jets.top_tagging
    most = "" if block.max_jets is None else f" --max-jets {block.max_jets}"
    return f"--max-constituents {block.max_constituents}{most}"


def tagger_code(script):
    """The sources behind `script` and behind the wildcard's tagger."""

    def digest(wildcards):
        return source_digest(script, *modules_of(cfg.jets.tagger(wildcards.tagger)))

    return digest


def every_tagger(**task):
    """The metrics of all taggers and seeds, of all tasks or of one."""
    return expand(
        paths.JETS_METRICS,
        tagger=[tagger.name for tagger in cfg.jets.taggers],
        seed=cfg.jets.training.seeds,
        **(task or {"task": cfg.jets.task_names}),
    )


def jet_products():
    """The table and figures of the taggers of single jets; nothing where there are no tasks."""
    tasks = cfg.jets.task_names
    table = [paths.JETS_TABLE] if tasks else []
    return table + expand(f"{paths.JETS_FIGURE}.png", task=tasks)


def final_products(wildcards):
    """The tables and figures that a run ends with; the page shows them all."""
    return [
        paths.CUTFLOW_TABLE,
        paths.LIMITS_TABLE,
        paths.METRICS_TABLE,
        paths.NETWORKS_TABLE,
        paths.DISTRIBUTIONS_TABLE,
        paths.HEPDATA,
        f"{paths.LIMITS_FIGURE}.png",
        *expand(f"{paths.CLS_FIGURE}.png", network=NETWORKS),
        *expand(f"{paths.ROC_FIGURE}.png", signal=SIGNALS),
        *expand(f"{paths.DEPENDENCE_FIGURE}.png", signal=SIGNALS, kind=DEPENDENCES),
        *expand(f"{paths.TRAINING_FIGURE}.png", signal=SIGNALS),
        *expand(f"{paths.CALIBRATION_FIGURE}.png", signal=SIGNALS),
        *([paths.RATIOS_TABLE] if PAIRS else []),
        *(expand(f"{paths.RATIOS_FIGURE}.png", signal=SIGNALS) if PAIRS else []),
        *expand(f"{paths.EVENT_DISPLAY}.png", sample=CHUNKS),
        f"{paths.N_MINUS_ONE}.png",
        f"{paths.JET_IMAGES}.png",
        f"{paths.THETA_CORRELATION}.png",
        *interpretation_figures(),
        *jet_products(),
        paths.DISTRIBUTIONS,
    ]


def begin_run(log=None):
    """What a run does before its first job."""
    try:
        begin(
            chunk.source
            for found in CHUNKS.values()
            for chunk in found.values()
            if not chunk.is_remote
        )
    except AnalysisError as error:
        raise WorkflowError(str(error)) from None
