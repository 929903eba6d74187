# `snakemake jets` makes these alone; with tasks they are among the products of a run, too.
rule jets:
    """Train and compare the taggers of single fat jets."""
    input:
        jet_products(),


rule top_tagging:
    """Turn one public top-tagging file into tensors of single jets."""
    input:
        lambda wildcards: expanded(getattr(cfg.jets.top_tagging, wildcards.side)),
    output:
        paths.TOP_TAGGING,
    log:
        f"{paths.LOGS}/top_tagging/{{side}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/top_tagging/{{side}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=source_digest("top_tagging"),
        subjets=cfg.reconstruction.subjets.model_dump_json(),
        options=top_tagging_options,
    message:
        "Reading the {wildcards.side} jets of the public top-tagging files"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" top_tagging {input:q} --subjets {params.subjets:q}'
        " {params.options} --output {output:q} > {log:q} 2>&1"


rule train_jets:
    """Train one tagger of single fat jets with one seed."""
    input:
        jet_sources,
    output:
        weights=f"{paths.JETS_MODEL}/model.safetensors",
        metadata=f"{paths.JETS_MODEL}/model.json",
        history=f"{paths.JETS_MODEL}/history.csv",
    log:
        f"{paths.LOGS}/train_jets/{{task}}/{{tagger}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/train_jets/{{task}}/{{tagger}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.jets.training.threads
    resources:
        mem_mb=training_memory(cfg.jets.training),
        gpu=gpus(cfg.jets.training),
    params:
        code=tagger_code("train_jets"),
        tagger=lambda wildcards: cfg.jets.tagger(wildcards.tagger).model_dump_json(),
        training=cfg.jets.training.model_dump_json(exclude={"seeds"}),
        dataset=cfg.dataset.model_dump_json(),
        options=jet_options,
        folder=lambda wildcards, output: str(Path(output.weights).parent),
    message:
        "Training the tagger {wildcards.tagger} for {wildcards.task}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" train_jets {input:q} --tagger {params.tagger:q}'
        " --training {params.training:q} --dataset {params.dataset:q} {params.options:q}"
        " --seed {wildcards.seed} --output {params.folder:q} > {log:q} 2>&1"


rule evaluate_jets:
    """Evaluate one tagger of single fat jets on test jets."""
    input:
        jet_sources,
        weights=f"{paths.JETS_MODEL}/model.safetensors",
        metadata=f"{paths.JETS_MODEL}/model.json",
    output:
        paths.JETS_METRICS,
    log:
        f"{paths.LOGS}/evaluate_jets/{{task}}/{{tagger}}/{{seed}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/evaluate_jets/{{task}}/{{tagger}}/{{seed}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.jets.training.threads
    resources:
        mem_mb=2000,
        gpu=gpus(cfg.jets.training),
    params:
        code=tagger_code("evaluate_jets"),
        dataset=cfg.dataset.model_dump_json(),
        options=jet_options,
        sources=lambda wildcards, input: input[:-2],
        folder=lambda wildcards, input: str(Path(input.weights).parent),
        threads=cfg.jets.training.threads,  # not {threads}, which `--cores` bounds
    message:
        "Evaluating the tagger {wildcards.tagger} for {wildcards.task}, seed {wildcards.seed}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" evaluate_jets {params.sources:q} --model {params.folder:q}'
        " --dataset {params.dataset:q} {params.options:q} --seed {wildcards.seed}"
        " --threads {params.threads} --output {output:q} > {log:q} 2>&1"


rule jets_table:
    """Collect the metrics of all taggers of single fat jets."""
    input:
        every_tagger(),
    output:
        paths.JETS_TABLE,
    log:
        f"{paths.LOGS}/jets_table.log",
    benchmark:
        f"{paths.BENCHMARKS}/jets_table.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("jets_table"),
    message:
        "Collecting the taggers of single jets"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" jets_table {input:q} --output {output:q} > {log:q} 2>&1'


rule jets_figure:
    """Draw the ROC curves of all taggers of single fat jets for one task."""
    input:
        lambda wildcards: every_tagger(task=wildcards.task),
    output:
        report(
            f"{paths.JETS_FIGURE}.png",
            caption="../report/jets.rst",
            category="Jets",
            labels={"task": "{task}"},
        ),
        f"{paths.JETS_FIGURE}.pdf",
        f"{paths.JETS_FIGURE}.csv",
    log:
        f"{paths.LOGS}/jets_figure/{{task}}.log",
    benchmark:
        f"{paths.BENCHMARKS}/jets_figure/{{task}}.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("jets_figure"),
        stem=lambda wildcards, output: str(Path(output[0]).with_suffix("")),
    message:
        "Drawing the ROC curves of the taggers for {wildcards.task}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" jets_figure {input:q} --output {params.stem:q}'
        " > {log:q} 2>&1"
