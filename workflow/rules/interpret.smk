rule interpret:
    """Look into one trained network: attention, Grad-CAM, similarity of layers, shuffled inputs."""
    input:
        datasets=targets.datasets,
        model=targets.model(folds=[0]),
    output:
        directory(paths.INTERPRETATION),
    log:
        paths.log("interpret", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("interpret", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("interpret", options.interpret, options.network),
    shell:
        call("interpret", "{input.datasets:q} --output {output:q}")


# One rule per view, since each has a caption of its own.
for view in VIEWS:

    rule:
        """Draw what one trained network looks at."""
        name:
            f"{view}_figure"
        input:
            paths.INTERPRETATION,
        output:
            **figure(paths.INTERPRETATION_FIGURE, view=view),
        log:
            paths.log(f"{view}_figure", "{network}/{signal}/{seed}"),
        benchmark:
            paths.benchmark(f"{view}_figure", "{network}/{signal}/{seed}")
        conda:
            "../../envs/boosted-hh4b.yaml"
        params:
            **params("interpretation_figure", options.view_figure(view)),
        shell:
            call("interpretation_figure", "{input:q} --output {output.image:q}")
