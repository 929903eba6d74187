# Not among the products of a run: `snakemake onnx` and `snakemake crate` make them.
rule onnx:
    """Export every trained network but boosted trees."""
    input:
        targets.exported,


rule export_onnx:
    """Write the network of the first fold as ONNX, with a model card and reference events."""
    input:
        unpack(targets.datasets_and_model),
        metrics=paths.METRICS,
    output:
        multiext(paths.ONNX.removesuffix(".onnx"), onnx=".onnx", card=".md", events=".npz"),
    log:
        paths.log("export_onnx", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("export_onnx", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    resources:
        mem_mb=4000,
    params:
        **params("export_onnx", options.export_onnx, options.network),
    shell:
        call("export_onnx", "--output {output.onnx:q}")


rule crate:
    """Describe the run and what it made as an RO-Crate, for archives."""
    input:
        targets.products(),
        paths.PAGE,
    output:
        paths.CRATE,
    log:
        paths.log("crate"),
    benchmark:
        paths.benchmark("crate")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("crate", flags(config=cfg)),
    shell:
        call("crate", "{input:q} --output {output:q}")
