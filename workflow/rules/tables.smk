"""Tables: scores and histories gathered and condensed.

Needs: the files of a study's jobs.
Makes: in results/{study}/: histories.npz, scores.csv and source-models.csv, summary and
comparisons (.csv, .md), best-depths.csv, learning-curves.csv and gains-by-epoch.csv.
"""


rule gather:
    """Gather what a study's jobs reached; all that follows reads its archive."""
    input:
        settings=settings(
            "gather",
            "variants",
            "pretrained",
            "target_sizes",
            "repeats",
            "source_models",
            reads=[],
        ),
        scores=files_of_jobs(".csv"),
        histories=files_of_jobs(".history.npz"),
    output:
        histories="results/{study}/histories.npz",
        scores="results/{study}/scores.csv",
        source_models="results/{study}/source-models.csv",
        record="results/{study}/records/gather.json",
    log:
        "logs/{study}/gather.log",
    benchmark:
        "logs/{study}/gather.benchmark.tsv"
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
        repeats_per_job=lambda wildcards: STUDIES[
            wildcards.study
        ].settings.repeats_per_job,
        results=subpath(input.settings, ancestor=3),
    shell:
        r"""
        python -m thaw.stages.gather \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --repeats-per-job {params.repeats_per_job:q} \
            --results {params.results:q} \
            --histories {output.histories:q} \
            --scores {output.scores:q} \
            --source-models {output.source_models:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule summarize:
    """Summarize the test accuracies of a study, a row a variant."""
    input:
        settings=settings("summarize", "tuned", "variants", "target_sizes", "metric"),
        histories="results/{study}/histories.npz",
    output:
        csv="results/{study}/summary.csv",
        markdown="results/{study}/summary.md",
        record="results/{study}/records/summarize.json",
    log:
        "logs/{study}/summarize.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.summarize \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --histories {input.histories:q} \
            --output {output.csv:q} \
            --markdown {output.markdown:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule compare:
    """Compare a study's variants with its baseline and in the pairs asked for."""
    input:
        settings=settings(
            "compare",
            "metric",
            "variants",
            "target_sizes",
            "baseline",
            "pairs",
            "margin",
            "depths",
        ),
        histories="results/{study}/histories.npz",
        others=lambda wildcards: expand(
            "results/{study}/histories.npz", study=STUDIES[wildcards.study].others
        ),
    output:
        csv="results/{study}/comparisons.csv",
        markdown="results/{study}/comparisons.md",
        depths="results/{study}/best-depths.csv",
        record="results/{study}/records/compare.json",
    log:
        "logs/{study}/compare.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.compare \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --histories {input.histories:q} \
            --others {input.others:q} \
            --output {output.csv:q} \
            --markdown {output.markdown:q} \
            --depths {output.depths:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule learning_curves:
    """Condense the histories of a study's repeats into learning curves."""
    input:
        settings=settings("learning_curves", "variants", "target_sizes"),
        histories="results/{study}/histories.npz",
    output:
        csv="results/{study}/learning-curves.csv",
        record="results/{study}/records/learning_curves.json",
    log:
        "logs/{study}/learning_curves.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        stage=stage,
        key=key,
    shell:
        r"""
        python -m thaw.stages.{params.stage} \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --histories {input.histories:q} \
            --output {output.csv:q} \
            --record {output.record:q} \
            2>{log:q}
        """


use rule learning_curves as gains_by_epoch with:
    """Compare a study's variants with its baseline as training goes on."""
    input:
        settings=settings(
            "gains_by_epoch",
            "variants",
            "comparisons",
            "baseline",
            "margin",
            "metric",
            "shown_size",
        ),
        histories="results/{study}/histories.npz",
    output:
        csv="results/{study}/gains-by-epoch.csv",
        record="results/{study}/records/gains_by_epoch.json",
    log:
        "logs/{study}/gains_by_epoch.log",
    localrule: True
