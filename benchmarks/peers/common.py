"""Shared by Thaw and its peers: the task, its data, and the timing.

A peer is a script that takes a task as JSON, trains it and prints one line of JSON:
`seconds`, the CPU seconds of each of several runs, and `test_accuracy`, the mean over
repeats of what the last run reached. Train and test set are scored after every epoch.
"""

import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.datasets import make_blobs

ROWS = 1000
TRAIN_SIZE = 500

# The number of runs of a task, unless they take so many CPU seconds in all.
MOST_RUNS = 5
ENOUGH_SECONDS = 10


class Task(NamedTuple):
    """The task: `repeats` networks, each from its own start, in its own order."""

    features: int
    hidden: tuple[int, ...]
    classes: int
    epochs: int
    batch_size: int
    learning_rate: float
    repeats: int

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Each layer's inputs and outputs, the output layer last."""
        widths = [self.features, *self.hidden, self.classes]
        return list(itertools.pairwise(widths))


class Data(NamedTuple):
    """A problem: features float32 `[rows, features]`, labels int64 `[rows]`."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def make_data(task: Task) -> Data:
    """Draw the blobs in the same way as the textbook's target problem."""
    x, y = make_blobs(
        n_samples=ROWS,
        centers=task.classes,
        n_features=task.features,
        cluster_std=2,
        random_state=2,
    )
    x, y = x.astype(np.float32), y.astype(np.int64)
    return Data(x[:TRAIN_SIZE], y[:TRAIN_SIZE], x[TRAIN_SIZE:], y[TRAIN_SIZE:])


def initial_limits(task: Task) -> list[float]:
    """Return the bounds of each layer's uniform initial weights, as in Keras.

    Hidden layers are He uniform, the output layer Glorot uniform.
    """
    *hidden, output = task.shapes
    return [math.sqrt(6 / fan_in) for fan_in, _ in hidden] + [
        math.sqrt(6 / sum(output))
    ]


def time_runs(train: Callable[[Task, Data], float], warm_up: bool = True) -> None:
    """Time `train`, which returns the mean test accuracy, and print the result.

    A warm-up trains one epoch beforehand, so that one-off work of a library is not
    counted. Without one, the first run is cold and at least a second one follows.
    """
    task = Task(**json.loads(sys.argv[1]))
    task = task._replace(hidden=tuple(task.hidden))
    data = make_data(task)
    if warm_up:
        train(task._replace(epochs=1), data)
    least = 1 if warm_up else 2
    seconds, accuracy = [], math.nan
    while len(seconds) < least or (
        len(seconds) < MOST_RUNS and sum(seconds) < ENOUGH_SECONDS
    ):
        start = time.process_time()
        accuracy = train(task, data)
        seconds.append(time.process_time() - start)
    print(json.dumps({"seconds": seconds, "test_accuracy": float(accuracy)}))
