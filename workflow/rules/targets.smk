"""Named targets beside `all`: one stage of all studies, or all of one study."""


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
        shared_figures(),
        [figures_of(study) for study in STUDIES],


for study in STUDIES:
    if study in {known.name for known in workflow.rules}:
        raise WorkflowError(
            f"the config is wrong:\n  studies.{study}: {study!r} is the name of a target "
            "or stage; choose another name"
        )

    rule:
        name:
            study
        input:
            tables_of(study),
            figures_of(study),
            f"results/{study}/study.json",
