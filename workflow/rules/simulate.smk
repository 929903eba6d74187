rule simulate:
    """Make events with Pythia 8 or from files, and measure them with the detector, or Delphes."""
    input:
        targets.event_files,
    output:
        root=paths.SAMPLE_FILE,
        metadata=paths.SAMPLE_METADATA,
    log:
        paths.log("simulate", "{variation}{sample}/{chunk}"),
    benchmark:
        paths.benchmark("simulate", "{variation}{sample}/{chunk}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("simulate", options.simulate),
    shell:
        call("simulate", "--output {output.root:q} --metadata {output.metadata:q}")
