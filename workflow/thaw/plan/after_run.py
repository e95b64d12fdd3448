"""What is said at a run's end: tables, answers, warnings, and where figures are."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from thaw.errors import ThawError, visible
from thaw.output.problems import load_described
from thaw.output.settings import load_record
from thaw.plan.plan import Plan
from thaw.plan.problems import path_of
from thaw.plan.study import StudyPlan
from thaw.plan.targets import figures, network_tables

# What is shown of a study, and the stage that makes it.
SHOWN = {
    "summary.md": "summarize",
    "comparisons.md": "compare",
    "answer.md": "answer",
}

# With less space left a disk counts as full: what could not be written was more.
LEAST_SPACE = 1_000_000  # bytes


def told(plan: Plan, study: StudyPlan, results: Path) -> Iterator[str]:
    """Yield the texts that show a study, or nothing where it is not complete.

    What an earlier run made of other settings or data counts as not there.
    """
    folder = results / study.name
    files = [folder / name for name in SHOWN]
    if not all(file.exists() for file in files):
        return
    try:
        for stage in SHOWN.values():
            key = plan.tables[stage, study.name].key
            load_record(folder / f"records/{stage}.json", key)
    except (ThawError, OSError):
        return
    yield ""
    # What a run did not ask for may not be there.
    networks = [
        results / path for path in network_tables(study) if path.endswith(".md")
    ]
    for file in [*filter(Path.exists, networks), *files]:
        yield file.read_text(encoding="utf-8")
    there = [path for path in figures(study) if (results / path).exists()]
    if there:
        names = ", ".join(dict.fromkeys(Path(path).stem for path in there))
        yield textwrap.fill(f"Figures in {folder}, as .svg, .pdf and .png: {names}", 80)
    yield from warnings(study, results)


def full_disks(folders: Iterable[Path]) -> Iterator[str]:
    """Yield a line on each folder whose disk is full.

    Then a job that fails for it may not even find the space to say so in its log.
    """
    for folder in folders:
        if folder.exists() and shutil.disk_usage(folder).free < LEAST_SPACE:
            yield (
                f"The disk on which {folder} lies is full; make space there, and run "
                "again"
            )


def warnings(study: StudyPlan, results: Path) -> Iterator[str]:
    """Yield what looks wrong about a study's data; their jobs' logs say it, too."""
    for name, made in study.problems.items():
        try:
            path = results / path_of(name, made.key)
            _, description, _ = load_described(path, made.key)
        except (ThawError, OSError):
            continue  # whoever learns from it says so
        for note in description.notes:
            if note.startswith("warning: "):
                yield f"{name}: {visible(note)}"
