rule interpret:
    """Look into one trained network: attention, Grad-CAM, similarity of layers, shuffled inputs."""
    input:
        datasets=event_samples,
        weights=model_files("model.safetensors", folds=[0]),
        metadata=model_files("model.json", folds=[0]),
    output:
        directory(paths.INTERPRETATION),
    log:
        f"{paths.LOGS}/interpret/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/interpret/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=network_code("interpret"),
        dataset=cfg.dataset.model_dump_json(),
        config=interpretation_block,
        folder=training_folder,
    message:
        "Looking into {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" interpret {input.datasets:q} --model {params.folder:q}'
        " --dataset {params.dataset:q} --config {params.config:q} --seed {wildcards.seed}"
        " --threads {threads} --output {output:q} > {log:q} 2>&1"


# One rule per view, since each has a caption of its own.
for view in VIEWS:

    rule:
        name:
            f"{view}_figure"
        input:
            paths.INTERPRETATION,
        output:
            report(
                f"{paths.INTERPRETATION_FIGURE}.png".replace("{view}", view),
                caption=f"../report/{view}.rst",
                category="Interpretation",
                labels={
                    "network": "{network}",
                    "signal": "{signal}",
                    "seed": "{seed}",
                    "view": view.replace("_", " "),
                },
            ),
            f"{paths.INTERPRETATION_FIGURE}.pdf".replace("{view}", view),
            f"{paths.INTERPRETATION_FIGURE}.csv".replace("{view}", view),
        log:
            f"{paths.LOGS}/{view}_figure/{{network}}/{{signal}}/{{seed}}.log",
        benchmark:
            f"{paths.BENCHMARKS}/{view}_figure/{{network}}/{{signal}}/{{seed}}.tsv"
        conda:
            "../../envs/boosted-hh4b.yaml"
        threads: 1
        resources:
            mem_mb=1000,
        params:
            code=source_digest("interpretation_figure"),
            view=view,
            title=interpretation_title,
            stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
        message:
            "Drawing what {wildcards.network} looks at on {wildcards.signal}, seed {wildcards.seed}"
        shell:
            'python -P "$BOOSTED_HH4B_JOB" interpretation_figure {input:q} --view {params.view}'
            " --title {params.title:q} --output {params.stem:q} > {log:q} 2>&1"
