"""Training alone: CPU time for a fit, Thaw's ensemble beside other ways to train it.

    .venv/bin/python benchmarks/training.py --peers .venv-peers/bin/python

The peers are the scripts in benchmarks/peers/; their Python needs the packages in
benchmarks/peers.txt.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from measure import ROOT, markdown, run, start, use_cores, versions, write_report

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


class Network(NamedTuple):
    """A network to train, for how long, and how many at once."""

    features: int
    hidden: list[int]
    classes: int
    epochs: int
    repeats: list[int]

    def __str__(self) -> str:
        widths = [self.features, *self.hidden, self.classes]
        return "-".join(map(str, widths))


class Method(NamedTuple):
    """A way to train; `script` is in benchmarks/peers/."""

    name: str
    script: str
    own_python: bool = False  # Thaw's, or else the peers'
    compiles: bool = False  # so its first run is cold
    option: str | None = None
    evaluates: bool = True  # on the train and test set after every epoch, on request


class Cost(NamedTuple):
    """CPU seconds of a fit, and whether they were measured at this many repeats."""

    seconds: float
    measured: bool


NETWORKS = [
    Network(2, [5, 5], 3, 100, [1, 10, 30, 100, 300, 1000, 3000]),
    Network(64, [32, 32], 10, 20, [1, 10, 30, 100]),
    Network(2, [256, 256], 3, 20, [1, 10, 30, 100]),
]
METHODS = [
    Method("Thaw", "thaw_ensemble", own_python=True),
    Method("Thaw's ensemble, autograd", "thaw_ensemble", True, option="autograd"),
    Method("JAX, vmap and scan", "jax_vmap", compiles=True),
    Method("PyTorch, `torch.func.vmap`", "torch_vmap"),
    Method("PyTorch, one after the other", "torch_loop"),
    Method("scikit-learn, one after the other", "sklearn_mlp", evaluates=False),
]

SCORED = "With scores on the whole train and test set after every epoch:"

NOTES = """\
A cell is CPU milliseconds a fit and, in brackets, how many times Thaw's in the same
column. Each cell is a process of its own, pinned to one core: the CPU time of all its
threads, the median of up to five runs. It counts from the data in memory to the last
score, with drawing initial weights and batch orders; it leaves out starting Python,
imports, making the data, and a warm-up of one epoch. JAX compiles a program for
each number of repeats instead: its cold row includes that, as every new process pays
it; the warm row is the same call again.

≈ marks a cell that was not run because it would have taken more than {budget:g} s: it
repeats the cost a fit of the largest run to its left. For fits one after the other that
is the cost; for the others it is an upper bound, as the cost still falls where more
repeats share a call.

All train on 500 rows of `make_blobs` and test on 500, in batches of 32, with SGD at a
learning rate of 0.01. All start from Keras's initial weights but scikit-learn, which
draws its own (Glorot uniform) and computes no scores after an epoch. Each draws with
its own generators: that the mean test accuracies, those of the largest run, agree as
far as so many repeats can tell shows that they do the same work. The peer with autograd
is Thaw with only the step of gradient descent replaced.
Thaw also evaluates once before training. Thaw splits what does not fit the cache into
several ensembles; JAX and `vmap` train all repeats in one call."""


def costs(
    method: Method,
    network: Network,
    evaluate: bool,
    peers: str,
    budget: float,
) -> tuple[dict[str, list[Cost]], float | None]:
    """Measure a method for each number of repeats.

    Returns costs by the name of the row, a warm and a cold one if the method compiles,
    and the mean test accuracy of the largest run, None if it was not evaluated.
    """
    python = sys.executable if method.own_python else peers
    cold, warm, accuracy, compiling = [], [], None, 0.0
    for repeats in network.repeats:
        if warm and compiling + warm[-1].seconds * repeats > budget:
            cold.append(cold[-1]._replace(measured=False))
            warm.append(warm[-1]._replace(measured=False))
            continue
        task = network._asdict() | {"repeats": repeats, "evaluate": evaluate}
        task |= {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
        print(f"{network}, {method.name}, {repeats}, {evaluate=}", file=sys.stderr)
        script = ROOT / f"benchmarks/peers/{method.script}.py"
        command = [python, script, json.dumps(task), *filter(None, [method.option])]
        result = json.loads(run(command, environment=ENVIRONMENT)[1].splitlines()[-1])
        seconds, accuracy = result["seconds"], result["test_accuracy"]
        typical = statistics.median(seconds[1:] if method.compiles else seconds)
        compiling = seconds[0] - typical
        cold.append(Cost(seconds[0] / repeats, True))
        warm.append(Cost(typical / repeats, True))
    if method.compiles:
        return {f"{method.name}, warm": warm, f"{method.name}, cold": cold}, accuracy
    return {method.name: warm}, accuracy


def rounded(number: float, digits: int) -> str:
    """Return a number with so many digits, or more if it is larger."""
    return f"{number:.{digits}g}" if number < 10**digits else f"{number:.0f}"


def cells(own: Sequence[Cost], row: Sequence[Cost]) -> Iterator[str]:
    """Yield a row's cells: milliseconds and the ratio to Thaw's."""
    for reference, cost in zip(own, row, strict=True):
        mark = "" if cost.measured and reference.measured else "≈ "
        ratio = cost.seconds / reference.seconds
        yield f"{mark}{rounded(1000 * cost.seconds, 3)} ({rounded(ratio, 2)}x)"


def network_table(network: Network, evaluate: bool, peers: str, budget: float) -> str:
    """Measure all methods on a network; return the table."""
    rows, own = [], None
    for method in METHODS:
        if evaluate and not method.evaluates:
            continue
        found, accuracy = costs(method, network, evaluate, peers, budget)
        for name, row in found.items():
            own = own or row
            rows.append([name, *cells(own, row)])
            if evaluate:
                rows[-1].append(f"{accuracy:.3f}")
    columns = ["repeats in one process", *network.repeats]
    if evaluate:
        columns.append("mean test accuracy")
    return markdown(columns, rows)


def main(args: argparse.Namespace) -> None:
    """Measure everything and write the report."""
    use_cores(1)
    parts = []
    for network in NETWORKS:
        if args.repeats:
            network = network._replace(repeats=args.repeats)
        parts.append(f"## {network}, {network.epochs} epochs")
        for evaluate in (True, False):
            parts.append(SCORED if evaluate else "Without these scores:")
            parts.append(network_table(network, evaluate, args.peers, args.budget))
    peers = versions(args.peers, ["torch", "jax", "scikit-learn", "numpy"])
    parts.insert(0, NOTES.format(budget=args.budget))
    write_report(args.output, "Training alone", parts, f"Peers: {peers}")


if __name__ == "__main__":
    budget = "seconds that one run may take; a longer one is not started (120)"
    start(
        main,
        __doc__,
        "training.md",
        peers={"required": True, "help": "the Python of the peers"},
        repeats={"type": int, "nargs": "+", "help": "instead of each network's own"},
        budget={"type": float, "default": 120, "help": budget},
    )
