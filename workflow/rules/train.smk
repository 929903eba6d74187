rule train:
    """Train one network with one seed, once per fold; interrupted trainings resume where they were."""
    input:
        targets.datasets,
    output:
        targets.trained,
    log:
        paths.log("train", "{network}/{masses}/{seed}"),
    benchmark:
        paths.benchmark("train", "{network}/{masses}/{seed}")
    priority: 1
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads * cfg.training.devices
    resources:
        **resources(cfg.training),
    params:
        **params("train", options.train, options.network),
    shell:
        call("train", "{input:q}")


rule score:
    """Score every event with the network that has not seen it."""
    input:
        unpack(targets.datasets_and_model),
    output:
        targets.one_signal(paths.SCORES),
    log:
        paths.log("score", "{variation}{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("score", "{variation}{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        **resources(cfg.training, of_training=False),
    params:
        **params("score", options.score, options.network),
    shell:
        call("score", "{input.datasets:q}")


rule score_joint:
    """Score every event of all signals with the network that serves them."""
    input:
        unpack(targets.datasets_and_model),
    output:
        targets.all_signals(paths.SCORES),
    log:
        paths.log("score", "{variation}{network}/all/{seed}"),
    benchmark:
        paths.benchmark("score", "{variation}{network}/all/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        **resources(cfg.training, of_training=False),
    params:
        **params("score", options.score, options.network),
    shell:
        call("score", "{input.datasets:q}")


rule mix:
    """Score mixed events, which tell the tail of a background."""
    input:
        unpack(targets.mixed_and_model),
    output:
        targets.one_signal(paths.MIXED),
    log:
        paths.log("mix", "{network}/{signal}/{seed}"),
    benchmark:
        paths.benchmark("mix", "{network}/{signal}/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        **resources(cfg.training, of_training=False),
    params:
        **params("mix", options.mix, options.network),
    shell:
        call("mix", "{input.datasets:q}")


rule mix_joint:
    """Score mixed events for all signals with the network that serves them."""
    input:
        unpack(targets.mixed_and_model),
    output:
        targets.all_signals(paths.MIXED),
    log:
        paths.log("mix", "{network}/all/{seed}"),
    benchmark:
        paths.benchmark("mix", "{network}/all/{seed}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: cfg.training.threads
    resources:
        **resources(cfg.training, of_training=False),
    params:
        **params("mix", options.mix, options.network),
    shell:
        call("mix", "{input.datasets:q}")
