"""Estimate how long training will take from earlier runs."""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from thaw.output.tiles import Tile
from thaw.plan.changes import jobs_to_run
from thaw.plan.plan import Plan

# Snakemake's own record of a job's duration.
BENCHMARK = ".benchmark.tsv"


def duration(plan: Plan, results: Path, logs: Path) -> Iterator[str]:
    """Yield how long the missing training will take on one core.

    A network takes as long as one of the same variant and target size did in its last
    job, whatever its settings were then; without one, as long as the mean of all jobs.
    """
    jobs = {
        job.stem: job.tile
        for name in plan.studies
        for job in jobs_to_run(plan, name, results)
    }
    if not jobs:
        return
    newest: dict[PurePosixPath, tuple[float, float]] = {}
    total = networks = 0.0
    for path in logs.glob(f"*/**/*{BENCHMARK}"):
        try:
            taken, fits = _seconds(path), Tile.named(path.name[: -len(BENCHMARK)]).fits
        except (ValueError, KeyError, OSError):
            continue  # the record of a job that was cut off
        total, networks = total + taken, networks + fits
        what = _without_key(path.relative_to(logs).parent)
        newest[what] = max(
            newest.get(what, (0, 0)), (path.stat().st_mtime, taken / fits)
        )
    if not networks:
        yield "How long it takes is not known: nothing was trained in this folder yet."
        return
    usual = 0.0, total / networks
    seconds = sum(
        tile.fits * newest.get(_without_key(Path(stem).parent), usual)[1]
        for stem, tile in jobs.items()
    )
    yield (
        f"About {max(round(seconds / 60), 1):,} min of one core, at the rate at which "
        "networks were trained in this folder before; several cores share it."
    )


def _without_key(folder: Path) -> PurePosixPath:
    """Return a folder of jobs without its key, to match it under any settings."""
    return PurePosixPath(*folder.parts[:-1], folder.name.rpartition("-")[0])


def _seconds(path: Path) -> float:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
