"""Problems: data sets with a task, and with one train/test split or a pool of rows.

Needs: `problems` of the config, and the files that they name.
Makes: results/problems/{problem}-{key}.npz and, of a study's target,
results/overlaps/{problem}-{key}.json; training waits for it if the target says
`overlap: error`.
"""


rule make_problem:
    """Read or generate a problem's data, check them and split them."""
    input:
        files=made_from("files"),
        joined=made_from("joined"),
        source=made_from("source"),
        like=made_from("like"),
    output:
        "results/problems/{problem}-{key}.npz",
    log:
        "logs/problems/{problem}-{key}.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
    params:
        recipe=recipe,
        # Not in the key, because another metric does not change the problem.
        asked=lambda wildcards: canonical(PLAN.asked_of(wildcards.key)),
    shell:
        r"""
        python -m thaw.stages.make_problem \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --files {input.files:q} \
            --joined {input.joined:q} \
            --source {input.source:q} \
            --like {input.like:q} \
            --asked {params.asked:q} \
            --output {output:q} \
            2>{log:q}
        """


rule check_overlap:
    """Look for test rows of a target among the train rows that networks learn from."""
    input:
        target=compared("target"),
        source=compared("source"),
    output:
        "results/overlaps/{problem}-{key}.json",
    log:
        "logs/overlaps/{problem}-{key}.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        recipe=recipe,
    shell:
        r"""
        python -m thaw.stages.check_overlap \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --target {input.target:q} \
            --source {input.source:q} \
            --output {output:q} \
            2>{log:q}
        """
