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
        'python -P "$BOOSTED_HH4B_JOB" distributions {input:q} --figures {output.figures:q}'
        " --output {output.table:q} > {log:q} 2>&1"


rule roc_figure:
    """Draw the ROC curves of all networks for one signal, median and range over the seeds."""
    input:
        every_training_of_signal(paths.METRICS),
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
        'python -P "$BOOSTED_HH4B_JOB" roc_figure {input:q} --output {params.stem:q}'
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
        background_events=cfg.working_point.background_events,
        benchmarks=model_benchmarks,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the limits"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" limits_figure --table {input:q} --output {params.stem:q}'
        " {params.networks} --luminosity {params.luminosity}"
        " --background-events {params.background_events}"
        " --benchmarks {params.benchmarks:q} > {log:q} 2>&1"


rule cls_figure:
    """Draw the expected CLs limits of one network with their ±1σ and ±2σ bands."""
    input:
        paths.LIMITS_TABLE,
    output:
        report(
            f"{paths.CLS_FIGURE}.png",
            caption="../report/cls.rst",
            category="Limits",
            labels={"network": "{network}"},
        ),
        f"{paths.CLS_FIGURE}.pdf",
    log:
        f"{paths.LOGS}/cls_figure/{{network}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/cls_figure/{{network}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("cls_figure"),
        luminosity=cfg.luminosity_fb,
        benchmarks=model_benchmarks,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the CLs limits of {wildcards.network}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" cls_figure --table {input:q} --output {params.stem:q}'
        " --network {wildcards.network:q} --luminosity {params.luminosity}"
        " --benchmarks {params.benchmarks:q} > {log:q} 2>&1"


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
        reading=cfg.working_point.reading,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the limit on {wildcards.signal} against {wildcards.kind}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" dependence_figure --table {input:q} --output {params.stem:q}'
        " --kind {wildcards.kind:q} {params.networks} --luminosity {params.luminosity}"
        " --mass {params.mass} --reading {params.reading} > {log:q} 2>&1"


rule training_figure:
    """Draw the learning curves of all networks for one signal."""
    input:
        lambda wildcards: every_model("history.csv", [wildcards.signal]),
    output:
        report(
            f"{paths.TRAINING_FIGURE}.png",
            caption="../report/training.rst",
            category="Networks",
            labels={"signal": "{signal}"},
        ),
        f"{paths.TRAINING_FIGURE}.pdf",
        f"{paths.TRAINING_FIGURE}.csv",
    log:
        f"{paths.LOGS}/training_figure/{{signal}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/training_figure/{{signal}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("training_figure"),
        models=lambda wildcards, input: [str(Path(path).parent) for path in input],
        mass=mass_gev,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the learning curves for {wildcards.signal}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" training_figure {params.models:q} --mass {params.mass} --output {params.stem:q}'
        " > {log:q} 2>&1"


rule event_display:
    """Draw one event of a sample: constituents, subjets and orientation of both fat jets."""
    input:
        paths.DATASET,
    output:
        report(
            f"{paths.EVENT_DISPLAY}.png",
            caption="../report/event_display.rst",
            category="Events",
            labels={"sample": "{sample}"},
        ),
        f"{paths.EVENT_DISPLAY}.pdf",
        f"{paths.EVENT_DISPLAY}.csv",
    log:
        f"{paths.LOGS}/event_display/{{sample}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/event_display/{{sample}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("event_display"),
        radius=cfg.reconstruction.fatjets.radius,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing an event of {wildcards.sample}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" event_display {input:q} --radius {params.radius} --output {params.stem:q}'
        " > {log:q} 2>&1"


rule jet_images:
    """Draw mean images of the leading fat jets, before and after orientation."""
    input:
        expand(paths.DATASET, sample=CHUNKS),
    output:
        report(
            f"{paths.JET_IMAGES}.png",
            caption="../report/jet_images.rst",
            category="Events",
        ),
        f"{paths.JET_IMAGES}.pdf",
        f"{paths.JET_IMAGES}.csv",
    log:
        f"{paths.LOGS}/jet_images.log",
    benchmark:
        f"{paths.BENCHMARKS}/jet_images.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("jet_images"),
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the jet images"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" jet_images {input:q} --output {params.stem:q}'
        " > {log:q} 2>&1"


rule theta_correlation:
    """Draw the correlation of the orientation angles with all other quantities."""
    input:
        expand(paths.DATASET, sample=CHUNKS),
    output:
        report(
            f"{paths.THETA_CORRELATION}.png",
            caption="../report/theta_correlation.rst",
            category="Events",
        ),
        f"{paths.THETA_CORRELATION}.pdf",
        f"{paths.THETA_CORRELATION}.csv",
    log:
        f"{paths.LOGS}/theta_correlation.log",
    benchmark:
        f"{paths.BENCHMARKS}/theta_correlation.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("theta_correlation"),
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the correlations of the orientation angles"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" theta_correlation {input:q} --output {params.stem:q}'
        " > {log:q} 2>&1"
