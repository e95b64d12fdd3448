"""User-supplied networks, and trainers.

Needs: a study's problems, and the function's file, if it is in one, or the trainer's.
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
    wildcard_constraints:
        study=checked_by("check_network"),
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


rule check_trainer:
    """Run a trainer once, briefly, and see that it writes what the study needs."""
    input:
        trainer=ancient(supplied("trainer_files")),
        source=ancient(results_of("source_file")),
        target=ancient(results_of("target_file")),
    output:
        "results/networks/{study}-{key}.json",
    log:
        "logs/networks/{study}-{key}.log",
    wildcard_constraints:
        study=checked_by("check_trainer"),
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=gpus,
        time_limit=time_limit,
    params:
        recipe=recipe,
        killed=KILLED,
    shell:
        r"""
        python -m thaw.stages.check_trainer \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --trainer {input.trainer:q} \
            --time-limit {resources.time_limit} \
            --source {input.source:q} \
            --target {input.target:q} \
            --output {output:q} \
            2>{log:q} \
            || {{ status=$?; [ $status -ne 137 ] || echo {params.killed:q} >>{log:q}; exit $status; }}
        """
