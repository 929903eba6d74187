rule distributions:
    """Draw the distributions of all network inputs, signals against each process."""
    input:
        targets.every_sample(paths.DATASET),
    output:
        table=paths.DISTRIBUTIONS_TABLE,
        figures=figures(paths.DISTRIBUTIONS),
    log:
        paths.log("distributions"),
    benchmark:
        paths.benchmark("distributions")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("distributions"),
    shell:
        call("distributions", "{input:q} --figures {output.figures:q} --output {output.table:q}")


rule roc_figure:
    """Draw the ROC curves of all networks for one signal, median and range over the seeds."""
    input:
        targets.trainings_of_signal(paths.METRICS),
    output:
        **figure(paths.ROC_FIGURE),
    log:
        paths.log("roc_figure", "{signal}"),
    benchmark:
        paths.benchmark("roc_figure", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("roc_figure", options.coloured),
    shell:
        call("roc_figure", "{input:q} --output {output.image:q}")


rule limits_figure:
    """Draw the limits of all networks against m_H, beside published ones."""
    input:
        paths.LIMITS_TABLE,
    output:
        **figure(paths.LIMITS_FIGURE),
    log:
        paths.log("limits_figure"),
    benchmark:
        paths.benchmark("limits_figure")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("limits_figure", options.limits_figure),
    shell:
        call("limits_figure", "--table {input:q} --output {output.image:q}")


rule cls_figure:
    """Draw the expected CLs limits of one network with their ±1σ and ±2σ bands."""
    input:
        paths.LIMITS_TABLE,
    output:
        **figure(paths.CLS_FIGURE),
    log:
        paths.log("cls_figure", "{network}"),
    benchmark:
        paths.benchmark("cls_figure", "{network}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("cls_figure", options.cls_figure),
    shell:
        call("cls_figure", "--table {input:q} --output {output.image:q}")


rule dependence_figure:
    """Draw the limit on one signal against background kept, luminosity or sample size."""
    input:
        lambda wildcards: DEPENDENCES[wildcards.kind][1],
    output:
        **figure(paths.DEPENDENCE_FIGURE),
    log:
        paths.log("dependence_figure", "{kind}/{signal}"),
    benchmark:
        paths.benchmark("dependence_figure", "{kind}/{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("dependence_figure", options.dependence_figure),
    shell:
        call("dependence_figure", "--table {input:q} --output {output.image:q}")


rule training_figure:
    """Draw the learning curves of all networks for one signal."""
    input:
        targets.histories,
    output:
        **figure(paths.TRAINING_FIGURE),
    log:
        paths.log("training_figure", "{signal}"),
    benchmark:
        paths.benchmark("training_figure", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("training_figure", options.training_figure),
    shell:
        call("training_figure", "--output {output.image:q}")


rule event_display:
    """Draw one event of a sample: constituents, subjets and orientation of both fat jets."""
    input:
        paths.nominal(paths.DATASET),
    output:
        **figure(paths.EVENT_DISPLAY),
    log:
        paths.log("event_display", "{sample}"),
    benchmark:
        paths.benchmark("event_display", "{sample}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("event_display", flags(radius=cfg.reconstruction.fatjets.radius)),
    shell:
        call("event_display", "{input:q} --output {output.image:q}")


rule subjet_scan:
    """Scan algorithms and radii of subjets in the Higgs jets of one signal."""
    input:
        targets.local_sources,
    output:
        **figure(paths.SUBJET_SCAN),
    log:
        paths.log("subjet_scan", "{signal}"),
    benchmark:
        paths.benchmark("subjet_scan", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("subjet_scan", options.subjets),
    shell:
        call("subjet_scan", "--output {output.image:q}")


rule subjet_tree:
    """Draw the minimum spanning tree of a Higgs jet of one signal, and its dendrogram."""
    input:
        targets.local_sources,
    output:
        **figure(paths.SUBJET_TREE),
    log:
        paths.log("subjet_tree", "{signal}"),
    benchmark:
        paths.benchmark("subjet_tree", "{signal}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("subjet_tree", options.subjets),
    shell:
        call("subjet_tree", "--output {output.image:q}")


rule jet_images:
    """Draw mean images of the leading fat jets, before and after orientation."""
    input:
        targets.every_sample(paths.DATASET),
    output:
        **figure(paths.JET_IMAGES),
    log:
        paths.log("jet_images"),
    benchmark:
        paths.benchmark("jet_images")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("jet_images"),
    shell:
        call("jet_images", "{input:q} --output {output.image:q}")


rule theta_correlation:
    """Draw the correlation of the orientation angles with all other quantities."""
    input:
        targets.every_sample(paths.DATASET),
    output:
        **figure(paths.THETA_CORRELATION),
    log:
        paths.log("theta_correlation"),
    benchmark:
        paths.benchmark("theta_correlation")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("theta_correlation"),
    shell:
        call("theta_correlation", "{input:q} --output {output.image:q}")
