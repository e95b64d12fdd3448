"""Snakemake's own share: the cost of a large study before and after its training.

    .venv/bin/python benchmarks/dag.py

In a copy of the workflow whose jobs only touch their files, a study of four variants
has so many training jobs. It is dry-run from nothing, rerun with nothing to do, and
rerun after one variant has changed. Then the training rule loses one part after
another, to show the cost of each.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from measure import (
    MEMORY_NOTE,
    Usage,
    change_config,
    copy_workflow,
    markdown,
    median_usage,
    snakemake,
    start,
    use_cores,
    write_report,
)

from thaw.output.tiles import tiles_of_repeats

CORES = 2
STUDY = "fan-out"
VARIANTS = {
    "standalone": {"pretrained": False},
    "fixed-0": {"freeze": 0},
    "fixed-1": {"freeze": 1},
    "fixed-2": {"freeze": 2},
}
CHANGED = {"fixed-2": {"freeze": 2, "fresh": ["output"]}}

# Parts removed from the training rule to show their cost: regular expressions and their
# replacements, each row's on top of those above.
LIGHTER = {
    "as shipped": {},
    "no `conda:`": {r"    conda:\n.*\n": ""},
    "no `benchmark:`": {r"    benchmark:\n.*\n": ""},
    "no `log:`": {r"    log:\n.*\n": "", r" \{log:q\}": ""},
}
LIGHTER_JOBS = 1200

# The numbers of repeats of each variant tried with `repeats_per_job: auto`.
AUTOMATIC_REPEATS = 12_500

NOTES = f"""\
Every job of the measured copy is a `touch` of its outputs and its log, with Snakemake's
own `benchmark:` file beside them; nothing is trained. Before the reruns Snakemake ran
each variant's first job that way; the others got copies of its files and of Snakemake's
records of it, since to make all of them Snakemake needs time quadratic in their number.
That is not measured. All else is Thaw as shipped, on {CORES} cores. Dry runs and reruns
with nothing to do are medians of up to three runs; with a stale variant there is one.

Reruns end with training (`--until train`). To start each of the three jobs that gather,
Snakemake looks for each input among those of every training job: a tenth of a second
for 1,000 of them, but minutes for 50,000.

A further job is the cost of a training job beyond those of the first row, so without
that of starting Snakemake: the same from row to row means linear. Files are those in
results/, logs/ and .snakemake/. `auto` is `repeats_per_job: auto` with
{AUTOMATIC_REPEATS} repeats of each variant; the other rows have a repeat a job.

{MEMORY_NOTE}"""

LIGHTER_NOTES = f"""\
The cost of a further job, from the first size above to {LIGHTER_JOBS} jobs, as one
thing after the other is taken from the training rule. The last row is a job with a
problem, source models, two outputs and a param."""

COLUMNS = ["wall s", "CPU s", "peak MiB", "CPU ms a job", "CPU ms a further job"]


class Size(NamedTuple):
    """The size of the study: the repeats of each variant and how they share jobs."""

    repeats: int
    repeats_per_job: int | Literal["auto"]

    @classmethod
    def lone(cls, jobs: int) -> "Size":
        """Return the size with so many training jobs, one for each repeat."""
        return cls(jobs // len(VARIANTS), 1)


class Result(NamedTuple):
    """A size's files and the costs of its runs; `stale` is None if it was skipped."""

    size: Size
    jobs: int
    files: int
    dry_run: Usage
    no_op: Usage
    stale: Usage | None
    stale_seconds: float  # measured, or expected


def stub_jobs(folder: Path) -> None:
    """Replace every rule's command by one that only touches its files."""
    command = 'shell: "touch {output:q} {log:q}"'
    for path in (folder / "workflow/rules").glob("*.smk"):
        rules = path.read_text(encoding="utf-8")
        stubs = re.sub(r'shell:\s+r""".*?"""', command, rules, flags=re.DOTALL)
        path.write_text(stubs, encoding="utf-8")


def run_study(folder: Path, *arguments: str) -> Usage:
    """Run the study in a copy of the workflow."""
    return snakemake(folder, STUDY, "--cores", str(CORES), *arguments)


