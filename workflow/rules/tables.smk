"""Tables: scores and histories gathered and condensed.

Needs: the files of a study's training jobs.
Makes: results/{study}/scores.csv, summary and comparisons (.csv, .md),
learning-curves.csv, learning-speed.csv.
"""


rule gather:
    """Gather the scores of a study's training jobs."""
    input:
        scores=job_files(".csv"),
        code=code("gather"),
    output:
        "results/{study}/scores.csv",
    log:
        "logs/{study}/gather.log",
    benchmark:
        "logs/{study}/gather.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=gather_settings,
    shell:
        r"""
        python -m thaw.stages.gather \
            --settings {params.settings:q} \
            --folder results/{wildcards.study:q} \
            --output {output:q} \
            2>{log:q}
        """


rule summarize:
    """Summarize the test accuracies of a study, a row a variant."""
    input:
        scores="results/{study}/scores.csv",
        code=code("summarize"),
    output:
        csv="results/{study}/summary.csv",
        markdown="results/{study}/summary.md",
    log:
        "logs/{study}/summarize.log",
    benchmark:
        "logs/{study}/summarize.benchmark.tsv"
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
        python -m thaw.stages.summarize \
            --settings {params.settings:q} \
            --study {wildcards.study:q} \
            --scores {input.scores:q} \
            --output {output.csv:q} \
            --markdown {output.markdown:q} \
            2>{log:q}
        """


rule learning_curves:
    """Condense the histories of a study's repeats into learning curves."""
    input:
        histories=job_files(".history.npz"),
        code=code("learning_curves"),
    output:
        "results/{study}/learning-curves.csv",
    log:
        "logs/{study}/learning_curves.log",
    benchmark:
        "logs/{study}/learning_curves.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=gather_settings,
    shell:
        r"""
        python -m thaw.stages.learning_curves \
            --settings {params.settings:q} \
            --folder results/{wildcards.study:q} \
            --output {output:q} \
            2>{log:q}
        """


rule compare:
    """Compare a study's variants with its baseline and in the pairs asked for."""
    input:
        scores="results/{study}/scores.csv",
        code=code("compare"),
    output:
        csv="results/{study}/comparisons.csv",
        markdown="results/{study}/comparisons.md",
    log:
        "logs/{study}/compare.log",
    benchmark:
        "logs/{study}/compare.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=comparison_settings,
    shell:
        r"""
        python -m thaw.stages.compare \
            --settings {params.settings:q} \
            --scores {input.scores:q} \
            --output {output.csv:q} \
            --markdown {output.markdown:q} \
            2>{log:q}
        """


rule learning_speed:
    """Measure how fast each variant of a study learns."""
    input:
        histories=job_files(".history.npz"),
        code=code("learning_speed"),
    output:
        "results/{study}/learning-speed.csv",
    log:
        "logs/{study}/learning_speed.log",
    benchmark:
        "logs/{study}/learning_speed.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=speed_settings,
    shell:
        r"""
        python -m thaw.stages.learning_speed \
            --settings {params.settings:q} \
            --folder results/{wildcards.study:q} \
            --output {output:q} \
            2>{log:q}
        """
