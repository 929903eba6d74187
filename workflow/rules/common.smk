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


def event_tables(wildcards):
    return {
        "events": expand(
            paths.EVENTS, sample=wildcards.sample, chunk=CHUNKS[wildcards.sample]
        ),
        "cutflows": expand(
            paths.CUTFLOW, sample=wildcards.sample, chunk=CHUNKS[wildcards.sample]
        ),
    }


def cross_section_pb(name):
    """σ of what was generated; a signal's is that of 1 fb times BR(h → bb)²."""
    sample = cfg.sample(name)
    return sample.cross_section_pb or 1e-3 * cfg.branching_ratio_hbb**2


def training_samples(wildcards):
    """The datasets that one training sees: its signal and all backgrounds."""
    names = [wildcards.signal, *(sample.name for sample in cfg.backgrounds)]
    return expand(paths.DATASET, sample=names)


def network_block(wildcards):
    return cfg.network(wildcards.network).model_dump_json()


def network_code(script):
    """The sources behind `script` and behind the wildcard's architecture."""

    def digest(wildcards):
        return source_digest(script, *modules_of(cfg.network(wildcards.network)))

    return digest


# The seeds are one job each: no training depends on which others are run.
training_block = cfg.training.model_dump_json(exclude={"seeds"})


def mass_gev(wildcards):
    return cfg.sample(wildcards.signal).mass_gev


def every_training(template):
    """One path per network, signal and seed, in that order."""
    return expand(template, network=NETWORKS, signal=SIGNALS, seed=cfg.training.seeds)


def every_training_of_signal(wildcards):
    """The metrics of all networks and seeds for one signal."""
    return expand(
        paths.METRICS,
        network=NETWORKS,
        signal=wildcards.signal,
        seed=cfg.training.seeds,
    )
