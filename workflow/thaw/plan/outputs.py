"""The tables, figures and pages of a study, and of several: one entry each.

Nothing else lists them. The function `make` of `thaw.tables.NAME` or
`thaw.figures.NAME` makes the files of an entry. Rules, targets and docs follow.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

GATHER, TABLES, FIGURES, PAGE = "gather", "tables", "figures", "page"
FORMATS = ("svg", "pdf", "png")


class Output(NamedTuple):
    """A table or figure.

    name: of the file and, with underscores, of the module that makes it.
    stage: the stage that makes it, after those above it.
    about: a sentence that describes it.
    settings: the names of the settings passed to it, beside the study's name, source
    and target.
    reads: its inputs, in the study's folder; `network` is the check of it, `overlap`
    that for test rows among train rows, `target` the target problem, `transferability`
    the scores of the source models of all studies of a ranking.
    when: the conditions on a study (properties of `thaw.plan.study.StudyPlan`).
    suffixes: those of its files.
    more: further files.
    shown_as_table: whether a page shows it as a table, not as a figure.
    """

    name: str
    stage: str
    about: str
    settings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ("histories.npz",)
    when: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = FORMATS
    more: tuple[str, ...] = ()
    shown_as_table: bool = False

    @property
    def module(self) -> str:
        """The module that makes it."""
        return f"thaw.{self.stage}.{self.name.replace('-', '_')}"

    @property
    def files(self) -> list[str]:
        """The names of its files."""
        return [*(f"{self.name}.{suffix}" for suffix in self.suffixes), *self.more]


OF_A_STUDY = (
    Output(
        "summary",
        TABLES,
        "One row for each variant: mean, spread in two parts, quartiles, failures.",
        settings=(
            *("tuned", "rates", "variants", "target_sizes", "metric", "margin"),
            *("has_splits", "recipes"),
        ),
        suffixes=("csv", "md"),
    ),
    Output(
        "comparisons",
        TABLES,
        "Differences with their intervals, and verdicts; the depths that may be best.",
        settings=(
            *("metric", "variants", "target_sizes", "baseline"),
            *("pairs", "margin", "depths", "pretrained", "has_splits"),
        ),
        suffixes=("csv", "md"),
        more=("best-depths.csv",),
    ),
    Output(
        "metrics",
        TABLES,
        "The study's other metrics, beside that of its verdicts.",
        settings=(
            *("metric", "variants", "target_sizes", "shown_size"),
            *("baseline", "comparisons"),
        ),
        when=("has_several_metrics",),
        suffixes=("csv", "md"),
    ),
    Output(
        "learning-curves",
        TABLES,
        "Mean and quantiles of loss and score after every epoch.",
        settings=("networks", "target_sizes"),
        when=("has_histories",),
        suffixes=("csv",),
    ),
    Output(
        "gains-by-epoch",
        TABLES,
        "The comparisons with the baseline as training goes on.",
        settings=(
            *("networks", "comparisons", "baseline"),
            *("margin", "metric", "shown_size"),
        ),
        when=("has_histories",),
        suffixes=("csv",),
        more=("training-time.csv",),
    ),
    Output(
        "best-of",
        TABLES,
        "The scores of the best source models by validation loss.",
        settings=("tuned", "target_sizes", "metric", "margin", "baseline"),
        when=("chooses_models",),
        suffixes=("csv",),
    ),
    Output(
        "confusion",
        TABLES,
        "The classes that are mistaken for each other.",
        settings=("variants", "target_sizes", "shown_size"),
        reads=("histories.npz", "target"),
        when=("confuses",),
        suffixes=("csv", "md"),
    ),
    Output(
        "rows",
        TABLES,
        "The share of networks that get each test row right; rows rescued and lost.",
        settings=(
            *("variants", "pretrained", "baseline"),
            *("target_sizes", "shown_size", "has_splits"),
        ),
        reads=("histories.npz", "target"),
        when=("confuses",),
        suffixes=("csv", "md"),
    ),
    Output(
        "network",
        TABLES,
        "The frozen and fresh parts of a user-supplied network, by variant.",
        reads=("network",),
        when=("has_shares",),
        suffixes=("csv", "md"),
    ),
    Output(
        "overlap",
        TABLES,
        "Test rows with the same features as train rows.",
        reads=("overlap",),
        when=("has_rows",),
        suffixes=("csv",),
    ),
    Output(
        "answer",
        TABLES,
        "All tables in words.",
        settings=(
            *("tuned", "metric", "described", "baseline", "target_sizes"),
            *("depths", "margin", "repeats", "source_models", "shown_size"),
            *("has_splits", "recipes"),
        ),
        reads=(
            *("summary.csv", "comparisons.csv", "best-depths.csv"),
            *("training-time.csv", "best-of.csv", "overlap.csv"),
        ),
        suffixes=("md",),
        more=("answer.json", "recommendation.csv"),
    ),
    Output(
        "study",
        TABLES,
        "The study's settings, keys, code and library versions.",
        settings=("description",),
        reads=(),
        suffixes=("json",),
    ),
    Output(
        "boxplot",
        FIGURES,
        "The scores of all repeats: a box a variant, a point a repeat.",
        settings=("ladder", "metric", "variants", "shown_size", "margin"),
    ),
    Output(
        "learning-curves",
        FIGURES,
        "Loss and score by epoch: a line a variant, with a band over its repeats.",
        settings=(
            *("ladder", "source_models", "metric", "variants", "shown_size"),
            *("margin", "networks"),
        ),
        reads=("learning-curves.csv",),
        when=("has_histories",),
    ),
    Output(
        "differences",
        FIGURES,
        "The comparisons: each typical difference with its interval.",
        settings=("metric", "margin"),
        reads=("comparisons.csv",),
        when=("compares",),
        shown_as_table=True,
    ),
    Output(
        "gains-by-epoch",
        FIGURES,
        "The gain over the baseline as training goes on: a panel a variant.",
        settings=(
            "variants",
            "ladder",
            "metric",
            "margin",
            "baseline",
            "shown_size",
            "tuned",
        ),
        reads=("gains-by-epoch.csv",),
        when=("follows",),
    ),
    Output(
        "source-models",
        FIGURES,
        "The learning curves of the source models on the source problem.",
        settings=("source_models", "source_unit", "margin"),
        when=("pretrains", "has_histories"),
    ),
    Output(
        "source-accuracy",
        FIGURES,
        "Each source model's own score against the scores reached from it.",
        settings=(
            *("ladder", "metric", "variants", "shown_size"),
            *("margin", "source_unit", "pretrained"),
        ),
        when=("pretrains", "has_several_models"),
    ),
    Output(
        "source-spread",
        FIGURES,
        "The scores of a variant by source model, beside the baseline's.",
        settings=(
            *("ladder", "metric", "variants", "baseline", "shown_size"),
            *("margin", "pretrained"),
        ),
        when=("has_several_models",),
    ),
    Output(
        "target-sizes",
        FIGURES,
        "Means and gains as variants learn from more rows.",
        settings=(
            *("ladder", "metric", "variants", "target_sizes"),
            *("baseline", "margin"),
        ),
        reads=("summary.csv", "comparisons.csv"),
        when=("is_swept", "compares"),
    ),
    Output(
        "freeze-map",
        FIGURES,
        "The gain of each depth at each target size.",
        settings=("maps",),
        reads=("comparisons.csv",),
        when=("is_swept", "maps_depths"),
        shown_as_table=True,
    ),
)

# Of a ranking of several sources. Its settings are those of one of its studies, which
# differ in nothing but the source, and `sources`, pairs of each study and its source.
BEST_SOURCES = "best-sources.csv"
OF_A_RANKING = (
    Output(
        "sources",
        TABLES,
        "The gain from each source at each depth, and the sources that may be best.",
        settings=(
            *("sources", "depths", "baseline", "target_sizes", "metric", "margin"),
            "has_splits",
        ),
        suffixes=("csv", "md"),
        more=(BEST_SOURCES,),
    ),
    Output(
        "transferability",
        TABLES,
        "Scores that need no training, and what the sources they choose would cost.",
        settings=(
            *("sources", "depths", "target_sizes", "metric", "margin"),
            "source_models",
        ),
        reads=("transferability", BEST_SOURCES),
        suffixes=("csv", "md"),
    ),
    Output(
        "sources-answer",
        TABLES,
        "The ranking in words.",
        settings=(
            *("sources", "described", "baseline", "target_sizes", "shown_size"),
            *("depths", "metric", "margin", "tuned", "repeats", "source_models"),
            "has_splits",
        ),
        reads=("sources.csv", BEST_SOURCES, "transferability.csv", "overlap.csv"),
        suffixes=(),
        more=("answer.md", "answer.json"),
    ),
    Output(
        "sources",
        FIGURES,
        "The gain from each source at its best depth.",
        settings=("target_sizes", "baseline", "metric", "margin"),
        reads=("sources.csv", BEST_SOURCES),
    ),
    Output(
        "source-maps",
        FIGURES,
        "The gain of each depth at each target size: a freeze map a source.",
        settings=("depths", "target_sizes", "baseline", "metric", "margin"),
        reads=("sources.csv", BEST_SOURCES),
        when=("is_swept",),
    ),
)

# Of all studies, of a map of the config, and of all problems.
ANSWERS = Output(
    "answers",
    TABLES,
    "The answers of all studies and rankings.",
    settings=("studies",),
    reads=("answer.md",),
    suffixes=("md",),
)
FREEZE_MAP = OF_A_STUDY[-1]
# The figures of a study, or of problems, as pages show them.
ON_PAGES = "figures.json"
SCORES = "scores.csv"
PROBLEMS = Output(
    "problems",
    FIGURES,
    "The two-dimensional problems, a panel each.",
)

# The page of a study, and that of all of them. They read all tables, too.
SHOWN = (SCORES, ON_PAGES)
STUDY_PAGE = Output(
    "page", PAGE, "A study on one page.", ("studies",), SHOWN, suffixes=("html",)
)
RANKING_PAGE = Output(
    "ranking",
    PAGE,
    "The ranking of several sources on one page.",
    ("ranking",),
    (ON_PAGES, "study.json"),
    suffixes=(),
    more=("page.html",),
)
REPORT = Output(
    "report",
    PAGE,
    "All studies on one page.",
    ("title", "question", "studies", "rankings"),
    SHOWN,
    suffixes=("html",),
)

# The first files, from which all of the above are made, beside their record.
GATHERED = ("histories.npz", SCORES, "source-models.csv")


def files_of(outputs: Sequence[Output]) -> list[str]:
    """Return the names of the files of outputs that are made together."""
    files = [file for output in outputs for file in output.files]
    drawn = any(
        output.stage == FIGURES and not output.shown_as_table for output in outputs
    )
    return [*files, ON_PAGES] if drawn else files


def outputs_of(
    stage: str, study: Any, every: Sequence[Output] = OF_A_STUDY
) -> Iterator[Output]:
    """Yield the outputs of a stage for a study, a `thaw.plan.study.StudyPlan`.

    `every` may be those of a ranking, of which it is one of the studies.
    """
    for output in every:
        if output.stage == stage and all(getattr(study, name) for name in output.when):
            yield output


def named(stage: str, names: list[str]) -> list[Output]:
    """Return a stage's outputs of these names, in order."""
    pages = STUDY_PAGE, RANKING_PAGE, REPORT
    every = (*OF_A_STUDY, *OF_A_RANKING, ANSWERS, PROBLEMS, *pages)
    known = {o.name: o for o in every if o.stage == stage}
    return [known[name] for name in names]


def tables_by_file() -> dict[str, str]:
    """Return the description of each file of tables, by its name.

    They are those of a study and of a ranking.
    """
    every = (*OF_A_RANKING, *OF_A_STUDY)
    tables = (output for output in every if output.stage == TABLES)
    return {file: table.about for table in tables for file in table.files}
