rule limit:
    """Cut where the wanted background is left, count what passes, set the limit."""
    input:
        scores=paths.SCORES,
        tag_maps=tag_maps,
        variations=varied_scores,
    output:
        row=paths.LIMIT,
        workspace=paths.WORKSPACE,
    log:
        f"{paths.LOGS}/limit/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/limit/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("limit"),
        mass=mass_gev,
        working_point=cfg.working_point.model_dump_json(),
        limits=cfg.limits.model_dump_json(),
        btagging=cfg.btagging.model_dump_json(),
        tag_maps=lambda wildcards, input: " ".join(
            f"--tag-map {path}" for path in input.tag_maps
        ),
        k_factor_errors=k_factor_options,
        variations=variation_options,
        luminosity=cfg.luminosity_fb,
        branching_ratio=cfg.branching_ratio_hbb,
    message:
        "Setting the limit of {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" limit --scores {input.scores:q} --output {output.row:q}'
        " --workspace {output.workspace:q} {params.tag_maps} {params.variations}"
        " {params.k_factor_errors:q}"
        " --btagging {params.btagging:q}"
        " --network {wildcards.network:q} --mass {params.mass} --seed {wildcards.seed}"
        " --luminosity {params.luminosity} --branching-ratio {params.branching_ratio}"
        " --working-point {params.working_point:q} --limits {params.limits:q} > {log:q} 2>&1"


rule limits_table:
    """Collect all limits: one row per network, mass and seed, and one over the seeds."""
    input:
        every_training(paths.LIMIT),
    output:
        rows=paths.LIMITS_TABLE,
        summary=paths.LIMITS_SUMMARY,
        scan=paths.WORKING_POINT_SCAN,
        projection=paths.PROJECTION_TABLE,
    log:
        f"{paths.LOGS}/limits_table.log",
    benchmark:
        f"{paths.BENCHMARKS}/limits_table.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("limits_table"),
    message:
        "Collecting the limits"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" limits_table {input:q} --output {output.rows:q}'
        " --summary {output.summary:q} --scan {output.scan:q}"
        " --projection {output.projection:q} > {log:q} 2>&1"


rule metrics:
    """Measure one network on all events: ROC curve, AUC, background rejection."""
    input:
        paths.SCORES,
    output:
        paths.METRICS,
    log:
        f"{paths.LOGS}/metrics/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/metrics/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("metrics"),
        mass=mass_gev,
    message:
        "Measuring {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" metrics --scores {input:q} --output {output:q}'
        " --network {wildcards.network:q} --mass {params.mass} --seed {wildcards.seed}"
        " > {log:q} 2>&1"


rule metrics_table:
    """Collect the metrics: one row per network, mass and seed."""
    input:
        every_training(paths.METRICS),
    output:
        paths.METRICS_TABLE,
    log:
        f"{paths.LOGS}/metrics_table.log",
    benchmark:
        f"{paths.BENCHMARKS}/metrics_table.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("metrics_table"),
    message:
        "Collecting the metrics"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" metrics_table {input:q} --output {output:q} > {log:q} 2>&1'


rule hepdata:
    """Export limits, efficiencies, cut flows and workspaces as a HEPData submission."""
    input:
        limits=paths.LIMITS_TABLE,
        cutflow=paths.CUTFLOW_TABLE,
        workspaces=every_training(paths.WORKSPACE),
    output:
        directory(paths.HEPDATA),
    log:
        f"{paths.LOGS}/hepdata.log",
    benchmark:
        f"{paths.BENCHMARKS}/hepdata.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("hepdata"),
        workspaces=lambda wildcards, input: " ".join(
            f"--workspace {path}" for path in input.workspaces
        ),
        luminosity=cfg.luminosity_fb,
    message:
        "Exporting the limits for HEPData"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" hepdata --limits {input.limits:q}'
        " --cutflow {input.cutflow:q} --output {output:q} {params.workspaces}"
        " --luminosity {params.luminosity} > {log:q} 2>&1"