def rerun_training(folder: Path) -> Usage:
    """Run the stale jobs of the study, up to its training jobs."""
    return run_study(folder, "--until", "train")


def write_study(folder: Path, size: Size) -> None:
    """Put the study into the config of a copy of the workflow."""
    study = {
        "source": "blobs-1",
        "target": "blobs-2",
        "variants": list(VARIANTS),
        **size._asdict(),
    }
    change_config(folder, variants=VARIANTS, studies={STUDY: study})


def make_files(folder: Path, size: Size) -> None:
    """Make the files of all training jobs of a study that has no results yet.

    Snakemake runs the first job of each variant. Copies of its files, and of
    Snakemake's records of them, stand for the other jobs.
    """
    first, *others = tiles_of_repeats(1, *size)
    write_study(folder, size._replace(repeats=first.fits))
    run_study(folder)
    for output in list(training_files(folder)):
        record = record_of(folder, output).read_text(encoding="utf-8")
        for job in others:
            copy = output.replace(first.name, job.name)
            shutil.copy(folder / output, folder / copy)
            text = record.replace(first.name, job.name)
            record_of(folder, copy).write_text(text, encoding="utf-8")
    for path in list((folder / "logs/repeats").rglob(f"{first.name}.*")):
        for job in others:
            shutil.copy(path, path.with_name(path.name.replace(first.name, job.name)))
    write_study(folder, size)


def training_files(folder: Path) -> Iterator[str]:
    """Yield the outputs of training jobs, as Snakemake names them."""
    for path in (folder / "results/repeats").rglob("models-*.*"):
        yield path.relative_to(folder).as_posix()


def record_of(folder: Path, output: str) -> Path:
    """Return the file that holds Snakemake's record of an output."""
    name = urlsafe_b64encode(output.encode()).decode()
    return folder / ".snakemake/metadata" / name


def training_jobs(folder: Path, since: float = 0) -> int:
    """Count the training jobs whose scores were written since then."""
    scores = [path for path in training_files(folder) if path.endswith(".csv")]
    return sum((folder / path).stat().st_mtime >= since for path in scores)


def count_files(folder: Path) -> int:
    """Count the files that runs have made."""
    made = [folder / name for name in ("results", "logs", ".snakemake")]
    return sum(path.is_file() for part in made for path in part.rglob("*"))


def measure(size: Size, previous: Result | None, budget: float) -> Result:
    """Measure one size, without the stale variant if that would take too long.

    The time is estimated from the previous size: beyond that of a rerun with nothing to
    do it grows quadratically, as the scheduling does.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = copy_workflow(Path(temporary))
        stub_jobs(folder)
        write_study(folder, size)
        dry_run, _ = median_usage(lambda: run_study(folder, "--dry-run"))
        make_files(folder, size)
        jobs, files = training_jobs(folder), count_files(folder)
        start = time.time()
        no_op, _ = median_usage(lambda: rerun_training(folder))
        if training_jobs(folder, start):
            sys.exit("a rerun with nothing to do ran training jobs")
        expected, stale = 0.0, None
        if previous:
            more = previous.stale_seconds - previous.no_op.wall_seconds
            growth = (jobs / previous.jobs) ** 2
            expected = no_op.wall_seconds + more * growth
        if expected <= budget:
            change_config(folder, variants=VARIANTS | CHANGED)
            start = time.time()
            stale = rerun_training(folder)
            expected = stale.wall_seconds
            if training_jobs(folder, start) != jobs / len(VARIANTS):
                sys.exit("a stale variant did not rerun exactly its training jobs")
        return Result(size, jobs, files, dry_run, no_op, stale, expected)


def measure_lighter(smallest: int) -> Iterator[tuple[str, float]]:
    """Yield how many CPU ms a further job's rerun takes as its rule gets lighter."""
    changes = {}
    for name, more in LIGHTER.items():
        print(name, file=sys.stderr)
        changes |= more
        few, many = (
            measure_no_op(Size.lone(jobs), changes) for jobs in (smallest, LIGHTER_JOBS)
        )
        further = (many.cpu_seconds - few.cpu_seconds) / (LIGHTER_JOBS - smallest)
        yield name, 1000 * further


