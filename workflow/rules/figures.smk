"""Figures of a study.

Needs: the study's tables.
Makes: results/{study}/boxplot and learning-curves, each as .svg and .png.
"""


rule plot_boxplot:
    """Draw a study's test accuracies: a box a variant, a point a repeat."""
    input:
        scores="results/{study}/scores.csv",
        code=code("plot_boxplot"),
    output:
        "results/{study}/boxplot.svg",
        "results/{study}/boxplot.png",
    log:
        "logs/{study}/plot_boxplot.log",
    benchmark:
        "logs/{study}/plot_boxplot.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=title_settings,
    shell:
        r"""
        python -m thaw.stages.plot_boxplot \
            --settings {params.settings:q} \
            --scores {input.scores:q} \
            --output {output:q} \
            2>{log:q}
        """


rule plot_learning_curves:
    """Draw a study's learning curves: a line a variant, with a band."""
    input:
        curves="results/{study}/learning-curves.csv",
        code=code("plot_learning_curves"),
    output:
        "results/{study}/learning-curves.svg",
        "results/{study}/learning-curves.png",
    log:
        "logs/{study}/plot_learning_curves.log",
    benchmark:
        "logs/{study}/plot_learning_curves.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=title_settings,
    shell:
        r"""
        python -m thaw.stages.plot_learning_curves \
            --settings {params.settings:q} \
            --curves {input.curves:q} \
            --output {output:q} \
            2>{log:q}
        """
