"""Named targets beside `all`: one stage of all studies, or all of one study."""


rule describe:
    """Describe what made a study's tables and figures: settings, keys, versions."""
    input:
        settings=settings("describe", "description", reads=PLAN.stages),
        tables=lambda wildcards: tables_of(wildcards.study),
        figures=lambda wildcards: figures_of(wildcards.study),
    output:
        study="results/{study}/study.json",
        record="results/{study}/records/describe.json",
    log:
        "logs/{study}/describe.log",
    benchmark:
        "logs/{study}/describe.benchmark.tsv"
    conda:
        "../envs/thaw.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        key=key_of("describe"),
    shell:
        r"""
        python -m thaw.stages.describe \
            --settings {input.settings:q} \
            --key {params.key:q} \
            --output {output.study:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule problems:
    """The problems' data and their figure."""
    input:
        problem_files(),
        "results/problems/problems.svg",
        "results/problems/problems.png",


rule source_models:
    """The source models of all studies."""
    input:
        [files_of(study.pretraining_jobs, ".safetensors") for study in STUDIES.values()],


rule scores:
    """The scores of all repeats of all studies."""
    input:
        expand("results/{study}/scores.csv", study=STUDIES),


rule tables:
    """All tables."""
    input:
        [tables_of(study) for study in STUDIES],


rule figures:
    """All figures."""
    input:
        "results/problems/problems.svg",
        "results/problems/problems.png",
        [figures_of(study) for study in STUDIES],


for study in STUDIES:
    require_free_name(study)

    rule:
        name:
            study
        input:
            tables_of(study),
            figures_of(study),
            f"results/{study}/study.json",


if workflow.is_main_process:
    settle_tables()
    if workflow.output_settings.dryrun and not GRAPHS.intersection(sys.argv):
        show_changes(STUDIES)
