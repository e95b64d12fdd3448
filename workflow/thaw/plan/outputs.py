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

    name: of the module that makes it, with underscores. about: a sentence that
    describes it. when: whether a study has it. on_page: whether pages show a figure;
    they hold the differences as a table.
    """

    stage: str
    name: str
    about: str
    files: list[str]
    when: Condition = lambda study: True
    on_page: bool = True

    @property
    def module(self) -> str:
        """The module that makes it; all pages have the same."""
        name = PAGE if self.stage == PAGE else self.name
        return f"thaw.{self.stage}.{name.replace('-', '_')}"


def _table(name: str, about: str, files: str, **more: Any) -> Output:
    return Output(TABLES, name, about, files.split(), **more)


def _figure(name: str, about: str, *more: Any) -> Output:
    return Output(FIGURES, name, about, [f"{name}.svg", f"{name}.png"], *more)


def _has_histories(study: Any) -> bool:
    return study.settings.network.has_histories


# fmt: off
OF_A_STUDY = (
    _table("summary",
        "One row for each variant: mean, spread in two parts, quartiles, failures.",
        "summary.csv summary.md"),
    _table("comparisons",
        "Differences with their intervals, and verdicts; the depths that may be best.",
        "comparisons.csv comparisons.md best-depths.csv"),
    _table("metrics",
        "The study's other metrics, beside that of its verdicts.",
        "metrics.csv metrics.md", when=lambda study: len(study.metrics) > 1),
    _table("learning-curves",
        "Mean and quantiles of loss and score after every epoch.",
        "learning-curves.csv", when=_has_histories),
    _table("training-time",
        "How gains changed from half-way to the end of training.",
        "training-time.csv", when=_has_histories),
    _table("network",
        "The frozen and fresh parts of a user-supplied network, by variant.",
        "network.md", when=lambda study: study.settings.network.form == "module"),
    _table("overlap",
        "Test rows with the same features as train rows.",
        "overlap.csv", when=lambda study: study.overlap.key),
    _table("answer",
        "All tables in words.",
        "answer.md answer.json recommendation.csv"),
    _table("study",
        "The study's settings, keys, code and library versions.",
        "study.json"),
    _figure("boxplot",
        "The scores of all repeats: a box a variant, a point a repeat."),
    _figure("target-sizes",
        "Means and gains as variants learn from more rows.",
        lambda study: study.is_swept and len(study.variants) > 1),
    _figure("freeze-map",
        "The gain of each depth at each target size.",
        lambda study: study.is_swept and
            not {*study.depths} <= {study.settings.baseline}),
    _figure("differences",
        "The comparisons: each typical difference with its interval.",
        lambda study: len(study.variants) > 1 and not study.is_swept,
        False),
    _figure("learning-curves",
        "Loss and score by epoch: a line a variant, with a band over its repeats.",
        _has_histories),
    _figure("source-spread",
        "What is reached from each source model, against its score on its own problem.",
        lambda study: study.settings.models > 1 and study.pretrained),
)

# Of a ranking of several sources; conditions are on any of its studies.
OF_A_RANKING = (
    _table("sources",
        "The gain from each source at each depth, and the sources that may be best.",
        f"sources.csv sources.md {BEST_SOURCES}"),
    _table("transferability",
        "Scores that need no training, and what the sources they choose would cost.",
        "transferability.csv"),
    _table("sources-answer", "The ranking in words.", "answer.md answer.json"),
    _figure("differences",
        "The gain from each source at its best depth.",
        lambda study: True,
        False),
    _figure("freeze-map",
        "The gain of each depth at each target size: a map a source.",
        lambda study: study.is_swept),
)

# The first files, from which all others are made.
GATHERED = Output(GATHER, "scores", "The scores of all jobs, in one archive.",
    ["histories.npz", SCORES, "source-models.csv"])

# Of all studies, of a map of the config, of all problems; and pages.
ANSWERS = _table("answers", "The answers of all studies and rankings.", "answers.md")
FREEZE_MAP = _figure("freeze-map", "The freeze maps of several studies.")
PROBLEMS = _figure("problems", "The two-dimensional problems, a panel each.")
STUDY_PAGE = Output(PAGE, "page", "A study or a ranking on one page.", ["page.html"])
REPORT = Output(PAGE, "report", "All studies on one page.", ["report.html"])
# fmt: on


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
    return {
        output.name: output.about
        for output in every
        if output.stage == FIGURES and output.on_page
    }
