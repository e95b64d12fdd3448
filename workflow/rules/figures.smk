"""Figures of a study.

Needs: the study's tables.
Makes: in results/{study}/, each as .svg and .png: boxplot, learning-curves,
differences and, where there are several source models, source-accuracy and
source-spread.
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


rule plot_differences:
    """Draw a study's comparisons: each difference with its interval."""
    input:
        comparisons="results/{study}/comparisons.csv",
        code=code("plot_differences"),
    output:
        "results/{study}/differences.svg",
        "results/{study}/differences.png",
    log:
        "logs/{study}/plot_differences.log",
    benchmark:
        "logs/{study}/plot_differences.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=difference_settings,
    shell:
        r"""
        python -m thaw.stages.plot_differences \
            --settings {params.settings:q} \
            --comparisons {input.comparisons:q} \
            --output {output:q} \
            2>{log:q}
        """


rule plot_source_accuracy:
    """Draw each source model's own accuracy against what is reached from it."""
    input:
        scores="results/{study}/scores.csv",
        source_models="results/{study}/source-models.csv",
        code=code("plot_source_accuracy"),
    output:
        "results/{study}/source-accuracy.svg",
        "results/{study}/source-accuracy.png",
    log:
        "logs/{study}/plot_source_accuracy.log",
    benchmark:
        "logs/{study}/plot_source_accuracy.benchmark.tsv"
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
        python -m thaw.stages.plot_source_accuracy \
            --settings {params.settings:q} \
            --scores {input.scores:q} \
            --source-models {input.source_models:q} \
            --output {output:q} \
            2>{log:q}
        """


rule plot_source_spread:
    """Draw what each source model makes of a variant, beside the baseline."""
    input:
        scores="results/{study}/scores.csv",
        code=code("plot_source_spread"),
    output:
        "results/{study}/source-spread.svg",
        "results/{study}/source-spread.png",
    log:
        "logs/{study}/plot_source_spread.log",
    benchmark:
        "logs/{study}/plot_source_spread.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=spread_settings,
    shell:
        r"""
        python -m thaw.stages.plot_source_spread \
            --settings {params.settings:q} \
            --scores {input.scores:q} \
            --output {output:q} \
            2>{log:q}
        """
