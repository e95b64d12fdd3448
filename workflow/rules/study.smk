"""Each study's four stages: scores gathered, tables with the answer, figures, a page.

Needs: the files of a study's jobs; a pair may name a variant of another study.
Makes: in results/STUDY/ the files that `thaw.plan.outputs` lists, each stage in one
process, with its record in results/STUDY/records/. For several studies
results/report.html, results/answers.md, results/maps/MAP/freeze-map and the figure of
problems, likewise.
"""

for made in PLAN.made_by("gather"):

    rule:
        """Gather the results of a study's jobs; all later stages read its archive."""
        name:
            made.rule
        input:
            read=results(made.reads),
            target=results(STUDIES[made.folder].target_file),
            functions=ancient(local(STUDIES[made.folder].metric_files)),
            stale=unless_made(made),
        output:
            histories=f"results/{made.folder}/histories.npz",
            scores=f"results/{made.folder}/scores.csv",
            source_models=f"results/{made.folder}/source-models.csv",
            record=f"results/{made.record}",
        log:
            f"logs/{made.log}",
        localrule: True
        conda:
            "../envs/thaw.yaml"
        params:
            recipe=recipe_of(made),
            repeats_per_job=STUDIES[made.folder].settings.repeats_per_job,
            results=lambda wildcards: in_results("results"),
        shell:
            r"""
            python -m thaw.stages.gather \
                --recipe {params.recipe:q} \
                --repeats-per-job {params.repeats_per_job:q} \
                --results {params.results:q} \
                --target {input.target:q} \
                --functions {input.functions:q} \
                --histories {output.histories:q} \
                --scores {output.scores:q} \
                --source-models {output.source_models:q} \
                --record {output.record:q} \
                2>{log:q}
            """


for made in PLAN.made_by("tables", "figures", "page"):

    rule:
        """Make tables, figures or a page from the gathered results."""
        name:
            made.rule
        input:
            read=results(made.reads),
            stale=unless_made(made),
        output:
            made=for_report(made),
            record=f"results/{made.record}",
        log:
            f"logs/{made.log}",
        localrule: True
        conda:
            "../envs/thaw.yaml"
        params:
            recipe=recipe_of(made),
            about=lambda wildcards, text=about(made): text,
        shell:
            r"""
            python -m thaw.stages.make \
                --recipe {params.recipe:q} \
                --inputs {input.read:q} \
                --outputs {output.made:q} \
                --record {output.record:q} \
                2>{log:q}
            """
