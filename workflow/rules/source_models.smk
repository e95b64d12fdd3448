"""Source models: networks pretrained on the source problem.

Needs: results/problems/{problem}-{key}.npz, and that of each target, which must have
passed its checks.
Makes: results/source-models/{problem}-{key}/{tile}.safetensors, .csv, .history.npz and
.predictions.npz, the files of a job; for a file with pretrained weights,
results/source-models/checkpoints-{key}/{tile}.safetensors. A tile is named after its
content: models-01-29. For a study that ranks sources,
results/transferability/{problem}-{key}.json.
"""


rule pretrain:
    """Pretrain some source models, all at once."""
    input:
        problem=problem_of,
        network=ancient(supplied("network_files")),
        trainer=ancient(supplied("trainer_files")),
        targets=ancient(targets_of),
    output:
        models="results/source-models/{problem}-{key}/{tile}.safetensors",
        scores="results/source-models/{problem}-{key}/{tile}.csv",
        history="results/source-models/{problem}-{key}/{tile}.history.npz",
        predictions=kept("results/source-models/{problem}-{key}/{tile}.predictions.npz"),
    log:
        "logs/source-models/{problem}-{key}/{tile}.log",
    benchmark:
        "logs/source-models/{problem}-{key}/{tile}.benchmark.tsv"
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
        python -m thaw.stages.pretrain \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --tile {wildcards.tile:q} \
            --problem {input.problem:q} \
            --network {input.network:q} \
            --trainer {input.trainer:q} \
            --time-limit {resources.time_limit} \
            --output {output.models:q} \
            --scores {output.scores:q} \
            --history {output.history:q} \
            --predictions {output.predictions:q} \
            2>{log:q} \
            || {{ status=$?; [ $status -ne 137 ] || echo {params.killed:q} >>{log:q}; exit $status; }}
        """


rule read_checkpoints:
    """Read a source model from its files with pretrained weights."""
    input:
        problem=ancient(results_of("target_file")),
        network=ancient(supplied("network_files")),
        file=ancient(lambda wildcards: local(PLAN.checkpoint_of(wildcards.key))),
    output:
        "results/source-models/checkpoints-{key}/{tile}.safetensors",
    log:
        "logs/source-models/checkpoints-{key}/{tile}.log",
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
            --tile {wildcards.tile:q} \
            --file {input.file:q} \
            --output {output:q} \
            2>{log:q}
        """


rule transferability:
    """Score a study's source models on the target's rows, without training anything."""
    input:
        target=compared("target"),
        source=compared("source"),
        network=ancient(supplied("network_files")),
        source_models=ancient(results_of("model_files")),
        checked=ancient(results_of("check_file")),
    output:
        "results/transferability/{problem}-{key}.json",
    log:
        "logs/transferability/{problem}-{key}.log",
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        recipe=recipe,
        killed=KILLED,
    shell:
        r"""
        python -m thaw.stages.transferability \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --target {input.target:q} \
            --source {input.source:q} \
            --network {input.network:q} \
            --source-models {input.source_models:q} \
            --output {output:q} \
            2>{log:q} \
            || {{ status=$?; [ $status -ne 137 ] || echo {params.killed:q} >>{log:q}; exit $status; }}
        """
