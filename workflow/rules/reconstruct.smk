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
        'python -P "$BOOSTED_HH4B_JOB" reconstruct {params.source:q} --config {params.config:q}'
        " --sample {wildcards.sample:q} --chunk {wildcards.chunk:q} {params.stratum}"
        " --events {output.events:q} --cutflow {output.cutflow:q} > {log:q} 2>&1"


rule normalise:
    """Merge the cut flows of a sample's files; find what an event of it weighs."""
    input:
        cutflows=lambda wildcards: every_chunk(paths.CUTFLOW, wildcards.sample),
        metadata=simulation_metadata,
    output:
        paths.NORMALISATION,
    log:
        f"{paths.LOGS}/normalise/{{sample}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/normalise/{{sample}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("normalise"),
        sample=sample_block,
        chunks=chunk_list,
        events=lambda wildcards, input: str(Path(input.cutflows[0]).parent),
        simulated=lambda wildcards, input: (
            f"--simulated {Path(input.metadata[0]).parent}" if input.metadata else ""
        ),
        branching_ratio=cfg.branching_ratio_hbb,
    message:
        "Normalising {wildcards.sample}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" normalise --sample {params.sample:q}'
        " --chunks {params.chunks:q} --events {params.events:q} {params.simulated}"
        " --branching-ratio {params.branching_ratio} --output {output:q} > {log:q} 2>&1"


rule tag_map:
    """Measure the tag probabilities of a process's fat jets, and their closure."""
    input:
        events=lambda wildcards: [
            path
            for name in samples_of(wildcards.process)
            for path in every_chunk(paths.EVENTS, name)
        ],
        normalisations=lambda wildcards: expand(
            paths.NORMALISATION, sample=samples_of(wildcards.process)
        ),
    output:
        paths.TAG_MAP,
    log:
        f"{paths.LOGS}/tag_map/{{process}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/tag_map/{{process}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=source_digest("tag_map"),
        samples=tag_map_samples,
        btagging=cfg.btagging.model_dump_json(),
    message:
        "Measuring the tag map of {wildcards.process}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" tag_map --process {wildcards.process:q}'
        " --samples {params.samples:q} --btagging {params.btagging:q} --output {output:q}"
        " > {log:q} 2>&1"


rule dataset:
    """Pad and weight the events of one sample: the tensors that networks read."""
    input:
        events=lambda wildcards: every_chunk(paths.EVENTS, wildcards.sample),
        normalisation=paths.NORMALISATION,
        tag_map=tag_map_of,
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
        sample=sample_block,
        btagging=cfg.btagging.model_dump_json(),
        chunks=chunk_list,
        events=lambda wildcards, input: str(Path(input.events[0]).parent),
        tag_map=lambda wildcards, input: (
            f"--tag-map {input.tag_map}" if input.tag_map else ""
        ),
        max_constituents=cfg.reconstruction.max_constituents,
        max_subjets=cfg.reconstruction.subjets.max_per_jet,
    message:
        "Building the dataset of {wildcards.sample}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" dataset --sample {params.sample:q}'
        " --btagging {params.btagging:q} --chunks {params.chunks:q} --events {params.events:q}"
        " --normalisation {input.normalisation:q} {params.tag_map}"
        " --max-constituents {params.max_constituents} --max-subjets {params.max_subjets}"
        " --output {output:q} > {log:q} 2>&1"


rule cutflow:
    """Collect the cut flows of all samples, raw and weighted to the luminosity.

    Before any training: it finds samples that share events.
    """
    input:
        normalisations=expand(paths.NORMALISATION, sample=CHUNKS),
        datasets=expand(paths.DATASET, sample=CHUNKS),
    output:
        table=paths.CUTFLOW_TABLE,
        n_minus_one=paths.N_MINUS_ONE_TABLE,
        figure=report(
            f"{paths.N_MINUS_ONE}.png",
            caption="../report/n_minus_one.rst",
            category="Events",
        ),
        pdf=f"{paths.N_MINUS_ONE}.pdf",
    log:
        f"{paths.LOGS}/cutflow.log",
    benchmark:
        f"{paths.BENCHMARKS}/cutflow.tsv"
    priority: 1
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("cutflow"),
        samples=list(CHUNKS),
        luminosity=cfg.luminosity_fb,
        normalisations=lambda wildcards, input: str(
            Path(input.normalisations[0]).parent
        ),
        datasets=lambda wildcards, input: str(Path(input.datasets[0]).parent),
        stem=lambda wildcards, output: str(Path(output.figure).with_suffix("")),
    message:
        "Collecting the cut flows"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" cutflow {params.samples:q}'
        " --normalisations {params.normalisations:q} --datasets {params.datasets:q}"
        " --luminosity {params.luminosity} --output {output.table:q}"
        " --n-minus-one {output.n_minus_one:q} --figure {params.stem:q} > {log:q} 2>&1"
