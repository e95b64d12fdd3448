"""A study far beyond the textbook's, end to end: 101,000 fits of 1,000 source models.

Four variants, 25 repeats of each from every source model; everything else as shipped.
"""

import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import (
    Usage,
    change_config,
    copy_workflow,
    markdown,
    snakemake,
)

CORES = 2
SOURCE_MODELS = 1_000
STUDY = "large"
VARIANTS = ["standalone", "fixed-0", "fixed-1", "fixed-2"]
REPEATS_OF_EACH = 25  # source model

FOLDERS = ("results", "logs", ".snakemake")

# The rule of the jobs with logs in this folder.
RULES = {"source-models": "pretrain", "repeats": "train"}

# Here, the rules that train measure their jobs: they get a `benchmark:` for each log.
LOG = re.compile(r'    log:\n        "(logs/(?:source-models|repeats)/.*)\.log",\n')
BENCHMARK = r'\g<0>    benchmark:\n        "\1.benchmark.tsv"\n'

NOTES = f"""\
From an empty folder to all tables and figures of the study, once, on {CORES} cores. It
ran in two parts, so that each can be measured: `--until train`, and the rest, which is
gathering, tables and figures, with what starting Snakemake again costs. Source models
count as fits.

A rule's CPU time and memory are those of Snakemake's `benchmark:` files, which sample a
job now and then: they miss a job's last moments, and a job under half a second counts
as nothing. Rules that are not worth a job on a cluster have none. The row "the rest" is
the difference to the CPU time of all processes: those moments, tables and figures, and
Snakemake itself. Peak memory is the resident memory of the rule's
largest job, in the last row that of the largest single process."""


class Job(NamedTuple):
    """A job in Snakemake's `benchmark:` file; zero for a short one."""

    rule: str
    cpu_seconds: float
    peak_mib: float


def jobs_of(folder: Path) -> Iterator[Job]:
    """Yield the jobs that ran in a copy of the workflow."""
    logs = folder / "logs"
    for path in sorted(logs.rglob("*.benchmark.tsv")):
        part = path.relative_to(logs).parts[0]
        rule = RULES.get(part, path.name.removesuffix(".benchmark.tsv"))
        with path.open(newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        yield Job(rule, *(as_number(row[key]) for key in ("cpu_time", "max_rss")))


def as_number(text: str) -> float:
    """Read a number of a `benchmark:` file, in which NA means too short to tell."""
    return 0.0 if text == "NA" else float(text)


def megabytes(folder: Path) -> float:
    """Return the disk space of all files in a folder, in MB."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_blocks * 512 for path in files) / 1e6


def rules_table(jobs: Sequence[Job], usage: Usage) -> str:
    """Return a row for each rule: its jobs, CPU time, share of the total and memory."""
    rows = []
    for rule in {job.rule for job in jobs}:
        own = [job for job in jobs if job.rule == rule]
        peak = max(job.peak_mib for job in own)
        rows.append(
            (sum(job.cpu_seconds for job in own), rule, len(own), f"{peak:.0f}")
        )
    rows.sort(reverse=True)
    rest = usage.cpu_seconds - sum(seconds for seconds, *_ in rows)
    rows.append((rest, "the rest", "-", "-"))
    rows.append((usage.cpu_seconds, "all processes", len(jobs), usage.cells[2]))
    cells = [
        (rule, count, f"{seconds:.1f}", f"{seconds / usage.cpu_seconds:.1%}", peak)
        for seconds, rule, count, peak in rows
    ]
    return markdown(["rule", "jobs", "CPU s", "share", "peak MiB"], cells)


def new_study(folder: Path, source_models: int) -> int:
    """Copy the workflow with the study into a folder; return its number of fits."""
    study = {
        "source": "blobs-1",
        "target": "blobs-2",
        "variants": VARIANTS,
        "repeats": REPEATS_OF_EACH,
        "source_models": source_models,
    }
    change_config(copy_workflow(folder), studies={STUDY: study})
    rules = folder / "workflow/rules/jobs.smk"
    rules.write_text(LOG.sub(BENCHMARK, rules.read_text()))
    return source_models * (1 + len(VARIANTS) * REPEATS_OF_EACH)


def report(peers: Path | None) -> Iterator[str]:
    """Run the study; yield the part's tables."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fits = new_study(folder, SOURCE_MODELS)
        arguments = (STUDY, "--cores", str(CORES))
        training = snakemake(folder, *arguments, "--until", "train")
        rest = snakemake(folder, *arguments)
        again = snakemake(folder, *arguments)
        jobs = list(jobs_of(folder))
        sizes = [(name, megabytes(folder / name)) for name in FOLDERS]
    usage = Usage(
        training.wall_seconds + rest.wall_seconds,
        training.cpu_seconds + rest.cpu_seconds,
        max(training.peak_mib, rest.peak_mib),
    )
    share = f"{rest.cpu_seconds:.1f} CPU s, {rest.cpu_seconds / usage.cpu_seconds:.1%}"
    facts = [
        ["fits", fits],
        ["wall s", usage.cells[0]],
        ["CPU s, all processes", usage.cells[1]],
        ["CPU ms a fit, all included", f"{1000 * usage.cpu_seconds / fits:.1f}"],
        ["gathering, tables and figures", share],
        ["again, nothing to do: CPU s", again.cells[1]],
        *([f"{name}/, MB on disk", f"{size:.1f}"] for name, size in sizes),
    ]
    yield markdown(["", "value"], facts)
    yield rules_table(jobs, usage)
    yield NOTES