def measure_no_op(size: Size, changes: Mapping[str, str]) -> Usage:
    """Measure a rerun with nothing to do, with the training rule changed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = copy_workflow(Path(temporary))
        stub_jobs(folder)
        path = folder / "workflow/rules/train.smk"
        rule = path.read_text(encoding="utf-8")
        for pattern, replacement in changes.items():
            rule, count = re.subn(pattern, replacement, rule)
            if not count:
                sys.exit(f"the training rule has no {pattern}")
        path.write_text(rule, encoding="utf-8")
        make_files(folder, size)
        return median_usage(lambda: rerun_training(folder))[0]


def usage_cells(usage: Usage, jobs: int, first: Usage, first_jobs: int) -> list[str]:
    """Return a row's cells: times, memory, CPU time of a job and a further one."""
    further = "-"
    if jobs > first_jobs:
        more = usage.cpu_seconds - first.cpu_seconds
        further = f"{1000 * more / (jobs - first_jobs):.2f}"
    return [*usage.cells, f"{1000 * usage.cpu_seconds / jobs:.2f}", further]


def tables(results: Sequence[Result]) -> Iterator[str]:
    """Yield the three tables, each under its heading."""
    first = results[0]
    first_stale = first.jobs // len(VARIANTS)
    dry_runs, no_ops, stale_runs = [], [], []
    for result in results:
        jobs, stale_jobs = result.jobs, result.jobs // len(VARIANTS)
        label = f"{jobs} (`auto`)" if result.size.repeats_per_job == "auto" else jobs
        cells = usage_cells(result.dry_run, jobs, first.dry_run, first.jobs)
        dry_runs.append([label, *cells])
        cells = usage_cells(result.no_op, jobs, first.no_op, first.jobs)
        no_ops.append([label, result.files, *cells])
        skipped = f"skipped, about {result.stale_seconds:.0f} expected"
        cells = [skipped, *["-"] * (len(COLUMNS) - 1)]
        if result.stale:
            cells = usage_cells(result.stale, stale_jobs, first.stale, first_stale)
        stale_runs.append([label, stale_jobs, *cells])

    yield "## Dry run from nothing"
    yield markdown(["training jobs", *COLUMNS], dry_runs)
    yield "## Rerun with nothing to do (target: at most 1 CPU ms a further job)"
    yield markdown(["training jobs", "files", *COLUMNS], no_ops)
    yield "## Rerun with one stale variant (times are for its jobs, not for all)"
    yield markdown(["training jobs", "stale ones", *COLUMNS], stale_runs)


def main(args: argparse.Namespace) -> None:
    """Measure all sizes and write the report."""
    use_cores(CORES)
    sizes = [Size.lone(jobs) for jobs in sorted(args.jobs)]
    if min(args.jobs) >= LIGHTER_JOBS:
        sys.exit(f"--jobs: one number must be less than {LIGHTER_JOBS}")
    lighter = [(name, f"{ms:.2f}") for name, ms in measure_lighter(min(args.jobs))]
    results = []
    for size in [*sizes, Size(AUTOMATIC_REPEATS, "auto")]:
        print(size, file=sys.stderr)
        results.append(measure(size, results[-1] if results else None, args.budget))
    parts = [
        NOTES,
        *tables(results),
        "## Where a rerun with nothing to do spends it",
        LIGHTER_NOTES,
        markdown(["the training rule", "CPU ms a further job"], lighter),
    ]
    write_report(args.output, "Snakemake's own share", parts)


if __name__ == "__main__":
    jobs = {"type": int, "nargs": "+", "default": [120, 1200, 12_000, 50_000]}
    words = "seconds that a rerun with a stale variant may take, or is skipped (1800)"
    start(
        main,
        __doc__,
        "dag.md",
        jobs=jobs | {"help": "how many training jobs (120 1200 12000 50000)"},
        budget={"type": float, "default": 1800, "help": words},
    )
