"""Named targets beside `all`: one stage of all studies, or all of one study."""


rule problems:
    """The problems' data and their figure."""
    input:
        results(sorted(PLAN.problems.paths)),
        multiext("results/problems/problems", ".svg", ".pdf", ".png"),


rule source_models:
    """The source models of all studies."""
    input:
        [
            f"results/{stem}.safetensors"
            for study in STUDIES.values()
            for _, stem in study.pretraining_jobs
        ],
        [results(study.checkpoint_file) for study in STUDIES.values()],


rule scores:
    """The scores of all repeats of all studies."""
    input:
        expand("results/{study}/scores.csv", study=STUDIES),


rule tables:
    """All tables."""
    input:
        [results(tables(study)) for study in STUDIES.values()],


rule figures:
    """All figures."""
    input:
        results(shared_figures(PLAN)),
        [results(figures(study)) for study in STUDIES.values()],


for study, plan in STUDIES.items():
    if study in {known.name for known in workflow.rules}:
        raise WorkflowError(
            f"the config is wrong:\n  studies.{study}: {study!r} is the name of a target "
            "or stage; choose another name"
        )

    rule:
        name:
            study
        input:
            results(tables(plan)),
            results(figures(plan)),
            results(plan.weights),
            f"results/{study}/study.json",
