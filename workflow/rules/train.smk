rule train:
    """Train one network with one seed; an interrupted training resumes where it was."""
    input:
        training_samples,
    output:
        weights=f"{paths.MODEL}/model.safetensors",
        metadata=f"{paths.MODEL}/model.json",
        history=f"{paths.MODEL}/history.csv",
    log:
        f"{paths.LOGS}/train/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/train/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads * cfg.training.devices
    resources:
        mem_mb=training_memory(cfg.training),
        gpu=gpus(cfg.training, cfg.training.devices),
    params:
        code=network_code("train"),
        network=network_block,
        training=training_block,
        dataset=cfg.dataset.model_dump_json(),
        folder=lambda wildcards, output: str(Path(output.weights).parent),
    message:
        "Training {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" train {input:q} --network {params.network:q}'
        " --training {params.training:q} --dataset {params.dataset:q} --seed {wildcards.seed}"
        " --output {params.folder:q} > {log:q} 2>&1"


rule score:
    """Score the validation and test events of one training with its network."""
    input:
        training_samples,
        weights=f"{paths.MODEL}/model.safetensors",
        metadata=f"{paths.MODEL}/model.json",
    output:
        paths.SCORES,
    log:
        f"{paths.LOGS}/score/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/score/{{network}}/{{signal}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        mem_mb=2000,
        gpu=gpus(cfg.training),
    params:
        code=network_code("score"),
        dataset=cfg.dataset.model_dump_json(),
        datasets=lambda wildcards, input: input[:-2],
        luminosity=cfg.luminosity_fb,
        accelerator=cfg.training.accelerator,
        folder=lambda wildcards, input: str(Path(input.weights).parent),
        # Not {threads}, which `--cores` bounds: sums differ in the last bit with it.
        threads=cfg.training.threads,
    message:
        "Scoring {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" score {params.datasets:q} --model {params.folder:q}'
        " --dataset {params.dataset:q} --seed {wildcards.seed} --threads {params.threads}"
        " --accelerator {params.accelerator} --luminosity {params.luminosity}"
        " --output {output:q} > {log:q} 2>&1"
