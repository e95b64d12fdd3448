"""Named targets beside `all`: one stage of all studies, or all of one study."""


rule problems:
    """The problems' data and their figure."""
    input:
        below_results(sorted(PLAN.problems.by_path)),
        plain_files(folders=["problems"]),


rule source_models:
    """The source models of all studies."""
    input:
        [below_results(study.model_files) for study in STUDIES.values()],


rule scores:
    """The scores of all repeats of all studies."""
    input:
        plain_files("gather"),


rule tables:
    """All tables."""
    input:
        plain_files("gather", "tables"),


rule figures:
    """All figures."""
    input:
        plain_files("figures"),


for name, studies in (PLAN.rankings | {study: [study] for study in STUDIES}).items():

    rule:
        """All of a study or, of several sources, of the study of each."""
        name:
            name
        input:
            plain_files(folders=[name, *studies]),
            saved_weights(studies),
