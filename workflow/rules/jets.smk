# `snakemake jets` makes these alone; with tasks they are among the products of a run, too.
rule jets:
    """Train and compare the taggers of single fat jets."""
    input:
        targets.jet_products(),


rule top_tagging:
    """Turn one public top-tagging file into tensors of single jets."""
    input:
        targets.public_jets,
    output:
        paths.TOP_TAGGING,
    log:
        paths.log("top_tagging", "{split}"),
    benchmark:
        paths.benchmark("top_tagging", "{split}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("top_tagging", options.top_tagging),
    shell:
        call("top_tagging", "{input:q} --output {output:q}")


rule train_jets:
    """Train one tagger of single fat jets with one seed."""
    input:
        targets.jet_sources,
    output:
        TAGGER_FILES,
    log:
        paths.log("train_jets", "{task}/{tagger}/{seed}"),
    benchmark:
        paths.benchmark("train_jets", "{task}/{tagger}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.jets.training.threads
    resources:
        **resources(cfg.jets.training),
    params:
        **params("train_jets", options.train_jets, options.tagger),
    shell:
        call("train_jets", "{input:q}")


rule evaluate_jets:
    """Evaluate one tagger of single fat jets on test jets."""
    input:
        unpack(targets.jets_and_model),
    output:
        paths.JETS_METRICS,
    log:
        paths.log("evaluate_jets", "{task}/{tagger}/{seed}"),
    benchmark:
        paths.benchmark("evaluate_jets", "{task}/{tagger}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.jets.training.threads
    resources:
        **resources(cfg.jets.training, of_training=False),
    params:
        **params("evaluate_jets", options.evaluate_jets, options.tagger),
    shell:
        call("evaluate_jets", "{input.sources:q} --output {output:q}")


rule jets_table:
    """Collect the metrics of all taggers of single fat jets."""
    input:
        targets.taggers(cfg.jets.task_names),
    output:
        paths.JETS_TABLE,
    log:
        paths.log("jets_table"),
    benchmark:
        paths.benchmark("jets_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("jets_table"),
    shell:
        call("jets_table", "{input:q} --output {output:q}")


rule jets_figure:
    """Draw the ROC curves of all taggers of single fat jets for one task."""
    input:
        targets.taggers_of_task,
    output:
        **figure(paths.JETS_FIGURE),
    log:
        paths.log("jets_figure", "{task}"),
    benchmark:
        paths.benchmark("jets_figure", "{task}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("jets_figure"),
    shell:
        call("jets_figure", "{input:q} --output {output.image:q}")


rule jet_class:
    """Turn the public JetClass files of one split into tensors of single jets."""
    input:
        targets.jet_class_files,
    output:
        paths.JET_CLASS,
    log:
        paths.log("jet_class", "{split}"),
    benchmark:
        paths.benchmark("jet_class", "{split}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("jet_class", options.jet_class),
    shell:
        call("jet_class", "{input:q} --output {output:q}")


rule evaluate_classes:
    """Evaluate one tagger of several classes on test jets."""
    input:
        unpack(targets.jets_and_model),
    output:
        paths.JETS_CLASSES,
    log:
        paths.log("evaluate_classes", "{task}/{tagger}/{seed}"),
    benchmark:
        paths.benchmark("evaluate_classes", "{task}/{tagger}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.jets.training.threads
    resources:
        **resources(cfg.jets.training, of_training=False),
    params:
        **params("evaluate_classes", options.evaluate_classes, options.tagger),
    shell:
        call("evaluate_classes", "{input.sources:q} --output {output:q}")


rule classes_table:
    """Collect the rejections of all taggers of several classes."""
    input:
        targets.taggers([JET_CLASS], paths.JETS_CLASSES),
    output:
        paths.CLASSES_TABLE,
    log:
        paths.log("classes_table"),
    benchmark:
        paths.benchmark("classes_table")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("classes_table"),
    shell:
        call("classes_table", "{input:q} --output {output:q}")
