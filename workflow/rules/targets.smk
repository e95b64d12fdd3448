"""Named targets beside `all`: one stage of all studies, or all of one study."""


rule problems:
    """The problems' data and their figure."""
    input:
        results(sorted(PLAN.problems.paths)),
        results(PLAN.made["problems_figure"].files),


rule source_models:
    """The source models of all studies."""
    input:
        [results(study.model_files) for study in STUDIES.values()],


rule scores:
    """The scores of all repeats of all studies."""
    input:
        [results(made.files) for made in PLAN.made_by("gather")],


rule tables:
    """All tables."""
    input:
        [results(made.files) for made in PLAN.made_by("gather", "tables")],


rule figures:
    """All figures."""
    input:
        [results(made.files) for made in PLAN.made_by("figures")],


for study, plan in STUDIES.items():

    rule:
        name:
            study
        input:
            [results(made.files) for made in PLAN.made_of(study)],
            results(plan.weights),


for ranking, studies in PLAN.rankings.items():

    rule:
        name:
            ranking
        input:
            [
                results(made.files)
                for name in (ranking, *studies)
                for made in PLAN.made_of(name)
            ],
            [results(STUDIES[study].weights) for study in studies],
