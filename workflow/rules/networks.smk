"""User-supplied networks.

Needs: a study's problems, and the function's file, if it is in one.
Makes: results/networks/{study}-{key}.json; all training of such a study waits for it.
"""


rule check_network:
    """Check that a network fits its problems and variants; say which parts learn."""
    input:
        network=ancient(supplied("network_files")),
        source=ancient(results_of("source_file")),
        target=ancient(results_of("target_file")),
        source_models=ancient(results_of("checkpoint_files")),
    output:
        "results/networks/{study}-{key}.json",
    log:
        "logs/networks/{study}-{key}.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        recipe=recipe,
    shell:
        r"""
        python -m thaw.stages.check_network \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --network {input.network:q} \
            --source {input.source:q} \
            --target {input.target:q} \
            --source-models {input.source_models:q} \
            --output {output:q} \
            2>{log:q}
        """
