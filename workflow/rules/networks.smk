"""How the networks compare: ratios with errors, calibration, one row for each."""


rule network_ratios:
    """Compare pairs of networks on the events that both have scored."""
    input:
        lambda wildcards: expand(
            paths.SCORES,
            network=dict.fromkeys(name for pair in PAIRS for name in pair[1:]),
            signal=wildcards.signal,
            seed=cfg.training.seeds,
        ),
    output:
        report(
            f"{paths.RATIOS_FIGURE}.png",
            caption="../report/ratios.rst",
            category="Networks",
            labels={"signal": "{signal}"},
        ),
        f"{paths.RATIOS_FIGURE}.pdf",
        table=f"{paths.RATIOS_FIGURE}.csv",
    log:
        f"{paths.LOGS}/network_ratios/{{signal}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/network_ratios/{{signal}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("network_ratios"),
        pairs=json.dumps(PAIRS),
        mass=mass_gev,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Comparing the networks on {wildcards.signal}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" network_ratios {input:q} --pairs {params.pairs:q}'
        " --mass {params.mass} --output {params.stem:q} > {log:q} 2>&1"


rule ratios_table:
    """Collect the ratios: one row per pair, mass and signal efficiency."""
    input:
        expand(f"{paths.RATIOS_FIGURE}.csv", signal=SIGNALS),
    output:
        paths.RATIOS_TABLE,
    log:
        f"{paths.LOGS}/ratios_table.log",
    benchmark:
        f"{paths.BENCHMARKS}/ratios_table.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("ratios_table"),
    message:
        "Collecting the ratios between networks"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" ratios_table {input:q} --output {output:q} > {log:q} 2>&1'


rule calibration_figure:
    """Draw the share of signal against the score of all networks for one signal."""
    input:
        every_training_of_signal(paths.SCORES),
    output:
        report(
            f"{paths.CALIBRATION_FIGURE}.png",
            caption="../report/calibration.rst",
            category="Networks",
            labels={"signal": "{signal}"},
        ),
        f"{paths.CALIBRATION_FIGURE}.pdf",
        table=f"{paths.CALIBRATION_FIGURE}.csv",
    log:
        f"{paths.LOGS}/calibration_figure/{{signal}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/calibration_figure/{{signal}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("calibration_figure"),
        cap_quantile=cfg.dataset.weight_cap_quantile,
        mass=mass_gev,
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the calibration for {wildcards.signal}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" calibration_figure {input:q} --mass {params.mass}'
        " --cap-quantile {params.cap_quantile} --output {params.stem:q} > {log:q} 2>&1"


rule networks_table:
    """Collect size, best epoch, metrics and calibration: one row per network and mass."""
    input:
        metrics=paths.METRICS_TABLE,
        models=every_model("model.json"),
        calibration=expand(f"{paths.CALIBRATION_FIGURE}.csv", signal=SIGNALS),
    output:
        paths.NETWORKS_TABLE,
    log:
        f"{paths.LOGS}/networks_table.log",
    benchmark:
        f"{paths.BENCHMARKS}/networks_table.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("networks_table"),
        models=lambda wildcards, input: " ".join(
            f"--model {path}" for path in input.models
        ),
        calibration=lambda wildcards, input: " ".join(
            f"--calibration {path}" for path in input.calibration
        ),
    message:
        "Collecting the networks"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" networks_table --metrics {input.metrics:q} {params.models}'
        " {params.calibration} --output {output:q} > {log:q} 2>&1"
