"""Checks before a run: obstacles to it."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from thaw.errors import ThawError
from thaw.findings.metrics import check_requirements
from thaw.output.records import Archive
from thaw.plan.plan import Plan


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
