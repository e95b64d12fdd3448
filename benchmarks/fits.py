"""A fit, alone and in company: CPU time a fit, Thaw's ensemble beside other ways.

The peers are the scripts in benchmarks/peers/.
"""

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import ROOT, markdown, run

# One thread, whatever does the products.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "PYTHONPATH": str(ROOT / "workflow"),
}
BATCH_SIZE = 32
LEARNING_RATE = 0.01


REPEATS = (1, 30, 300)

# Seconds that a run may take; a longer one is not started.
BUDGET = 60


class Network(NamedTuple):
    """A network to train, and for how long."""

    features: int
    hidden: list[int]
    classes: int
    epochs: int

    def __str__(self) -> str:
        widths = [self.features, *self.hidden, self.classes]
        return "-".join(map(str, widths))


class Method(NamedTuple):
    """A way to train; `script` is in benchmarks/peers/."""

    name: str
    script: str
    is_peer: bool = False  # so it runs in the peers' Python
    compiles: bool = False  # so its first run is cold


class Cost(NamedTuple):
    """CPU seconds of a fit, and whether they were measured at this many repeats."""

    seconds: float
    measured: bool


NETWORKS = (
    Network(2, [5, 5], 3, 100),
    Network(64, [32, 32], 10, 20),
    Network(2, [256, 256], 3, 20),
)
METHODS = (
    Method("Thaw", "thaw_ensemble"),
    Method("PyTorch, one after the other", "torch_loop"),
    Method("PyTorch, `torch.func.vmap`", "torch_vmap"),
    Method("JAX, vmap and scan", "jax_vmap", is_peer=True, compiles=True),
)

NOTES = f"""\
A cell is CPU milliseconds a fit and, in brackets, how many times Thaw's in the same
column; columns are how many repeats share a process. Each cell is a process of its own:
the CPU time of all its threads, the median of up to five runs, from the data in memory
to the last score, with scores on the whole train and test set after every epoch, and
with drawing initial weights and batch orders. It leaves out starting Python, imports,
making the data, and a warm-up of one epoch. JAX compiles a program for each number of
repeats instead: its cold row includes that, as every new process pays it; the warm row
is the same call again.

≈ marks a cell that was not run because it would have taken more than {BUDGET} s: it
repeats the cost a fit of the largest run to its left.

All train on 500 rows of `make_blobs` and test on 500, in batches of 32, with SGD at a
learning rate of 0.01, from Keras's initial weights. Each draws with generators of its
own; mean test accuracies, those of the largest run, agree as far as so many repeats can
tell, so all do the same work."""


def measure_costs(
    method: Method, network: Network, python: Path | str
) -> tuple[dict[str, list[Cost]], float]:
    """Measure a method for each number of repeats.

    Returns costs by the name of the row, a warm and a cold one if the method compiles,
    and the mean test accuracy of the largest run.
    """
    cold, warm, accuracy, compiling = [], [], 0.0, 0.0
    for repeats in REPEATS:
        if warm and compiling + warm[-1].seconds * repeats > BUDGET:
            cold.append(cold[-1]._replace(measured=False))
            warm.append(warm[-1]._replace(measured=False))
            continue
        task = network._asdict() | {"repeats": repeats}
        task |= {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
        print(f"{network}, {method.name}, {repeats}", file=sys.stderr)
        script = ROOT / f"benchmarks/peers/{method.script}.py"
        command = [python, script, json.dumps(task)]
        _, output = run(command, environment=ENVIRONMENT)
        result = json.loads(output.splitlines()[-1])
        seconds, accuracy = result["seconds"], result["test_accuracy"]
        typical = statistics.median(seconds[1:] if method.compiles else seconds)
        compiling = seconds[0] - typical
        cold.append(Cost(seconds[0] / repeats, True))
        warm.append(Cost(typical / repeats, True))
    if method.compiles:
        return {f"{method.name}, warm": warm, f"{method.name}, cold": cold}, accuracy
    return {method.name: warm}, accuracy


def rounded(number: float, digits: int) -> str:
    """Return a number with so many digits, or more where it is larger."""
    return f"{number:.{digits}g}" if number < 10**digits else f"{number:.0f}"


def cells(thaw: Sequence[Cost], row: Sequence[Cost]) -> Iterator[str]:
    """Yield a row's cells: milliseconds and the ratio to Thaw's."""
    for reference, cost in zip(thaw, row, strict=True):
        mark = "" if cost.measured and reference.measured else "≈ "
        ratio = cost.seconds / reference.seconds
        yield f"{mark}{rounded(1000 * cost.seconds, 3)} ({rounded(ratio, 2)}x)"


def network_table(network: Network, peers: Path | None) -> str:
    """Measure all methods on a network; return the table."""
    rows, thaw = [], None
    for method in METHODS:
        python = peers if method.is_peer else sys.executable
        if not python:
            continue
        measured, accuracy = measure_costs(method, network, python)
        for name, row in measured.items():
            thaw = thaw or row
            rows.append([name, *cells(thaw, row), f"{accuracy:.3f}"])
    return markdown(["repeats", *REPEATS, "mean test accuracy"], rows)


def report(peers: Path | None) -> Iterator[str]:
    """Yield the part's tables."""
    yield NOTES
    for network in NETWORKS:
        yield f"**{network}, {network.epochs} epochs**"
        yield network_table(network, peers)
