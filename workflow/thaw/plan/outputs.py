"""The tables, figures and pages of a study, and of several: one entry each.

Nothing else lists them. The function `make` of `thaw.tables.NAME` or
`thaw.figures.NAME` makes the files of an entry. Rules, targets and docs follow.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

GATHER, TABLES, FIGURES, PAGE = "gather", "tables", "figures", "page"
FORMATS = ("svg", "pdf", "png")
# The figures of a study, or of problems, as pages show them.
ON_PAGES = "figures.json"
SCORES, BEST_SOURCES = "scores.csv", "best-sources.csv"
# The first files, from which all others are made.
GATHERED = ("histories.npz", SCORES, "source-models.csv")


class Output(NamedTuple):
    """A table, figure or page.

    name: of the file and, with underscores, of the module that makes it. about: a
    sentence that describes it. when: what must be known of a study, as
    `thaw.plan.study.StudyPlan.shown` has it. suffixes: those of its files. more:
    further files. as_table: whether a page shows the figure as a table.
    """

    stage: str
    name: str
    about: str
    when: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = FORMATS
    more: tuple[str, ...] = ()
    as_table: bool = False

    @property
    def module(self) -> str:
        """The module that makes it."""
        return f"thaw.{self.stage}.{self.name.replace('-', '_')}"

    @property
    def files(self) -> list[str]:
        """The names of its files."""
        return [*(f"{self.name}.{suffix}" for suffix in self.suffixes), *self.more]


def _conditions(text: str) -> tuple[str, ...]:
    return tuple(text.split(", ") if text else ())


def _table(name: str, about: str, suffixes: str, *more: str, when: str = "") -> Output:
    ends = tuple(suffixes.split())
    return Output(TABLES, name, about, _conditions(when), ends, more)


def _figure(name: str, about: str, when: str = "", as_table: bool = False) -> Output:
    return Output(FIGURES, name, about, _conditions(when), as_table=as_table)


# fmt: off
OF_A_STUDY = (
    _table("summary",
        "One row for each variant: mean, spread in two parts, quartiles, failures.",
        "csv md"),
    _table("comparisons",
        "Differences with their intervals, and verdicts; the depths that may be best.",
        "csv md", "best-depths.csv"),
    _table("metrics",
        "The study's other metrics, beside that of its verdicts.",
        "csv md", when="several metrics"),
    _table("learning-curves",
        "Mean and quantiles of loss and score after every epoch.",
        "csv", when="histories"),
    _table("training-time",
        "How gains changed from half-way to the end of training.",
        "csv", when="histories"),
    _table("confusion",
        "The classes that are mistaken for each other.",
        "csv md", when="confusions"),
    _table("rows",
        "The share of networks that get each test row right; rows rescued and lost.",
        "csv md", when="confusions"),
    _table("network",
        "The frozen and fresh parts of a user-supplied network, by variant.",
        "csv md", when="shares"),
    _table("overlap",
        "Test rows with the same features as train rows.",
        "csv", when="rows"),
    _table("answer",
        "All tables in words.",
        "md", "answer.json", "recommendation.csv"),
    _table("study",
        "The study's settings, keys, code and library versions.",
        "json"),
    _figure("boxplot",
        "The scores of all repeats: a box a variant, a point a repeat."),
    _figure("learning-curves",
        "Loss and score by epoch: a line a variant, with a band over its repeats.",
        "histories"),
    _figure("differences",
        "The comparisons: each typical difference with its interval.",
        "comparisons", as_table=True),
    _figure("source-models",
        "The learning curves of the source models on the source problem.",
        "pretraining, histories"),
    _figure("source-accuracy",
        "Each source model's own score against the scores reached from it.",
        "pretraining, several models"),
    _figure("source-spread",
        "The scores of a variant by source model, beside the baseline's.",
        "several models"),
    _figure("target-sizes",
        "Means and gains as variants learn from more rows.",
        "several sizes, comparisons"),
    _figure("freeze-map",
        "The gain of each depth at each target size.",
        "several sizes, depths", as_table=True),
)

# Of a ranking of several sources; conditions are on any of its studies.
OF_A_RANKING = (
    _table("sources",
        "The gain from each source at each depth, and the sources that may be best.",
        "csv md", BEST_SOURCES),
    _table("transferability",
        "Scores that need no training, and what the sources they choose would cost.",
        "csv md"),
    _table("sources-answer", "The ranking in words.", "", "answer.md", "answer.json"),
    _figure("sources", "The gain from each source at its best depth."),
    _figure("source-maps",
        "The gain of each depth at each target size: a freeze map a source.",
        "several sizes"),
)

# Of all studies, of a map of the config, of all problems; and pages.
ANSWERS = _table("answers", "The answers of all studies and rankings.", "md")
FREEZE_MAP = OF_A_STUDY[-1]
PROBLEMS = _figure("problems", "The two-dimensional problems, a panel each.")
STUDY_PAGE = Output(PAGE, "page", "A study on one page.", suffixes=("html",))
RANKING_PAGE = Output(PAGE, "ranking", "The ranking of several sources on one page.",
    suffixes=(), more=("page.html",))
REPORT = Output(PAGE, "report", "All studies on one page.", suffixes=("html",))
# fmt: on


def files_of(outputs: Sequence[Output]) -> list[str]:
    """Return the names of the files of outputs that are made together."""
    files = [file for output in outputs for file in output.files]
    has_figures = any(o.stage == FIGURES and not o.as_table for o in outputs)
    return [*files, ON_PAGES] if has_figures else files


def outputs_of(
    stage: str, study: Any, every: Sequence[Output] = OF_A_STUDY
) -> Iterator[Output]:
    """Yield the outputs of a stage for a study, or for the ranking that it is in."""
    shown = study.shown
    for output in every:
        if output.stage == stage and all(shown[name] for name in output.when):
            yield output


def named(stage: str, names: list[str]) -> list[Output]:
    """Return a stage's outputs of these names, in order."""
    pages = STUDY_PAGE, RANKING_PAGE, REPORT
    every = (*OF_A_STUDY, *OF_A_RANKING, ANSWERS, PROBLEMS, *pages)
    known = {output.name: output for output in every if output.stage == stage}
    return [known[name] for name in names]


def tables_by_file() -> dict[str, str]:
    """Return the description of each file of tables, by its name."""
    tables = (o for o in (*OF_A_RANKING, *OF_A_STUDY) if o.stage == TABLES)
    return {file: table.about for table in tables for file in table.files}
