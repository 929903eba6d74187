rule distributions:
    """Draw the distributions of all network inputs, signals against each process."""
    input:
        expand(paths.DATASET, sample=CHUNKS),
    output:
        table=paths.DISTRIBUTIONS_TABLE,
        figures=report(
            directory(paths.DISTRIBUTIONS),
            patterns=["{variable}.png"],
            caption="../report/distributions.rst",
            category="Distributions",
        ),
    log:
        f"{paths.LOGS}/distributions.log",
    benchmark:
        f"{paths.BENCHMARKS}/distributions.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=source_digest("distributions"),
    message:
        "Drawing the distributions of the network inputs"
    shell:
        "python -m workflow.scripts.distributions {input:q} --figures {output.figures:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule roc_figure:
    """Draw the ROC curves of all networks for one signal, median and range over the seeds."""
    input:
        every_training_of_signal,
    output:
        report(
            f"{paths.ROC_FIGURE}.png",
            caption="../report/roc.rst",
            category="Networks",
            labels={"signal": "{signal}"},
        ),
        f"{paths.ROC_FIGURE}.pdf",
    log:
        f"{paths.LOGS}/roc_figure/{{signal}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/roc_figure/{{signal}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("roc_figure"),
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the ROC curves for {wildcards.signal}"
    shell:
        "python -m workflow.scripts.roc_figure {input:q} --output {params.stem:q}"
        " > {log:q} 2>&1"


rule limits_figure:
    """Draw the limits of all networks against m_H, beside published ones."""
    input:
        paths.LIMITS_TABLE,
    output:
        report(
            f"{paths.LIMITS_FIGURE}.png",
            caption="../report/limits.rst",
            category="Limits",
        ),
        f"{paths.LIMITS_FIGURE}.pdf",
    log:
        f"{paths.LOGS}/limits_figure.log",
    benchmark:
        f"{paths.BENCHMARKS}/limits_figure.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("limits_figure"),
        networks=" ".join(f"--network {name}" for name in NETWORKS),
        luminosity=cfg.luminosity_fb,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the limits"
    shell:
        "python -m workflow.scripts.limits_figure --table {input:q} --output {params.stem:q}"
        " {params.networks} --luminosity {params.luminosity} > {log:q} 2>&1"


rule dependence_figure:
    """Draw the limit on one signal against background kept, luminosity or sample size."""
    input:
        lambda wildcards: DEPENDENCES[wildcards.kind],
    output:
        report(
            f"{paths.DEPENDENCE_FIGURE}.png",
            caption="../report/dependence.rst",
            category="Limits",
            labels={"signal": "{signal}", "against": "{kind}"},
        ),
        f"{paths.DEPENDENCE_FIGURE}.pdf",
    log:
        f"{paths.LOGS}/dependence_figure/{{kind}}/{{signal}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/dependence_figure/{{kind}}/{{signal}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("dependence_figure"),
        networks=" ".join(f"--network {name}" for name in NETWORKS),
        luminosity=cfg.luminosity_fb,
        mass=mass_gev,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the limit on {wildcards.signal} against {wildcards.kind}"
    shell:
        "python -m workflow.scripts.dependence_figure --table {input:q} --output {params.stem:q}"
        " --kind {wildcards.kind:q} {params.networks} --luminosity {params.luminosity}"
        " --mass {params.mass} > {log:q} 2>&1"
