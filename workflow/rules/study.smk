"""Each study's four stages: scores gathered, tables with the answer, figures, a page.

`thaw.plan.outputs` lists the files; each stage's record lies in results/STUDY/records/.
For several studies there are results/report.html, results/answers.md, maps and the figure
of problems, likewise.
"""

for stage in PLAN.stages.values():

    rule:
        """A stage after training: scores gathered, tables, figures or a page."""
        name:
            stage.rule
        input:
            files=below_results(stage.reads),
            functions=ancient(local(stage.functions)),
            stale=force_if_stale(stage),
        output:
            files=mark_reported(stage),
            record=f"results/{stage.record}",
        log:
            f"logs/{stage.log}",
        localrule: True
        conda:
            "../envs/thaw.yaml"
        params:
            job=plain_job(stage),
        shell:
            JOB
