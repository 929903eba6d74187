rule page:
    """Show all results on one page that needs no network: what a person opens first."""
    input:
        products=final_products,
        summary=paths.LIMITS_SUMMARY,
        normalisations=expand(paths.NORMALISATION, sample=CHUNKS),
        tag_maps=tag_maps,
    output:
        paths.PAGE,
    log:
        f"{paths.LOGS}/page.log",
    benchmark:
        f"{paths.BENCHMARKS}/page.tsv"
    conda:
        "../../envs/boosted-hh4b.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        code=source_digest("page"),
        config=lambda wildcards: cfg.model_dump_json(),
    message:
        "Writing {output}"
    shell:
        'python -P "$BOOSTED_HH4B_JOB" page {input.products:q} --config {params.config:q}'
        " --output {output:q} > {log:q} 2>&1"
