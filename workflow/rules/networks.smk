"""How the networks compare: ratios with errors, calibration, one row for each."""


rule network_ratios:
    """Compare pairs of networks on the events that both have scored."""
    input:
        targets.compared_scores,
    output:
        paths.RATIOS,
    log:
        paths.log("network_ratios", "{signal}"),
    benchmark:
        paths.benchmark("network_ratios", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("network_ratios", options.pairs),
    shell:
        call("network_ratios", "{input:q} --output {output:q}")


rule ratios_table:
    """Collect the ratios: one row per pair, mass and signal efficiency."""
    input:
        targets.ratios(paths.RATIOS),
    output:
        paths.RATIOS_TABLE,
    log:
        paths.log("ratios_table"),
    benchmark:
        paths.benchmark("ratios_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("ratios_table"),
    shell:
        call("ratios_table", "{input:q} --output {output:q}")


rule limit_ratios:
    """Compare the limits of pairs of networks on the events that both have scored."""
    input:
        targets.compared(paths.MIXED) if cfg.mixed_tails else [],
        scores=targets.compared(paths.nominal(paths.SCORES)),
    output:
        paths.LIMIT_RATIOS,
    log:
        paths.log("limit_ratios"),
    benchmark:
        paths.benchmark("limit_ratios")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("limit_ratios", options.limit_ratios),
    shell:
        call("limit_ratios", "{input.scores:q} --output {output:q}")


rule ratios_figure:
    """Draw the ratios between the networks for one signal."""
    input:
        paths.RATIOS,
    output:
        **figure(paths.RATIOS_FIGURE),
    log:
        paths.log("ratios_figure", "{signal}"),
    benchmark:
        paths.benchmark("ratios_figure", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("ratios_figure", options.pairs),
    shell:
        call("ratios_figure", "{input:q} --output {output.image:q}")


rule calibration:
    """Compare score and share of signal of one training."""
    input:
        paths.nominal(paths.SCORES),
    output:
        paths.CALIBRATION,
    log:
        paths.log("calibration", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("calibration", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("calibration", flags(cap_quantile=cfg.dataset.weight_cap_quantile)),
    shell:
        call("calibration", "{input:q} --output {output:q}")


rule calibration_figure:
    """Draw the share of signal against the score of all networks for one signal."""
    input:
        targets.trainings_of_signal(paths.CALIBRATION),
    output:
        **figure(paths.CALIBRATION_FIGURE),
    log:
        paths.log("calibration_figure", "{signal}"),
    benchmark:
        paths.benchmark("calibration_figure", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("calibration_figure", options.coloured),
    shell:
        call("calibration_figure", "{input:q} --output {output.image:q}")


rule networks_table:
    """Collect size, best epoch, metrics and calibration: one row per network and mass."""
    input:
        metrics=paths.METRICS_TABLE,
        models=targets.models("model.json"),
        calibration=targets.trainings(paths.CALIBRATION),
    output:
        paths.NETWORKS_TABLE,
    log:
        paths.log("networks_table"),
    benchmark:
        paths.benchmark("networks_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("networks_table", options.networks_table),
    shell:
        call("networks_table", "--metrics {input.metrics:q} --output {output:q}")
