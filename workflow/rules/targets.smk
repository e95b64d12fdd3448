"""Named targets beside `all`: one stage of all studies, or all of one study."""

TABLES = [
    *("scores.csv", "summary.csv", "summary.md", "comparisons.csv", "comparisons.md"),
    *("learning-curves.csv", "learning-speed.csv"),
]


rule problems:
    """The problems' data and their figure."""
    input:
        expand("results/problems/{problem}.npz", problem=CONFIG.problems),
        "results/problems/problems.svg",
        "results/problems/problems.png",


rule source_models:
    """The source models of all studies."""
    input:
        expand("results/{study}/source-models.safetensors", study=STUDIES),


rule scores:
    """The scores of all repeats of all studies."""
    input:
        expand("results/{study}/scores.csv", study=STUDIES),


rule tables:
    """All tables."""
    input:
        expand("results/{study}/{file}", study=STUDIES, file=TABLES),


rule figures:
    """All figures."""
    input:
        rules.problems.input,
        [figures_of(study) for study in STUDIES],


for study in STUDIES:
    require_free_name(study)

    rule:
        name:
            study
        input:
            expand("results/{study}/{file}", study=study, file=TABLES),
            figures_of(study),
