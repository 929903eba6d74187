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
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("reconstruct"),
        config=cfg.reconstruction.model_dump_json(),
        source=lambda wildcards: chunk_of(wildcards).source,
        stratum=stratum,
    message:
        "Reconstructing {wildcards.sample}, file {wildcards.chunk}"
    shell:
        "python -m workflow.scripts.reconstruct {params.source:q} --config {params.config:q}"
        " --sample {wildcards.sample:q} --chunk {wildcards.chunk:q} {params.stratum}"
        " --events {output.events:q} --cutflow {output.cutflow:q} > {log:q} 2>&1"


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
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=source_digest("dataset"),
        sample=lambda wildcards: cfg.sample(wildcards.sample).model_dump_json(),
        btagging=cfg.btagging.model_dump_json(),
        chunks=lambda wildcards: json.dumps(list(CHUNKS[wildcards.sample])),
        events=lambda wildcards, input: str(Path(input.events[0]).parent),
        cross_section=lambda wildcards: cross_section_pb(wildcards.sample),
        luminosity=cfg.luminosity_fb,
        max_constituents=cfg.reconstruction.max_constituents,
        max_subjets=cfg.reconstruction.subjets.max_per_jet,
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
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("cutflow"),
        samples=json.dumps([sample.model_dump(mode="json") for sample in cfg.samples]),
        chunks=json.dumps({name: list(found) for name, found in CHUNKS.items()}),
        cross_sections=json.dumps({name: cross_section_pb(name) for name in CHUNKS}),
        luminosity=cfg.luminosity_fb,
        events=lambda wildcards, input: str(Path(input.cutflows[0]).parents[1]),
        datasets=lambda wildcards, input: str(Path(input.datasets[0]).parent),
    message:
        "Collecting the cut flows"
    shell:
        "python -m workflow.scripts.cutflow --samples {params.samples:q}"
        " --chunks {params.chunks:q} --cross-sections {params.cross_sections:q}"
        " --luminosity {params.luminosity} --events {params.events:q}"
        " --datasets {params.datasets:q} --output {output:q} > {log:q} 2>&1"
