"""Messages at a run's end: recommendations, tables and warnings."""

import csv
import json
import shutil
import textwrap
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from thaw.errors import ThawError, visible
from thaw.output.paths import SCORES_CSV, problem_file
from thaw.output.problems import load_described
from thaw.output.records import is_made
from thaw.plan.outputs import FIGURES, RANKING_PAGE, REPORT, STUDY_PAGE, TABLES
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
    told = {
        study
        for name in rankings
        if _is_made(plan, name, TABLES, results)
        for study in plan.rankings[name]
    }
    apart = told - {*named}
    studies = [s for s in plan.studies if s in wanted and s not in apart]
    return [*rankings, *studies]


def in_a_line(plan: Plan, name: str, results: Path, started: float) -> Iterator[str]:
    """Yield a study's recommendation and warnings; nothing if it is not complete.

    Files made from other settings or data, or edited since, count as missing. `started`
    is when the run began. Of a ranking, the whole recommendation.
    """
    if _is_made(plan, name, TABLES, results):
        text = (results / name / "answer.json").read_text(encoding="utf-8")
        answer = json.loads(text)
        ranked = " ".join(answer[0]["sentences"])
        said = ranked if name in plan.rankings else advice(answer)
        yield textwrap.fill(f"{name}: {said}", 80)
        yield from _notes(plan, name, results, started)


def in_full(plan: Plan, name: str, results: Path, started: float) -> Iterator[str]:
    """Yield tables and answer, and the figures' place, as `in_a_line`."""
    if not _is_made(plan, name, TABLES, results):
        return
    yield ""
    for table in SHOWN:
        if f"{name}/{table}" in plan.made[f"{TABLES}_{name}"].files:
            yield (results / name / table).read_text(encoding="utf-8")
    if _is_made(plan, name, FIGURES, results):
        figures = plan.made[f"{FIGURES}_{name}"].files
        drawn = (Path(path).stem for path in figures if path.endswith(".svg"))
        names = ", ".join(drawn)
        place = f"Figures in {results / name}, as .svg, .pdf and .png"
        yield textwrap.fill(f"{place}: {names}", 80)
    yield from _notes(plan, name, results, started)


def _notes(plan: Plan, name: str, results: Path, started: float) -> Iterator[str]:
    """Yield warnings, each once, and what it would take to decide a study."""
    studies = [plan.studies[one] for one in plan.rankings.get(name, [name])]
    found = (line for study in studies for line in warnings(study, results))
    yield from dict.fromkeys(found)
    if name in plan.studies:
        yield from time_to_decide(plan, plan.studies[name], results, started)


def advice(answer: Sequence[Mapping[str, Any]]) -> str:
    """Return the advice from the parts of an answer, at each target size if several.

    A single word, such as "Undecided.", says too little, so the next sentence joins it.
    """
    sentences, found = answer[0]["sentences"], []
    for place, said in enumerate(sentences):
        if place == 0 or said.startswith("With "):
            found.append(said)
            if " " not in said:
                found += sentences[place + 1 : place + 2]
    return " ".join(found)


def what_to_read(plan: Plan, names: Sequence[str], results: Path) -> Iterator[str]:
    """Yield the page of all studies, or those of the only ones, where they are made.

    A ranking's page leads to those of its studies.
    """
    pages = [
        plan.made[
            f"{(RANKING_PAGE if name in plan.rankings else STUDY_PAGE).name}_{name}"
        ]
        for name in names
    ]
    every = {study for name in names for study in plan.rankings.get(name, [name])}
    report = plan.made[REPORT.name]
    if every == {*plan.studies} and is_made(results / report.record, report.key):
        pages = [report]
    for made in pages:
        if is_made(results / made.record, made.key):
            yield str(results / made.files[0])


def _is_made(plan: Plan, name: str, stage: str, results: Path) -> bool:
    made = plan.made[f"{stage}_{name}"]
    return is_made(results / made.record, made.key)


def time_to_decide(
    plan: Plan, study: StudyPlan, results: Path, started: float
) -> Iterator[str]:
    """Yield how long it would take to decide a study's open comparisons.

    The rate is that of networks trained since the run `started`, a time as of files. No
    file holds it, because results depend on no clock.
    """
    table = results / study.name / "recommendation.csv"
    trained = _fits_since(plan, results, started)
    if not trained or not table.is_file():
        return
    with table.open(encoding="utf-8", newline="") as file:
        fits = [row["more_fits"] for row in csv.DictReader(file) if row["more_fits"]]
    if fits:
        most = max(map(float, fits))
        minutes = most * (time.time() - started) / trained / 60
        yield (
            f"{study.name}: to decide it, {most:,.0f} more networks would take about "
            f"{max(round(minutes), 1):,} min at this run's rate."
        )


def _fits_since(plan: Plan, results: Path, started: float) -> int:
    """Return how many networks were trained since then, each counted once."""
    stems = {
        stem: tile.fits
        for study in plan.studies.values()
        for tile, stem in (*study.training_jobs, *study.pretraining_jobs)
    }
    total = 0
    for stem, fits in stems.items():
        with suppress(FileNotFoundError):
            if (results / f"{stem}{SCORES_CSV}").stat().st_mtime >= started:
                total += fits
    return total


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
    for name, made in study.problems.items():
        try:
            path = results / problem_file(name, made.key)
            _, description, _ = load_described(path, made.key)
        except (ThawError, OSError):
            continue  # the job that learns from it reports this
        yield from (f"{name}: {visible(note)}" for note in description.warnings)
