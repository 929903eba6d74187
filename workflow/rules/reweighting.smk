# `snakemake reweighting` makes these alone; with `reweighting` they are among the products of a run, too.
rule reweighting:
    """Compare generators by classifiers, and weight one to the other."""
    input:
        targets.reweighting_products(),


rule train_reweighting:
    """Train one classifier of two generators with one seed, once per fold."""
    input:
        targets.compared_samples,
    output:
        targets.classifier,
    log:
        paths.log("train_reweighting", "{reweighting}/{classifier}/{seed}"),
    benchmark:
        paths.benchmark("train_reweighting", "{reweighting}/{classifier}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: options.reweighting_threads
    resources:
        **resources(options.reweighting_training),
    params:
        **params("train_reweighting", options.train_reweighting, options.classifier),
    shell:
        call("train_reweighting", "{input:q}")


rule reweight:
    """Weight the events of a sample to those of another generator."""
    input:
        unpack(targets.reweighted),
    output:
        paths.EVENT_FACTORS,
    log:
        paths.log("reweight", "{reweighting}/{classifier}"),
    benchmark:
        paths.benchmark("reweight", "{reweighting}/{classifier}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: options.reweighting_threads
    resources:
        **resources(options.reweighting_training, of_training=False),
    params:
        **params("reweight", options.reweight, options.classifier),
    shell:
        call("reweight", "--output {output:q}")


rule closure:
    """Compare a reweighted sample with that of the other generator."""
    input:
        targets.compared_samples,
        weights=paths.EVENT_FACTORS,
    output:
        closure=paths.CLOSURE,
        shapes=paths.CLOSURE_SHAPES,
        calibration=paths.CLOSURE_CALIBRATION,
    log:
        paths.log("closure", "{reweighting}/{classifier}"),
    benchmark:
        paths.benchmark("closure", "{reweighting}/{classifier}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("closure", options.closure),
    shell:
        call("closure", "{input.weights:q} --output {output.closure:q}")


rule closure_table:
    """Collect the closure of all classifiers and observables."""
    input:
        targets.classifiers(paths.CLOSURE),
    output:
        paths.CLOSURE_TABLE,
    log:
        paths.log("closure_table"),
    benchmark:
        paths.benchmark("closure_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("closure_table"),
    shell:
        call("closure_table", "{input:q} --output {output:q}")


rule closure_figure:
    """Draw a sample before and after reweighting, beside that of the other generator."""
    input:
        closure=paths.CLOSURE,
        shapes=paths.CLOSURE_SHAPES,
        calibration=paths.CLOSURE_CALIBRATION,
    output:
        **figure(paths.CLOSURE_FIGURE),
    log:
        paths.log("closure_figure", "{reweighting}/{classifier}"),
    benchmark:
        paths.benchmark("closure_figure", "{reweighting}/{classifier}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("closure_figure"),
    shell:
        call("closure_figure", "{input:q} --output {output.image:q}")
