"""Messages at a run's end: recommendations, tables and warnings."""

import json
import shutil
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw.errors import ThawError, visible
from thaw.output.problems import load_described
from thaw.output.records import is_made
from thaw.plan.outputs import FIGURES, PAGE, REPORT, TABLES
from thaw.plan.plan import Plan
from thaw.plan.study import StudyPlan

# The tables shown of a study or ranking, if it has them.
SHOWN = (
    *("network.md", "summary.md", "metrics.md", "comparisons.md", "sources.md"),
    "answer.md",
)

# With less space left a disk counts as full: the file that failed was larger.
LEAST_SPACE = 1_000_000  # bytes


def to_show(
    plan: Plan, names: Iterable[str], results: Path, named: Collection[str] = ()
) -> list[str]:
    """Return of which rankings and studies to show the answer, rankings first.

    A ranking stands for its studies, unless they are `named` themselves or its answer
    is missing.
    """
    wanted = {*names}
    rankings = [name for name in plan.rankings if name in wanted]
    ranked = {
        study
        for name in rankings
        if _is_made(plan, name, TABLES, results)
        for study in plan.rankings[name]
    }
    apart = wanted - (ranked - {*named})
    return [*rankings, *(study for study in plan.studies if study in apart)]


def lines_of(plan: Plan, name: str, results: Path, in_full: bool) -> Iterator[str]:
    """Yield a study's recommendation, or its tables and answer; then its warnings.

    Nothing if it is not complete: files made from other settings or data, or edited
    since, count as missing. Of a ranking, the whole recommendation.
    """
    if not _is_made(plan, name, TABLES, results):
        return
    if in_full:
        yield ""
        for table in SHOWN:
            if f"{name}/{table}" in plan.stages[f"{TABLES}_{name}"].files:
                yield (results / name / table).read_text(encoding="utf-8")
        if _is_made(plan, name, FIGURES, results):
            figures = plan.stages[f"{FIGURES}_{name}"].files
            drawn = ", ".join(Path(p).stem for p in figures if p.endswith(".svg"))
            place = f"Figures in {results / name}, as .svg and .png"
            yield textwrap.fill(f"{place}: {drawn}", 80)
    else:
        text = (results / name / "answer.json").read_text(encoding="utf-8")
        answer = json.loads(text)
        words = " ".join(_to_do(answer)) if name in plan.rankings else advice(answer)
        yield textwrap.fill(f"{name}: {words}", 80)
    studies = [plan.studies[n] for n in plan.rankings.get(name, [name])]
    notes = (note for study in studies for note in warnings(study, results))
    yield from dict.fromkeys(notes)


def advice(answer: Sequence[Mapping[str, Any]]) -> str:
    """Return the advice from the parts of an answer, at each target size if several."""
    first, *rest = _to_do(answer)
    return " ".join([first, *(words for words in rest if words.startswith("With "))])


def _to_do(answer: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the part with the advice; before it may be what a study asks of pairs."""
    parts = {part["heading"]: part["sentences"] for part in answer}
    return parts["What to do"]


def what_to_read(plan: Plan, names: Sequence[str], results: Path) -> Iterator[str]:
    """Yield the page of all studies, or those of the only ones, where they are made.

    A ranking's page leads to those of its studies.
    """
    pages = [
        stage for name in names for stage in plan.stages_of(name) if stage.name == PAGE
    ]
    every = {study for name in names for study in plan.rankings.get(name, [name])}
    report = plan.stages[REPORT.name]
    if every == {*plan.studies} and is_made(results / report.record, report.key):
        pages = [report]
    for page in pages:
        if is_made(results / page.record, page.key):
            yield str(results / page.files[0])


def _is_made(plan: Plan, name: str, stage: str, results: Path) -> bool:
    planned = plan.stages[f"{stage}_{name}"]
    return is_made(results / planned.record, planned.key)


def full_disks(folders: Iterable[Path]) -> Iterator[str]:
    """Yield a line on each folder whose disk is full.

    On a full disk, a failing job may not even be able to write its log.
    """
    for folder in folders:
        if folder.exists() and shutil.disk_usage(folder).free < LEAST_SPACE:
            yield (
                f"The disk on which {folder} lies is full; make space there, and run "
                "again"
            )


def warnings(study: StudyPlan, results: Path) -> Iterator[str]:
    """Yield warnings about a study's data, which its jobs' logs repeat."""
    for name, problem in study.problems.items():
        try:
            _, description, _ = load_described(results / problem.path, problem.key)
        except (ThawError, OSError):
            continue  # the job that learns from it reports this
        yield from (f"{name}: {visible(note)}" for note in description.warnings)
