rule limit:
    """Cut where the wanted background is left, count what passes, set the limit."""
    input:
        targets.beside_scores,
        scores=paths.nominal(paths.SCORES),
    output:
        row=paths.LIMIT,
        workspace=paths.WORKSPACE,
    log:
        paths.log("limit", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("limit", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("limit", options.limit),
    shell:
        call("limit", "--scores {input.scores:q} --output {output.row:q}")


rule limits_table:
    """Collect all limits: one row per network, mass and seed, and one over the seeds."""
    input:
        targets.trainings(paths.LIMIT),
    output:
        rows=paths.LIMITS_TABLE,
        summary=paths.LIMITS_SUMMARY,
        scan=paths.WORKING_POINT_SCAN,
        projection=paths.PROJECTION_TABLE,
    log:
        paths.log("limits_table"),
    benchmark:
        paths.benchmark("limits_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("limits_table", options.limits_table),
    shell:
        call("limits_table", "{input:q} --output {output.rows:q}")


rule metrics:
    """Measure one network on all events: ROC curve, AUC, background rejection."""
    input:
        paths.nominal(paths.SCORES),
    output:
        paths.METRICS,
    log:
        paths.log("metrics", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("metrics", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("metrics", options.metrics),
    shell:
        call("metrics", "--scores {input:q} --output {output:q}")


rule metrics_table:
    """Collect the metrics: one row per network, mass and seed."""
    input:
        targets.trainings(paths.METRICS),
    output:
        paths.METRICS_TABLE,
    log:
        paths.log("metrics_table"),
    benchmark:
        paths.benchmark("metrics_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("metrics_table"),
    shell:
        call("metrics_table", "{input:q} --output {output:q}")


rule likelihoods:
    """Translate all fits to HS3, and archive them for other groups."""
    input:
        targets.trainings(paths.LIMIT),
        targets.trainings(paths.WORKSPACE),
    output:
        targets.trainings(paths.HS3),
        archive=paths.LIKELIHOODS,
    log:
        paths.log("likelihoods"),
    benchmark:
        paths.benchmark("likelihoods")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("likelihoods", options.likelihoods),
    shell:
        call("likelihoods", "--output {output.archive:q}")


rule efficiencies:
    """Collect acceptance × efficiency and background of every channel, against m_H."""
    input:
        targets.trainings(paths.LIMIT),
    output:
        paths.EFFICIENCIES,
    log:
        paths.log("efficiencies"),
    benchmark:
        paths.benchmark("efficiencies")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("efficiencies"),
    shell:
        call("efficiencies", "{input:q} --output {output:q}")


rule hepdata:
    """Export limits, efficiencies, cut flows and likelihoods as a HEPData submission."""
    input:
        targets.submitted,
    output:
        directory(paths.HEPDATA),
    log:
        paths.log("hepdata"),
    benchmark:
        paths.benchmark("hepdata")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("hepdata", options.hepdata),
    shell:
        call("hepdata", "--output {output:q}")
