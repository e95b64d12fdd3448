"""The fan-out: train the repeats of each variant on the target problem.

Needs: results/problems/{target}.npz and, for a pretrained variant, the source models.
Makes: results/{study}/{variant}/repeats-{first}-{last}.csv and .history.npz, a pair a
job; `repeats_per_job` says how many repeats a job trains.
"""


rule train:
    """Train some repeats of a variant, all at once."""
    input:
        problem=problem_of("target"),
        source_models=source_models_of,
        code=code("train"),
    output:
        scores="results/{study}/{variant}/repeats-{first}-{last}.csv",
        history="results/{study}/{variant}/repeats-{first}-{last}.history.npz",
    log:
        "logs/{study}/{variant}/repeats-{first}-{last}.log",
    benchmark:
        "logs/{study}/{variant}/repeats-{first}-{last}.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=train_settings,
    shell:
        r"""
        python -m thaw.stages.train \
            --settings {params.settings:q} \
            --study {wildcards.study:q} \
            --variant {wildcards.variant:q} \
            --first {wildcards.first:q} \
            --last {wildcards.last:q} \
            --problem {input.problem:q} \
            --scores {output.scores:q} \
            --history {output.history:q} \
            --source-models {input.source_models:q} \
            2>{log:q}
        """
