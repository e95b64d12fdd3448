"""The jobs whose results lie under a key: problems, checks, source models, repeats.

The plan knows from which files each is made (`inputs`), and its recipe (`keyed_job`).
`docs/files.md` says what each file holds. A tile is named after its content: some source
models, models-01-29, and some repeats from each, models-01-29-repeats-00-01. An arm is a
variant or, as in fixed-0@20, a variant that learns from so many rows. A rule that is
derived from a local one is not local by itself.
"""


rule make_problem:
    """Read or generate a problem's data, check them and split them."""
    input:
        unpack(inputs),
    output:
        problem="results/problems/{problem}-{key}.npz",
    log:
        "logs/problems/{problem}-{key}.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    resources:
        mem_mb=memory,
        gpu=lambda wildcards: PLAN.gpus(wildcards.key),
    params:
        job=keyed_job,
    shell:
        JOB


use rule make_problem as check_overlap with:
    """Look for test rows of a target among the train rows that networks learn from."""
    output:
        rows="results/overlaps/{problem}-{key}.json",
    log:
        "logs/overlaps/{problem}-{key}.log",
    localrule: True


use rule make_problem as check_network with:
    """Check that a network, or a trainer, fits its study; all training waits for it."""
    output:
        rows="results/networks/{study}-{key}.json",
    log:
        "logs/networks/{study}-{key}.log",


use rule make_problem as pretrain with:
    """Pretrain some source models, all at once."""
    output:
        weights="results/source-models/{problem}-{key}/{tile}.safetensors",
        scores="results/source-models/{problem}-{key}/{tile}.csv",
        history="results/source-models/{problem}-{key}/{tile}.history.npz",
        predictions=["results/source-models/{problem}-{key}/{tile}.predictions.npz"]
        * PLAN.predictions,
    log:
        "logs/source-models/{problem}-{key}/{tile}.log",


use rule make_problem as read_checkpoints with:
    """Read a source model from its files with pretrained weights."""
    output:
        weights="results/source-models/checkpoints-{key}/{tile}.safetensors",
    log:
        "logs/source-models/checkpoints-{key}/{tile}.log",
    localrule: True


use rule make_problem as transferability with:
    """Score a study's source models on the target's rows, without training anything."""
    output:
        rows="results/transferability/{problem}-{key}.json",
    log:
        "logs/transferability/{problem}-{key}.log",


use rule make_problem as train with:
    """Train some repeats of a variant, all at once."""
    output:
        scores="results/repeats/{problem}/{arm}-{key}/{tile}.csv",
        history="results/repeats/{problem}/{arm}-{key}/{tile}.history.npz",
        predictions=["results/repeats/{problem}/{arm}-{key}/{tile}.predictions.npz"]
        * PLAN.predictions,
    log:
        "logs/repeats/{problem}/{arm}-{key}/{tile}.log",
    wildcard_constraints:
        arm=any_of(ARMS - SAVED),


use rule train as train_and_save with:
    """Train such repeats and keep their weights, as a variant's `save` says."""
    output:
        scores="results/repeats/{problem}/{arm}-{key}/{tile}.csv",
        history="results/repeats/{problem}/{arm}-{key}/{tile}.history.npz",
        predictions=["results/repeats/{problem}/{arm}-{key}/{tile}.predictions.npz"]
        * PLAN.predictions,
        weights="results/repeats/{problem}/{arm}-{key}/{tile}.safetensors",
    wildcard_constraints:
        arm=any_of(SAVED),
