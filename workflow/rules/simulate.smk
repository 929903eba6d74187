rule simulate:
    """Generate events with Pythia 8 and measure them with the parametric detector, or Delphes."""
    output:
        root=paths.SAMPLE_FILE,
        metadata=paths.SAMPLE_METADATA,
    log:
        f"{paths.LOGS}/simulate/{{sample}}/{{chunk}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/simulate/{{sample}}/{{chunk}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("simulate"),
        config=simulation_block,
        detector=cfg.detector.model_dump_json(exclude_defaults=True),
        seed=cfg.seed,
    message:
        "Simulating {wildcards.sample}, chunk {wildcards.chunk}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" simulate --config {params.config:q}'
        " --detector {params.detector:q} --sample {wildcards.sample:q}"
        " --chunk {wildcards.chunk} --seed {params.seed}"
        " --output {output.root:q} --metadata {output.metadata:q} > {log:q} 2>&1"
