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


rule reconstruct:
    """Cluster, orient and select the events of one Delphes file; count them at each cut."""
    input:
        local_file,
    output:
        events=paths.EVENTS,
        cutflow=paths.CUTFLOW,
    log:
        f"{paths.LOGS}/reconstruct/{{sample}}/{{chunk}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/reconstruct/{{sample}}/{{chunk}}.tsv"
    params:
        code=source_digest("reconstruct"),
        config=cfg.reconstruction.model_dump_json(),
        source=lambda wildcards: chunk_of(wildcards).source,
        stratum=stratum,
    threads: 1
    resources:
        mem_mb=2000,
    message:
        "Reconstructing {wildcards.sample}, file {wildcards.chunk}"
    shell:
        "python -m workflow.scripts.reconstruct {params.source:q} --config {params.config:q}"
        " --sample {wildcards.sample:q} --chunk {wildcards.chunk:q} {params.stratum}"
        " --events {output.events:q} --cutflow {output.cutflow:q} > {log:q} 2>&1"


def event_tables(wildcards):
    return {
        "events": expand(paths.EVENTS, sample=wildcards.sample, chunk=CHUNKS[wildcards.sample]),
        "cutflows": expand(paths.CUTFLOW, sample=wildcards.sample, chunk=CHUNKS[wildcards.sample]),
    }


def cross_section_pb(name):
    """σ of what was generated; a signal's is that of 1 fb times BR(h → bb)²."""
    sample = cfg.sample(name)
    return sample.cross_section_pb or 1e-3 * cfg.branching_ratio_hbb**2


rule dataset:
    """Pad and weight the events of one sample: the tensors that networks read."""
    input:
        unpack(event_tables),
    output:
        paths.DATASET,
    log:
        f"{paths.LOGS}/dataset/{{sample}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/dataset/{{sample}}.tsv"
    params:
        code=source_digest("dataset"),
        sample=lambda wildcards: cfg.sample(wildcards.sample).model_dump_json(),
        btagging=cfg.btagging.model_dump_json(),
        chunks=lambda wildcards: json.dumps(list(CHUNKS[wildcards.sample])),
        events=lambda wildcards: str(Path(paths.EVENTS).parent).format(sample=wildcards.sample),
        cross_section=lambda wildcards: cross_section_pb(wildcards.sample),
        luminosity=cfg.luminosity_fb,
        max_constituents=cfg.reconstruction.max_constituents,
        max_subjets=cfg.reconstruction.subjets.max_per_jet,
    threads: 1
    resources:
        mem_mb=4000,
    message:
        "Building the dataset of {wildcards.sample}"
    shell:
        "python -m workflow.scripts.dataset --sample {params.sample:q}"
        " --btagging {params.btagging:q} --chunks {params.chunks:q} --events {params.events:q}"
        " --luminosity {params.luminosity} --cross-section {params.cross_section}"
        " --max-constituents {params.max_constituents} --max-subjets {params.max_subjets}"
        " --output {output:q} > {log:q} 2>&1"


rule cutflow:
    """Collect the cut flows of all samples, raw and weighted to the luminosity."""
    input:
        cutflows=[
            path.format(sample=name, chunk=chunk)
            for path in [paths.CUTFLOW]
            for name, found in CHUNKS.items()
            for chunk in found
        ],
        datasets=expand(paths.DATASET, sample=CHUNKS),
    output:
        paths.CUTFLOW_TABLE,
    log:
        f"{paths.LOGS}/cutflow.log",
    benchmark:
        f"{paths.BENCHMARKS}/cutflow.tsv"
    params:
        code=source_digest("cutflow"),
        samples=json.dumps([sample.model_dump(mode="json") for sample in cfg.samples]),
        chunks=json.dumps({name: list(found) for name, found in CHUNKS.items()}),
        cross_sections=json.dumps({name: cross_section_pb(name) for name in CHUNKS}),
        luminosity=cfg.luminosity_fb,
        events=str(Path(paths.EVENTS).parent.parent),
        datasets=str(Path(paths.DATASET).parent),
    threads: 1
    resources:
        mem_mb=2000,
    message:
        "Collecting the cut flows"
    shell:
        "python -m workflow.scripts.cutflow --samples {params.samples:q}"
        " --chunks {params.chunks:q} --cross-sections {params.cross_sections:q}"
        " --luminosity {params.luminosity} --events {params.events:q}"
        " --datasets {params.datasets:q} --output {output:q} > {log:q} 2>&1"
