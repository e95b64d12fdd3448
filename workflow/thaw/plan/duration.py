"""Estimate how long training will take from earlier runs."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from thaw.output.tiles import Tile
from thaw.plan.changes import jobs_to_run
from thaw.plan.plan import Plan

# Snakemake's own record of a job's duration.
BENCHMARK = ".benchmark.tsv"

# All networks together.
ANY = PurePosixPath()


def duration(plan: Plan, results: Path, logs: Path) -> Iterator[str]:
    """Yield how long the missing training will take on one core.

    A network takes as long as one of the same variant and target size did on average,
    whatever its settings were then; without one, as long as the average of all.
    """
    jobs = {
        job.stem: job.tile
        for name in plan.studies
        for job in jobs_to_run(plan, name, results)
    }
    if not jobs:
        return
    took = defaultdict[PurePosixPath, list[float]](lambda: [0.0, 0.0])
    for path in logs.glob(f"*/**/*{BENCHMARK}"):
        try:
            fits = Tile.named(path.name.removesuffix(BENCHMARK)).fits
            spent = _seconds(path)
        except (ValueError, KeyError, OSError):
            continue  # no training job's, or that of a job that was cut off
        for what in (_without_key(path.relative_to(logs).parent), ANY):
            took[what][0] += spent
            took[what][1] += fits
    if not took:
        yield "How long it takes is not known: nothing was trained in this folder yet."
        return
    seconds = 0.0
    for stem, tile in jobs.items():
        of_all, networks = took.get(_without_key(Path(stem).parent), took[ANY])
        seconds += tile.fits * of_all / networks
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
