"""The textbook comparison, 120 fits with tables and box plot: Thaw beside Keras.

    .venv/bin/python benchmarks/textbook.py --peers .venv-peers/bin/python

The peer is benchmarks/peers/textbook_keras.py; its Python needs the packages in
benchmarks/peers.txt.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import (
    MEMORY_NOTE,
    ROOT,
    Usage,
    copy_workflow,
    markdown,
    median_usage,
    run,
    snakemake,
    start,
    use_cores,
    versions,
    write_report,
)

THIRTY = "repeats_per_job=30"

NOTES = f"""\
All are confined to the same cores. Thaw runs in a fresh copy of its tree. Its time
includes starting Snakemake and every job's Python, with a training job for each repeat
as shipped, and all that the study has beyond the textbook's means and box plot: scores
after every epoch, learning curves, comparisons, all figures. The Keras script is
one process; it loads, trains and evaluates one model after the other, as the
textbook does, with no scores after an epoch but those of the source model. Times are
medians over the runs.

{MEMORY_NOTE}"""


def thaw(cores: int, *config: str) -> Usage:
    """Measure the study `forward`, from nothing to its figures."""
    arguments = ["--cores", str(cores), "forward"]
    if config:
        arguments += ["--config", *config]
    with tempfile.TemporaryDirectory() as temporary:
        return snakemake(copy_workflow(Path(temporary)), *arguments)


def keras(python: str, backend: str) -> Usage:
    """Measure the textbook's script."""
    script = ROOT / "benchmarks/peers/textbook_keras.py"
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryDirectory() as folder:
        command = [python, script, folder]
        usage, output = run(command, environment=environment)
    print(f"Keras on {backend}:\n{output}")
    return usage


def main(args: argparse.Namespace) -> None:
    """Measure everything and write the report."""
    use_cores(args.cores)
    cores = args.cores
    cases: dict[str, Callable[[], Usage]] = {
        "Thaw as shipped": lambda: thaw(cores),
        "Thaw, `repeats_per_job=30`": lambda: thaw(cores, THIRTY),
        "Keras on TensorFlow": lambda: keras(args.peers, "tensorflow"),
        "Keras on JAX": lambda: keras(args.peers, "jax"),
    }
    rows, own = [], None
    for name, measure in cases.items():
        usage, runs = median_usage(measure)
        own = own or usage
        wall, cpu, peak = usage.cells
        slower = usage.wall_seconds / own.wall_seconds
        dearer = usage.cpu_seconds / own.cpu_seconds
        rows.append([name, wall, f"{slower:.2f}", cpu, f"{dearer:.2f}", peak, runs])
    columns = [
        *(f"4 variants, 30 repeats each, {cores} cores", "wall s"),
        *("times Thaw as shipped", "CPU s, all processes", "times Thaw as shipped"),
        *("peak MiB", "runs"),
    ]
    # CPU-only wheels belong to a package with another name.
    libraries = ["keras", "tensorflow", "tensorflow_cpu", "jax", "numpy"]
    peers = f"Peers: {versions(args.peers, libraries)}"
    parts = [markdown(columns, rows), NOTES]
    write_report(args.output, "The textbook comparison", parts, peers)


if __name__ == "__main__":
    start(
        main,
        __doc__,
        "textbook.md",
        peers={"required": True, "help": "the Python of the peers"},
        cores={"type": int, "default": 2, "help": "for each of them (2)"},
    )
