"""Source models: networks pretrained on the source problem.

Needs: results/problems/{problem}-{key}.npz, and that of each target, which must have
passed its checks.
Makes: results/source-models/{problem}-{key}/models-{first}-{last}.safetensors, .csv and
.history.npz, three files a job; of those that are files with pretrained weights,
results/source-models/checkpoints-{key}/models-00-{last}.safetensors.
"""


rule pretrain:
    """Pretrain some source models, all at once."""
    input:
        problem=problem_of,
        network=ancient(supplied("network_files")),
        trainer=ancient(supplied("trainer_files")),
        targets=ancient(targets_of),
    output:
        models="results/source-models/{problem}-{key}/models-{first}-{last}.safetensors",
        scores="results/source-models/{problem}-{key}/models-{first}-{last}.csv",
        history="results/source-models/{problem}-{key}/models-{first}-{last}.history.npz",
    log:
        "logs/source-models/{problem}-{key}/models-{first}-{last}.log",
    benchmark:
        "logs/source-models/{problem}-{key}/models-{first}-{last}.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=gpus,
    params:
        recipe=recipe,
        killed=KILLED,
    shell:
        r"""
        python -m thaw.stages.pretrain \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --first {wildcards.first:q} \
            --last {wildcards.last:q} \
            --problem {input.problem:q} \
            --network {input.network:q} \
            --trainer {input.trainer:q} \
            --output {output.models:q} \
            --scores {output.scores:q} \
            --history {output.history:q} \
            2>{log:q} \
            || {{ status=$?; [ $status -ne 137 ] || echo {params.killed:q} >>{log:q}; exit $status; }}
        """


rule read_checkpoints:
    """Read source models from files with pretrained weights."""
    input:
        problem=ancient(results_of("target_file")),
        network=ancient(supplied("network_files")),
        files=ancient(supplied("checkpoints")),
    output:
        "results/source-models/checkpoints-{key}/models-00-{last}.safetensors",
    log:
        "logs/source-models/checkpoints-{key}/models-00-{last}.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        recipe=recipe,
    shell:
        r"""
        python -m thaw.stages.read_checkpoints \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --problem {input.problem:q} \
            --network {input.network:q} \
            --files {input.files:q} \
            --output {output:q} \
            2>{log:q}
        """
