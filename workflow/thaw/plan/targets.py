"""Targets: the files below `results/` that a config asks for."""

from collections.abc import Iterable

from thaw.plan.plan import Plan
from thaw.plan.problems import path_of
from thaw.plan.study import StudyPlan

TABLES = (
    *("histories.npz", "scores.csv", "source-models.csv"),
    *("summary.csv", "summary.md", "comparisons.csv", "comparisons.md"),
    *("best-depths.csv", "answer.md"),
)
BY_EPOCH = ("learning-curves.csv", "gains-by-epoch.csv")
FORMATS = ("svg", "pdf", "png")


def shown_problems(plan: Plan) -> list[str]:
    """Return the files of the problems that are drawn, one for each name."""
    return [
        path_of(name, made.key) for name, made in sorted(plan.problems.shown.items())
    ]


def checked_targets(plan: Plan, key: str) -> list[str]:
    """Return what must have passed its checks before source models learn.

    These are the targets, and networks of people's own, of all studies that start from
    the source models of this key.
    """
    studies = [
        study
        for study in plan.studies.values()
        if study.source_models and study.source_models.key == key
    ]
    targets = {path_of(study.settings.target, study.target.key) for study in studies}
    return [*sorted(targets), *(file for study in studies for file in study.check_file)]


def checked_network(plan: Plan, key: str) -> list[str]:
    """Return the check that a network of people's own must pass before it learns."""
    return plan.owners[key].check_file if key in plan.owners else []


def network_tables(study: StudyPlan) -> list[str]:
    """Return the tables of a network that a function of people's own builds."""
    names = ("network.md", "network.csv") if study.check else ()
    return [f"{study.name}/{name}" for name in names]


def tables(study: StudyPlan) -> list[str]:
    """Return the tables of a study."""
    # Of what a trainer of people's own trains, nobody knows what it reached by epoch.
    files = [*TABLES, *(BY_EPOCH if study.has_histories else ())]
    return [*(f"{study.name}/{file}" for file in files), *network_tables(study)]


def gains(study: StudyPlan, file: str) -> list[str]:
    """Return a file that the stage `gains_by_epoch` makes, where it makes any."""
    return [f"{study.name}/{file}"] if study.has_histories else []


def figures(study: StudyPlan) -> list[str]:
    """Return the figures of a study; some need more than one of something."""
    settings = study.settings
    names = ["boxplot", *(["learning-curves"] if study.has_histories else [])]
    if len(settings.variants) > 1:
        names += ["differences", *(["gains-by-epoch"] if study.has_histories else [])]
    if study.pretrained:
        several = min(settings.source_models, settings.repeats) > 1
        # Nobody knows what files reached where they come from.
        if not settings.checkpoints:
            names += ["source-models"] if study.has_histories else []
            names += ["source-accuracy"] if several else []
        if several:
            names.append("source-spread")
    if len(settings.target_sizes) > 1 and len(settings.variants) > 1:
        names.append("target-sizes")
        if study.mapped:
            names.append("freeze-map")
    return _in_every_format(f"{study.name}/{name}" for name in names)


def shared_figures(plan: Plan) -> list[str]:
    """Return the figures of more than one study."""
    maps = (f"maps/{name}/freeze-map" for name in plan.maps)
    return _in_every_format(["problems/problems", *maps])


def everything(plan: Plan) -> set[str]:
    """Return all tables and figures, with what stands beside them."""
    found = {*shared_figures(plan), "answers.md"}
    for study in plan.studies.values():
        found |= {*tables(study), *figures(study), f"{study.name}/study.json"}
    return found


def _in_every_format(figures: Iterable[str]) -> list[str]:
    return [f"{figure}.{suffix}" for figure in figures for suffix in FORMATS]
