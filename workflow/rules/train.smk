"""The fan-out: train the repeats of each variant on the target problem.

Needs: results/problems/{problem}-{key}.npz and, for a pretrained variant, source models.
Makes: results/repeats/{problem}/{arm}-{key}/{tile}.csv, .history.npz and, unless the config
says otherwise, .predictions.npz; .safetensors if weights are saved. An arm is a variant
or, as in fixed-0@20, a variant that learns from so many rows; a tile some source models ×
some repeats from each, models-01-29-repeats-00-01. Studies with equal jobs share them.
"""


rule train:
    """Train some repeats of a variant, all at once."""
    input:
        problem=problem_of,
        network=ancient(supplied("network_files")),
        trainer=ancient(supplied("trainer_files")),
        checked=ancient(check_of),
        source_models=ancient(source_models_of),
    output:
        scores="results/repeats/{problem}/{arm}-{key}/{tile}.csv",
        history="results/repeats/{problem}/{arm}-{key}/{tile}.history.npz",
        predictions=kept("results/repeats/{problem}/{arm}-{key}/{tile}.predictions.npz"),
    log:
        "logs/repeats/{problem}/{arm}-{key}/{tile}.log",
    benchmark:
        "logs/repeats/{problem}/{arm}-{key}/{tile}.benchmark.tsv"
    wildcard_constraints:
        arm=either(ARMS - SAVED),
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=gpus,
        time_limit=time_limit,
    params:
        recipe=recipe,
        weights=[],
        killed=KILLED,
    shell:
        r"""
        python -m thaw.stages.train \
            --key {wildcards.key:q} \
            --recipe {params.recipe:q} \
            --tile {wildcards.tile:q} \
            --problem {input.problem:q} \
            --network {input.network:q} \
            --trainer {input.trainer:q} \
            --time-limit {resources.time_limit} \
            --source-models {input.source_models:q} \
            --weights {params.weights:q} \
            --scores {output.scores:q} \
            --history {output.history:q} \
            --predictions {output.predictions:q} \
            2>{log:q} \
            || {{ status=$?; [ $status -ne 137 ] || echo {params.killed:q} >>{log:q}; exit $status; }}
        """


use rule train as train_and_save with:
    """Train some repeats of a variant with `save: weights`, and keep the weights."""
    output:
        scores="results/repeats/{problem}/{arm}-{key}/{tile}.csv",
        history="results/repeats/{problem}/{arm}-{key}/{tile}.history.npz",
        predictions=kept("results/repeats/{problem}/{arm}-{key}/{tile}.predictions.npz"),
        weights="results/repeats/{problem}/{arm}-{key}/{tile}.safetensors",
    wildcard_constraints:
        arm=either(SAVED),
    params:
        recipe=recipe,
        weights=lambda wildcards, output: output.weights,
        killed=KILLED,
