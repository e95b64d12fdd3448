"""Source models: networks pretrained on the source problem.

Needs: results/problems/{source}.npz.
Makes: results/{study}/source-models.safetensors, their scores, histories and learning
curves.
"""


rule pretrain:
    """Pretrain all source models of a study, as one ensemble."""
    input:
        problem=problem_of("source"),
        code=code("pretrain"),
    output:
        models="results/{study}/source-models.safetensors",
        scores="results/{study}/source-models.csv",
        history="results/{study}/source-models.history.npz",
    log:
        "logs/{study}/pretrain.log",
    benchmark:
        "logs/{study}/pretrain.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=pretrain_settings,
    shell:
        r"""
        python -m thaw.stages.pretrain \
            --settings {params.settings:q} \
            --problem {input.problem:q} \
            --output {output.models:q} \
            --scores {output.scores:q} \
            --history {output.history:q} \
            2>{log:q}
        """


rule plot_source_models:
    """Draw the source models' learning curves."""
    input:
        history="results/{study}/source-models.history.npz",
        code=code("plot_source_models"),
    output:
        "results/{study}/source-models.svg",
        "results/{study}/source-models.png",
    log:
        "logs/{study}/plot_source_models.log",
    benchmark:
        "logs/{study}/plot_source_models.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=source_settings,
    shell:
        r"""
        python -m thaw.stages.plot_source_models \
            --settings {params.settings:q} \
            --history {input.history:q} \
            --output {output:q} \
            2>{log:q}
        """
