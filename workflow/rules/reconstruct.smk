rule reconstruct:
    """Cluster, orient and select the events of one Delphes file; count them at each cut."""
    input:
        targets.local_file,
    output:
        events=paths.EVENTS,
        cutflow=paths.CUTFLOW,
    log:
        paths.log("reconstruct", "{variation}{sample}/{chunk}"),
    benchmark:
        paths.benchmark("reconstruct", "{variation}{sample}/{chunk}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("reconstruct", options.reconstruct),
    shell:
        call("reconstruct", "--events {output.events:q} --cutflow {output.cutflow:q}")


rule normalise:
    """Merge the cut flows of a sample's files; find what an event of it weighs."""
    input:
        cutflows=targets.of_chunks(paths.CUTFLOW),
        metadata=targets.simulation_metadata,
    output:
        paths.NORMALISATION,
    log:
        paths.log("normalise", "{variation}{sample}"),
    benchmark:
        paths.benchmark("normalise", "{variation}{sample}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("normalise", options.normalise),
    shell:
        call("normalise", "--output {output:q}")


rule tag_map:
    """Measure the tag probabilities of a process's fat jets, and their closure."""
    input:
        events=targets.events_of_process,
        normalisations=targets.normalisations_of_process,
    output:
        paths.TAG_MAP,
    log:
        paths.log("tag_map", "{process}"),
    benchmark:
        paths.benchmark("tag_map", "{process}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("tag_map", options.tag_map),
    shell:
        call("tag_map", "--output {output:q}")


rule dataset:
    """Pad and weight the events of one sample: the tensors that networks read."""
    input:
        events=targets.of_chunks(paths.EVENTS),
        normalisation=paths.NORMALISATION,
        tag_map=targets.tag_map,
    output:
        paths.DATASET,
    log:
        paths.log("dataset", "{variation}{sample}"),
    benchmark:
        paths.benchmark("dataset", "{variation}{sample}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("dataset", options.dataset),
    shell:
        call("dataset", "--normalisation {input.normalisation:q} --output {output:q}")


rule cutflow:
    """Collect the cut flows of all samples, raw and weighted to the luminosity.

    Before any training: it finds samples that share events.
    """
    input:
        targets.every_sample(paths.NORMALISATION, paths.DATASET),
    output:
        **figure(paths.N_MINUS_ONE),
        rows=paths.CUTFLOW_TABLE,
        removed=paths.N_MINUS_ONE_TABLE,
    log:
        paths.log("cutflow"),
    benchmark:
        paths.benchmark("cutflow")
    priority: 2
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("cutflow", options.cutflow),
    shell:
        call("cutflow", "--output {output.rows:q}")
