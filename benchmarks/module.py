"""A module's training: Thaw's general learner beside a plain PyTorch loop.

    .venv/bin/python benchmarks/module.py

Both train the same network from the same weights, in the same order, on one thread.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from measure import ROOT, markdown, run, start, use_cores, versions, write_report
from torch import nn
from torch.nn.functional import cross_entropy

from thaw.data.problem import Problem
from thaw.learning.learner import State
from thaw.learning.module import ModuleNetwork
from thaw.learning.module_learner import torch_optimizer
from thaw.learning.seeds import FIRST
from thaw.learning.settings import Training
from thaw.learning.training import fix_rounding, learn, shuffled_orders

SIDE, CLASSES = 16, 10
TRAIN, TEST = 1_000, 500
# The convolutions, each with the layers after it, and the output.
GROUPS = ("0", "2", "5", "8", "12")

NOTES = f"""\
A convolutional network of {{weights:,}} weights ({SIDE} by {SIDE} points, {CLASSES}
classes) learns from {TRAIN:,} images in batches of 32, {{epochs}} epochs, and is scored
on all of them and on {TEST} others before the first epoch and after each. A cell is
CPU seconds a network, the median of {{runs}} runs, Thaw's and the loop's in turns.
Everything counts that comes after the data are in memory, except drawing weights.

The loop is the usual one: `eval()` on frozen layers and no gradient for them, `train()`
on the rest, and an optimizer of the rest. It passes the images through frozen layers in
each epoch, Thaw once; both end with the same weights, to the bit."""


IMAGES = 2_000
OF_RESNET = f"""\
torchvision's ResNet-18 (11 million weights) learns from {IMAGES:,} images of 64 by 64
points in three colours, in batches of 32. An epoch is the training alone; after each,
train and test set are looked at, here {IMAGES:,} images. The module does not declare
that its parts run in sequence, so frozen layers are computed in each epoch."""


def network() -> nn.Sequential:
    """Return the network."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(64 * (SIDE // 8) ** 2, CLASSES),
    )


def make_problem() -> Problem:
    """Return noisy images of a bright spot, whose place is the class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, TRAIN + TEST)
    x = rng.normal(size=(len(y), SIDE, SIDE))
    x[np.arange(len(y)), 3 + y, 12 - y] += 4
    x = x.reshape(len(y), -1).astype(np.float32)
    rows = np.arange(TRAIN, TRAIN + TEST)
    return Problem(x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:], rows, CLASSES)


def by_thaw(problem: Problem, training: Training, frozen: int) -> Callable[[], State]:
    """Return a function that trains one network and returns its weights."""
    kind = ModuleNetwork(network, GROUPS, (1, SIDE, SIDE))
    start = kind.draw(GROUPS, FIRST)

    def train() -> State:
        orders = shuffled_orders(FIRST, TRAIN, training.epochs or 0)
        learner = kind.learner(start, problem, training, GROUPS[:frozen])
        learn(learner, problem, orders)
        return {name: values[0] for name, values in learner.state().items()}

    return train


def by_loop(problem: Problem, training: Training, frozen: int) -> Callable[[], State]:
    """Return the same with the usual loop."""
    kind = ModuleNetwork(network, GROUPS, (1, SIDE, SIDE))
    start = {n: v[0] for n, v in kind.draw(GROUPS, FIRST).items()}
    shape = (-1, 1, SIDE, SIDE)
    sets = [
        (torch.from_numpy(x).reshape(shape), torch.from_numpy(y))
        for x, y in (
            (problem.train_x, problem.train_y),
            (problem.test_x, problem.test_y),
        )
    ]

    @torch.no_grad()
    def score(module: nn.Module) -> list[tuple[float, float]]:
        module.eval()
        found = []
        for x, y in sets:
            logits = module(x)
            right = (logits.argmax(1) == y).float().mean()
            found.append((right.item(), cross_entropy(logits, y).item()))
        return found

    def train() -> State:
        orders = shuffled_orders(FIRST, TRAIN, training.epochs or 0)
        module = network()
        module.load_state_dict(start)
        end = int(GROUPS[frozen])
        still, rest = module[:end], module[end:]
        still.requires_grad_(False)
        optimizer = torch_optimizer(list(rest.parameters()), training)
        (x, y), _ = sets
        score(module)
        for order in orders:
            module.train()
            still.eval()
            for rows in order[0].split(training.batch_size):
                optimizer.zero_grad()
                cross_entropy(module(x[rows]), y[rows]).backward()
                optimizer.step()
            score(module)
        return module.state_dict()

    return train


def cpu_seconds(trains: list[Callable], runs: int) -> list[float]:
    """Return the median CPU seconds of each, taken in turns."""
    found: list[list[float]] = [[] for _ in trains]
    for _ in range(runs):
        for seconds, train in zip(found, trains, strict=True):
            start = time.process_time()
            train()
            seconds.append(time.process_time() - start)
    return [statistics.median(seconds) for seconds in found]


def resnet18() -> str:
    """Measure ResNet-18; return words and a table."""
    rows = []
    for frozen in (0, 3, 5):
        script = ROOT / "benchmarks/peers/resnet18.py"
        path = {"PYTHONPATH": os.pathsep.join([str(ROOT / "workflow"), *sys.path])}
        command = [sys.executable, script, str(IMAGES), str(frozen)]
        usage, output = run(command, environment=path)
        rows.append((f"{frozen} of 6", *output.split(), f"{usage.peak_mib:.0f}"))
    columns = ("groups frozen", "an epoch, CPU s", "a look, CPU s", "peak memory, MiB")
    return f"{OF_RESNET}\n\n{markdown(columns, rows)}"


def main(args: argparse.Namespace) -> None:
    """Measure everything and write the report."""
    fix_rounding()
    use_cores(1)
    problem, rows = make_problem(), []
    training = Training(args.epochs, 32, 0.05, momentum=0.9)
    whole = 0.0
    for frozen in range(len(GROUPS)):
        trains = [make(problem, training, frozen) for make in (by_thaw, by_loop)]
        ends = [train() for train in trains]
        same = all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
        thaw, loop = cpu_seconds(trains, args.runs)
        whole = whole or thaw
        cells = [f"{thaw:.2f}", f"{loop:.2f}", f"{thaw / loop:.2f}"]
        cells += [f"{whole / thaw:.1f}", "yes" if same else "no"]
        rows.append((f"{frozen} of {len(GROUPS)}", *cells))
    weights = sum(values.numel() for values in network().parameters())
    columns = [
        *("groups frozen", "Thaw", "the loop", "Thaw / loop"),
        *("times as fast as nothing frozen", "same weights in the end"),
    ]
    notes = NOTES.format(weights=weights, epochs=args.epochs, runs=args.runs)
    parts, environment = [notes, markdown(columns, rows)], []
    if args.resnet18:
        parts += ["## ResNet-18", resnet18()]
        environment.append(versions(sys.executable, ["torchvision"]))
    write_report(args.output, "A module's training", parts, *environment)


if __name__ == "__main__":
    resnet = {"action": "store_true", "help": "measure torchvision's ResNet-18, too"}
    start(
        main,
        __doc__,
        "module.md",
        epochs={"type": int, "default": 20, "help": "epochs (20)"},
        runs={"type": int, "default": 3, "help": "runs of each (3)"},
        resnet18=resnet,
    )
