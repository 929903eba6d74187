rule simulate:
    """Generate events with Pythia 8 and measure them with the parametric detector, or Delphes."""
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
