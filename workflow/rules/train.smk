def training_samples(wildcards):
    """The datasets that one training sees: its signal and all backgrounds."""
    names = [wildcards.signal, *(sample.name for sample in cfg.backgrounds)]
    return expand(paths.DATASET, sample=names)


def network_block(wildcards):
    return cfg.network(wildcards.network).model_dump_json()


def network_code(script):
    """The sources behind `script` and behind the wildcard's architecture."""

    def digest(wildcards):
        return source_digest(script, module_of(cfg.network(wildcards.network)))

    return digest


# The seeds are one job each: no training depends on which others are run.
training_block = cfg.training.model_dump_json(exclude={"seeds"})


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
    params:
        code=network_code("train"),
        network=network_block,
        training=training_block,
        dataset=cfg.dataset.model_dump_json(),
        folder=lambda wildcards, output: str(Path(output.weights).parent),
    threads: cfg.training.threads
    resources:
        mem_mb=4000,
    message:
        "Training {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        "python -m workflow.scripts.train {input:q} --network {params.network:q}"
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
    params:
        code=network_code("score"),
        dataset=cfg.dataset.model_dump_json(),
        datasets=lambda wildcards, input: input[:-2],
        folder=lambda wildcards, input: str(Path(input.weights).parent),
    threads: cfg.training.threads
    resources:
        mem_mb=4000,
    message:
        "Scoring {wildcards.network} on {wildcards.signal}, seed {wildcards.seed}"
    shell:
        "python -m workflow.scripts.score {params.datasets:q} --model {params.folder:q}"
        " --dataset {params.dataset:q} --seed {wildcards.seed} --threads {threads}"
        " --output {output:q} > {log:q} 2>&1"
