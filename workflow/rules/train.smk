rule train:
    """Train one network with one seed, once per fold; interrupted trainings resume where they were."""
    input:
        event_samples,
    output:
        weights=expand(
            f"{paths.MODEL}/model.safetensors", fold=FOLDS, allow_missing=True
        ),
        metadata=expand(f"{paths.MODEL}/model.json", fold=FOLDS, allow_missing=True),
        history=expand(f"{paths.MODEL}/history.csv", fold=FOLDS, allow_missing=True),
    log:
        f"{paths.LOGS}/train/{{network}}/{{masses}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/train/{{network}}/{{masses}}/{{seed}}.tsv"
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
        folder=lambda wildcards: paths.TRAINING.format(**wildcards),
    message:
        "Training {wildcards.network} on {wildcards.masses}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" train {input:q} --network {params.network:q}'
        " --training {params.training:q} --dataset {params.dataset:q} --seed {wildcards.seed}"
        " --output {params.folder:q} > {log:q} 2>&1"


rule score:
    """Score every event with the network that has not seen it."""
    input:
        datasets=event_samples,
        weights=model_files("model.safetensors"),
        metadata=model_files("model.json"),
    output:
        paths.SCORES,
    log:
        f"{paths.LOGS}/score/{{network}}/{{signal}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/score/{{network}}/{{signal}}/{{seed}}.tsv"
    wildcard_constraints:
        network=one_of(SEPARATE),
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        mem_mb=2000,
        gpu=gpus(cfg.training),
    params:
        code=network_code("score"),
        dataset=cfg.dataset.model_dump_json(),
        luminosity=cfg.luminosity_fb,
        accelerator=cfg.training.accelerator,
        folder=training_folder,
        outputs=lambda wildcards, output: [f"--output={path}" for path in output],
        # Not {threads}, which `--cores` bounds: sums differ in the last bit with it.
        threads=cfg.training.threads,
    message:
        "Scoring {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" score {input.datasets:q} --model {params.folder:q}'
        " --dataset {params.dataset:q} --seed {wildcards.seed} --threads {params.threads}"
        " --accelerator {params.accelerator} --luminosity {params.luminosity}"
        " {params.outputs:q} > {log:q} 2>&1"


# One job for all signals that a training serves.
use rule score as score_joint with:
    output:
        expand(paths.SCORES, signal=SIGNALS, allow_missing=True),
    log:
        f"{paths.LOGS}/score/{{network}}/{ALL_MASSES}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/score/{{network}}/{ALL_MASSES}/{{seed}}.tsv"
    wildcard_constraints:
        network=one_of(JOINT),
    message:
        "Scoring {wildcards.network} on all signals, seed {wildcards.seed}"
