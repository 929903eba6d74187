# Not among the products of a run: `snakemake onnx` makes them.
rule onnx:
    """Export every trained network."""
    input:
        every_training(paths.ONNX),


rule export_onnx:
    """Write the network of the first fold as ONNX, with its preprocessing, and check it against torch."""
    input:
        dataset=lambda wildcards: paths.DATASET.format(sample=wildcards.signal),
        weights=model_files("model.safetensors", folds=[0]),
        metadata=model_files("model.json", folds=[0]),
    output:
        paths.ONNX,
    log:
        f"{paths.LOGS}/export_onnx/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/export_onnx/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=network_code("export_onnx"),
        folder=lambda wildcards, input: str(Path(input.weights[0]).parent),
    message:
        "Exporting {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}, as ONNX"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" export_onnx {params.folder:q} --dataset {input.dataset:q}'
        " --output {output:q} > {log:q} 2>&1"
