rule page:
    """Show all results on one page that needs no network: what a person opens first."""
    input:
        products=targets.products(),
        summary=paths.LIMITS_SUMMARY,
        normalisations=targets.every_sample(paths.NORMALISATION),
        tag_maps=targets.tag_maps,
    output:
        paths.PAGE,
    log:
        paths.log("page"),
    benchmark:
        paths.benchmark("page")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("page", flags(config=cfg)),
    shell:
        call("page", "{input.products:q} --output {output:q}")
