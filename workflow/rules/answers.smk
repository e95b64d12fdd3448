"""Answers in words.

Needs: a study's summary, comparisons, best-depths and gains-by-epoch.
Makes: results/{study}/answer.md, and results/answers.md of all studies.
"""


rule answer:
    """Say in a few sentences what a study found, and given what."""
    input:
        settings=settings(
            "answer",
            "tuned",
            "metric",
            "described",
            "baseline",
            "target_sizes",
            "depths",
            "margin",
            "repeats",
            "source_models",
            reads=["summarize", "compare", "gains_by_epoch"],
        ),
        summary="results/{study}/summary.csv",
        summary_record="results/{study}/records/summarize.json",
        comparisons="results/{study}/comparisons.csv",
        depths="results/{study}/best-depths.csv",
        comparisons_record="results/{study}/records/compare.json",
        gains=lambda wildcards: results(
            gains(STUDIES[wildcards.study], "gains-by-epoch.csv")
        ),
        gains_record=lambda wildcards: results(
            gains(STUDIES[wildcards.study], "records/gains_by_epoch.json")
        ),
    output:
        markdown="results/{study}/answer.md",
        record="results/{study}/records/answer.json",
    log:
        "logs/{study}/answer.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.answer \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --summary {input.summary:q} \
            --summary-record {input.summary_record:q} \
            --comparisons {input.comparisons:q} \
            --comparisons-record {input.comparisons_record:q} \
            --depths {input.depths:q} \
            --gains {input.gains:q} \
            --gains-record {input.gains_record:q} \
            --output {output.markdown:q} \
            --record {output.record:q} \
            2>{log:q}
        """


PLAN.add_answers("answers")


rule answers:
    """Put the answers of all studies into one file."""
    input:
        settings="results/settings/answers.json",
        answers=expand("results/{study}/answer.md", study=sorted(STUDIES)),
        records=expand("results/{study}/records/answer.json", study=sorted(STUDIES)),
    output:
        markdown="results/answers.md",
        record="results/records/answers.json",
    log:
        "logs/answers.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.answers \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --answers {input.answers:q} \
            --records {input.records:q} \
            --output {output.markdown:q} \
            --record {output.record:q} \
            2>{log:q}
        """
