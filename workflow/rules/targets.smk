"""Named targets beside `all`: one stage of all studies, or all of one study."""

TARGETS = {
    "problems": [
        *below_results(sorted(PLAN.problems.by_path)),
        *plain_files(folders=["problems"]),
    ],
    "source_models": [below_results(study.model_files) for study in STUDIES.values()],
    "scores": plain_files("gather"),
    "tables": plain_files("gather", "tables"),
    "figures": plain_files("figures"),
}
# Of several sources, the studies of each.
for name, studies in (PLAN.rankings | {study: [study] for study in STUDIES}).items():
    TARGETS[name] = plain_files(folders=[name, *studies]) + saved_weights(studies)

for name, files in TARGETS.items():

    rule:
        """One stage of all studies, or all of one study."""
        name:
            name
        input:
            files,
