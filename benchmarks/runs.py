"""Whole runs: what they take from nothing, and when nothing is left to do.

Beside them stands the textbook's script in Keras (benchmarks/peers/textbook_keras.py).
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import (
    ROOT,
    Usage,
    change_config,
    copy_workflow,
    markdown,
    median_usage,
    run,
    snakemake,
)

CORES = ("--cores", "2")
RUNS: tuple[tuple[str, ...], ...] = (
    (),
    ("forward", "--config", "studies={forward: {repeats_per_job: 30}}"),
    ("forward",),
)
BACKENDS = {"Keras on TensorFlow": "tensorflow", "Keras on JAX": "jax"}
JOBS = (120, 1_200, 12_000)

COLUMNS = [
    *("run", "fits", "jobs that train", "wall s", "CPU s", "peak MiB"),
    *("again: wall s", "again: CPU s"),
]

NOTES = """\
From a copy of the repository without results to all tables, figures and pages; the
first is the config as shipped. `forward` is the textbook's comparison, four variants of
30 repeats, as shipped with a job for each; it has more than the textbook's means and
box plot: scores after every epoch, learning curves, comparisons. The Keras script is
one process that loads, trains and evaluates one model after the other, as the textbook
does. "Again" is the same command with nothing left to do. What takes less than a minute
is the median of up to three runs."""

PLANNING = """\
What Snakemake takes to plan a study from nothing (`snakemake -n`), by the number of
jobs that train. `repeats_per_job: auto` keeps them few."""


def first_and_again(*arguments: str) -> list[object]:
    """Return a row's cells: a run from nothing, and the same once more."""
    with tempfile.TemporaryDirectory() as temporary:
        folders = (Path(temporary, str(number)) for number in range(9))

        def first() -> Usage:
            nonlocal folder
            folder = copy_workflow(next(folders))
            return snakemake(folder, *CORES, *arguments)

        folder = Path()
        usage = median_usage(first)
        again = median_usage(lambda: snakemake(folder, *CORES, *arguments))
        scores = [
            path
            for kind in ("repeats", "source-models")
            for path in (folder / "results" / kind).rglob("models-*.csv")
        ]
        fits = sum(len(path.read_text().splitlines()) - 1 for path in scores)
    return [fits, len(scores), *usage.cells, *again.cells[:2]]


def keras(peers: Path, backend: str) -> Usage:
    """Measure the textbook's script."""
    script = ROOT / "benchmarks/peers/textbook_keras.py"
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryDirectory() as folder:
        return run([peers, script, folder], environment=environment)[0]


def planning(jobs: int) -> Usage:
    """Measure a dry run of a study with so many jobs that train, a repeat each."""
    variants = {f"fixed-{freeze}": {"freeze": freeze} for freeze in range(3)}
    variants["standalone"] = {"pretrained": False}
    study = {
        "source": "blobs-1",
        "target": "blobs-2",
        "variants": list(variants),
        "baseline": "standalone",
        "repeats": jobs // len(variants),
        "repeats_per_job": 1,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = copy_workflow(Path(temporary, "copy"))
        change_config(folder, variants=variants, studies={"fan-out": study}, maps={})
        return median_usage(lambda: snakemake(folder, *CORES, "--dry-run", "fan-out"))


def help_text() -> Usage:
    """Measure `thaw --help`."""
    command = [Path(sys.executable).with_name("thaw"), "--help"]
    environment = {"PYTHONPATH": str(ROOT / "workflow")}
    return median_usage(lambda: run(command, environment=environment)[0])


def report(peers: Path | None) -> Iterator[str]:
    """Yield the part's tables."""
    rows = []
    for arguments in RUNS:
        command = shlex.join(["snakemake", *CORES, *arguments])
        rows.append([f"`{command}`", *first_and_again(*arguments)])
    if peers:
        for name, backend in BACKENDS.items():
            usage = median_usage(lambda backend=backend: keras(peers, backend))
            rows.append([name, 121, "", *usage.cells, "", ""])
    yield markdown(COLUMNS, rows)
    yield NOTES
    yield PLANNING
    plans = [(jobs, planning(jobs)) for jobs in JOBS]
    few, least = plans[0]
    rows = []
    for jobs, usage in plans:
        more = 1000 * (usage.cpu_seconds - least.cpu_seconds)
        further = f"{more / (jobs - few):.2f}" if jobs > few else ""
        rows.append([jobs, *usage.cells, further])
    yield markdown(
        ["jobs that train", "wall s", "CPU s", "peak MiB", "CPU ms a further job"], rows
    )
    helped = help_text()
    yield (
        f"`thaw --help` takes {helped.wall_seconds:.2f} s "
        f"({helped.cpu_seconds:.2f} s of CPU)."
    )
