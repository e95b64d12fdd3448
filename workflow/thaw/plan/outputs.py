"""The tables, figures and pages of a study, and of several: one entry each.

Nothing else lists them. The function `make` of `thaw.tables.NAME` or
`thaw.figures.NAME` makes the files of an entry. Rules, targets and docs follow.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

GATHER, TABLES, FIGURES, PAGE = "gather", "tables", "figures", "page"
SCORES, BEST_SOURCES = "scores.csv", "best-sources.csv"

# Whether a study (`StudyPlan`) has an output.
Condition = Callable[[Any], Any]


class Output(NamedTuple):
    """A table, figure or page.

    name: of the module that makes it, with underscores. when: whether a study has it.
    about: a sentence that describes a figure on pages; they do not show others.
    """

    stage: str
    name: str
    files: list[str]
    when: Condition = lambda study: True
    about: str = ""

    @property
    def module(self) -> str:
        """The module that makes it; all pages have the same."""
        name = PAGE if self.stage == PAGE else self.name
        return f"thaw.{self.stage}.{name.replace('-', '_')}"


def _table(name: str, files: str, when: Condition = lambda study: True) -> Output:
    return Output(TABLES, name, files.split(), when)


def _figure(name: str, about: str, when: Condition = lambda study: True) -> Output:
    return Output(FIGURES, name, [f"{name}.svg", f"{name}.png"], when, about)


def _has_histories(study: Any) -> bool:
    return study.settings.network.has_histories


def _is_module(study: Any) -> bool:
    return study.settings.network.form == "module"


def _is_mapped(study: Any) -> bool:
    return study.is_swept and not {*study.depths} <= {study.settings.baseline}


OF_A_STUDY = (
    _table("summary", "summary.csv summary.md"),
    _table("comparisons", "comparisons.csv comparisons.md best-depths.csv"),
    _table("metrics", "metrics.csv metrics.md", lambda study: len(study.metrics) > 1),
    _table("learning-curves", "learning-curves.csv", _has_histories),
    _table("training-time", "training-time.csv", _has_histories),
    _table("network", "network.md", _is_module),
    _table("overlap", "overlap.csv"),
    _table("answer", "answer.md answer.json recommendation.csv"),
    _table("study", "study.json"),
    _figure(
        "boxplot",
        "The scores of all repeats: a box a variant, a point a repeat.",
    ),
    _figure(
        "target-sizes",
        "Means and gains as variants learn from more rows.",
        lambda study: study.is_swept and len(study.variants) > 1,
    ),
    _figure("freeze-map", "The gain of each depth at each target size.", _is_mapped),
    # Pages hold the differences as a table.
    _figure(
        "differences", "", lambda study: len(study.variants) > 1 and not study.is_swept
    ),
    _figure(
        "learning-curves",
        "Loss and score by epoch: a line a variant, with a band over its repeats.",
        _has_histories,
    ),
    _figure(
        "source-spread",
        "What is reached from each source model, against its score on its own problem.",
        lambda study: study.settings.models > 1 and study.pretrained,
    ),
)

# Of a ranking of several sources; conditions are on any of its studies.
OF_A_RANKING = (
    _table("sources", f"sources.csv sources.md {BEST_SOURCES}"),
    _table("transferability", "transferability.csv"),
    _table("sources-answer", "answer.md answer.json"),
    _figure("differences", ""),
    _figure("freeze-map", "", lambda study: study.is_swept),
)

# The first files, from which all others are made.
GATHERED = Output(GATHER, "scores", ["histories.npz", SCORES, "source-models.csv"])

# Of all studies, of a map of the config, of all problems; and pages.
ANSWERS = _table("answers", "answers.md")
FREEZE_MAP = _figure("freeze-map", "")
PROBLEMS = _figure("problems", "The two-dimensional problems, a panel each.")
STUDY_PAGE = Output(PAGE, "page", ["page.html"])
REPORT = Output(PAGE, "report", ["report.html"])


def outputs_of(
    stage: str, study: Any, every: Sequence[Output] = OF_A_STUDY
) -> list[Output]:
    """Return the outputs of a stage for a study, or for the ranking that it is in."""
    return [o for o in every if o.stage == stage and o.when(study)]


def named(stage: str, names: list[str]) -> list[Output]:
    """Return a stage's outputs of these names, in order."""
    several = ANSWERS, PROBLEMS, STUDY_PAGE, REPORT
    every = (*OF_A_RANKING, *OF_A_STUDY, *several)
    known = {output.name: output for output in every if output.stage == stage}
    return [known[name] for name in names]


def figures_on_pages() -> dict[str, str]:
    """Return what each figure on a page shows, by its name."""
    every = (*OF_A_RANKING, *OF_A_STUDY, PROBLEMS)
    return {output.name: output.about for output in every if output.about}
