"""Obstacles to a run, and messages at its end: advice, tables and warnings."""

import json
import shutil
import tempfile
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from thaw.errors import ThawError, visible
from thaw.findings.metrics import check_requirements
from thaw.output.problems import load_described
from thaw.output.records import Archive, is_made
from thaw.plan.outputs import PAGE, REPORT, TABLES
from thaw.plan.plan import Plan
from thaw.plan.study import StudyPlan

# With less space left a disk counts as full: the file that failed was larger.
LEAST_SPACE = 1_000_000  # bytes


def refuse_read_only(folder: Path) -> None:
    """Raise `ThawError` if a folder is not writable.

    Snakemake would fail with a traceback when the first job begins.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ThawError(f"{folder} cannot be written: {error.strerror}") from error


def unfit_problems(plan: Plan, results: Path) -> Iterator[str]:
    """Yield what studies take, and problems that are made already lack.

    The job that checks this does not run again, and a later one would fail when
    Snakemake has removed its files.
    """
    for planned in plan.problems.by_path.values():
        path, key = results / planned.path, planned.key
        # A damaged file is reported by the job that reads it.
        with suppress(OSError, ThawError), Archive(path, key) as archive:
            classes = json.loads(str(archive["description"]))["classes"]
            is_pool = "train_size" in archive.record["content"]
            size = int(archive["train_size"]) if is_pool else len(archive["train_y"])
            for study in plan.requirements(key):
                try:
                    check_requirements(study, classes, size)
                except ThawError as error:
                    yield f"studies.{study['study']}.{error}"


def to_show(plan: Plan, names: Collection[str]) -> list[str]:
    """Return of which rankings and studies to show the answer, rankings first.

    A ranking stands for its studies.
    """
    ranked = {study for name in plan.rankings for study in plan.rankings[name]}
    every = (*plan.rankings, *plan.studies)
    return [name for name in every if name in names and name not in ranked]


def lines_of(plan: Plan, name: str, results: Path, in_full: bool) -> Iterator[str]:
    """Yield a study's recommendation, or its tables and answer; then its warnings.

    Nothing if it is not complete: files made from other settings or data, or edited
    since, count as missing. Of a ranking, the whole recommendation.
    """
    tables = plan.stages[f"{TABLES}_{name}"]
    if not is_made(results / tables.record, tables.key):
        return
    if in_full:
        for table in tables.files:
            if table.endswith(".md"):
                yield "\n" + (results / table).read_text(encoding="utf-8")
    else:
        text = (results / name / "answer.json").read_text(encoding="utf-8")
        words = advice(json.loads(text), name in plan.rankings)
        yield textwrap.fill(f"{name}: {words}", 80)
    studies = [plan.studies[n] for n in plan.rankings.get(name, [name])]
    notes = (note for study in studies for note in warnings(study, results))
    yield from dict.fromkeys(notes)


def advice(answer: Sequence[Mapping[str, Any]], in_full: bool = False) -> str:
    """Return the first part of an answer, which a page begins with, too.

    If not in full, of advice the first sentence and, of several target sizes, that of
    each. Pairs are all there.
    """
    lead = answer[0]
    in_full |= lead["heading"] != "What to do"
    first, *rest = lead["sentences"]
    return " ".join([first, *(s for s in rest if in_full or s.startswith("With "))])


def what_to_read(plan: Plan, named: Sequence[str], results: Path) -> Iterator[str]:
    """Yield the pages of the studies that are `named`, or that of all, if made."""
    rules = [f"{PAGE}_{name}" for name in named] or [REPORT.name]
    for page in (plan.stages[rule] for rule in rules):
        if is_made(results / page.record, page.key):
            yield str(results / page.files[0])


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
