use rule simulate as simulate_varied with:
    output:
        root=paths.VARIED_SAMPLE_FILE,
        metadata=paths.VARIED_SAMPLE_METADATA,
    log:
        f"{paths.LOGS}/simulate/{{variation}}/{{sample}}/{{chunk}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/simulate/{{variation}}/{{sample}}/{{chunk}}.tsv"
    params:
        code=source_digest("simulate"),
        config=varied_simulation,
        detector=cfg.detector.model_dump_json(exclude_defaults=True),
        seed=cfg.seed,
    message:
        "Simulating {wildcards.sample}, chunk {wildcards.chunk}, with {wildcards.variation}"


use rule reconstruct as reconstruct_varied with:
    input:
        varied_file,
    output:
        events=paths.VARIED_EVENTS,
        cutflow=paths.VARIED_CUTFLOW,
    log:
        f"{paths.LOGS}/reconstruct/{{variation}}/{{sample}}/{{chunk}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/reconstruct/{{variation}}/{{sample}}/{{chunk}}.tsv"
    params:
        code=source_digest("reconstruct"),
        config=varied_reconstruction,
        source=varied_source,
        stratum=stratum,
    message:
        "Reconstructing {wildcards.sample}, file {wildcards.chunk}, with {wildcards.variation}"


use rule normalise as normalise_varied with:
    input:
        cutflows=lambda wildcards: every_varied_chunk(paths.VARIED_CUTFLOW, wildcards),
        metadata=varied_metadata,
    output:
        paths.VARIED_NORMALISATION,
    log:
        f"{paths.LOGS}/normalise/{{variation}}/{{sample}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/normalise/{{variation}}/{{sample}}.tsv"
    message:
        "Normalising {wildcards.sample} with {wildcards.variation}"


use rule dataset as dataset_varied with:
    input:
        events=lambda wildcards: every_varied_chunk(paths.VARIED_EVENTS, wildcards),
        normalisation=paths.VARIED_NORMALISATION,
        tag_map=tag_map_of,
    output:
        paths.VARIED_DATASET,
    log:
        f"{paths.LOGS}/dataset/{{variation}}/{{sample}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/dataset/{{variation}}/{{sample}}.tsv"
    message:
        "Building the dataset of {wildcards.sample} with {wildcards.variation}"


use rule score as score_varied with:
    input:
        datasets=varied_event_samples,
        weights=model_files("model.safetensors"),
        metadata=model_files("model.json"),
    output:
        paths.VARIED_SCORES,
    log:
        f"{paths.LOGS}/score/{{variation}}/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/score/{{variation}}/{{network}}/{{signal}}/{{seed}}.tsv"
    message:
        "Scoring {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}, with"
        " {wildcards.variation}"


use rule score_joint as score_joint_varied with:
    input:
        datasets=varied_event_samples,
        weights=model_files("model.safetensors"),
        metadata=model_files("model.json"),
    output:
        expand(paths.VARIED_SCORES, signal=SIGNALS, allow_missing=True),
    log:
        f"{paths.LOGS}/score/{{variation}}/{{network}}/{ALL_MASSES}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/score/{{variation}}/{{network}}/{ALL_MASSES}/{{seed}}.tsv"
    message:
        "Scoring {wildcards.network} on all signals, seed {wildcards.seed}, with"
        " {wildcards.variation}"
