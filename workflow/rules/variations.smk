"""Which files and settings belong to a systematic variation."""


def varied_samples(wildcards):
    """Simulated samples have files of their own with another shower; all else uses the nominal."""
    simulated = cfg.sample(wildcards.sample).simulation is not None
    return simulated and wildcards.variation == "shower_up"


def varied_file(wildcards):
    if varied_samples(wildcards):
        return paths.VARIED_SAMPLE_FILE.format(**wildcards)
    return local_file(wildcards)


def varied_source(wildcards):
    return varied_file(wildcards) or chunk_of(wildcards).source


def varied_metadata(wildcards):
    if varied_samples(wildcards):
        return every_varied_chunk(paths.VARIED_SAMPLE_METADATA, wildcards)
    return simulation_metadata(wildcards)


def every_varied_chunk(template, wildcards):
    return expand(
        template,
        variation=wildcards.variation,
        sample=wildcards.sample,
        chunk=CHUNKS[wildcards.sample],
    )


def varied_reconstruction(wildcards):
    variation = cfg.systematics.variation(wildcards.variation)
    return cfg.reconstruction.model_copy(
        update={"variation": variation}
    ).model_dump_json()


def varied_simulation(wildcards):
    block = cfg.simulation(wildcards.sample)
    block = block.model_copy(
        update={"pythia": (*block.pythia, *cfg.systematics.shower)}
    )
    return block.model_dump_json(exclude={"chunks"})


def varied_event_samples(wildcards):
    names = [*signals_of(wildcards), *(sample.name for sample in cfg.backgrounds)]
    return expand(paths.VARIED_DATASET, variation=wildcards.variation, sample=names)


def varied_scores(wildcards):
    """The scores of all variations of one training."""
    return expand(
        paths.VARIED_SCORES,
        variation=[
            name for names in cfg.systematics.nuisances.values() for name in names
        ],
        network=wildcards.network,
        signal=wildcards.signal,
        seed=wildcards.seed,
    )


def variation_options(wildcards):
    """What the limit's script is told: NAME=UP or NAME=UP,DOWN."""
    options = []
    for nuisance, names in cfg.systematics.nuisances.items():
        files = expand(paths.VARIED_SCORES, variation=names, **dict(wildcards.items()))
        options.append(f"--variation {nuisance}={','.join(files)}")
    return " ".join(options)
