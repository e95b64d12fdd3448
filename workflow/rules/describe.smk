"""What made a study's tables and figures.

Needs: all of the study's tables and figures.
Makes: results/{study}/study.json.
"""


rule describe:
    """Describe what made a study's tables and figures: settings, keys, versions."""
    input:
        settings=settings("describe", "description", reads=PLAN.stages),
        tables=lambda wildcards: results(tables(STUDIES[wildcards.study])),
        figures=lambda wildcards: results(figures(STUDIES[wildcards.study])),
    output:
        study="results/{study}/study.json",
        record="results/{study}/records/describe.json",
    log:
        "logs/{study}/describe.log",
    localrule: True
    conda:
        "../envs/thaw.yaml"
    params:
        key=key,
    shell:
        r"""
        python -m thaw.stages.describe \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --output {output.study:q} \
            --record {output.record:q} \
            2>{log:q}
        """
