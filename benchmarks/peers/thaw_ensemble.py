"""Thaw itself: standalone networks drawn and trained as its training job does it."""

import contextlib
import math
from unittest import mock

import common
import torch

import thaw.training
from thaw import seeds
from thaw.network import draw_network, fix_rounding, layer_sizes
from thaw.problems import Problem
from thaw.scores import joined
from thaw.training import Training, ensembles, shuffled_orders

SEED = 1


def without_evaluation() -> contextlib.AbstractContextManager:
    """Make Thaw's training loop measure nothing; the package has no such switch."""
    nothing = torch.tensor(math.nan)
    return mock.patch.object(
        thaw.training, "evaluate", lambda *arguments: (nothing, nothing)
    )


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    fix_rounding()
    problem = Problem(*data, task.classes)
    training = Training(task.epochs, task.batch_size, task.learning_rate)
    rows = len(problem.train_x)
    sizes = layer_sizes(task.features, task.hidden, task.classes)
    histories = []
    with contextlib.nullcontext() if task.evaluate else without_evaluation():
        for numbers in ensembles(
            range(task.repeats), rows, [task.features, *task.hidden]
        ):
            network = draw_network(sizes, SEED, seeds.REPEAT, numbers)
            orders = shuffled_orders(SEED, seeds.REPEAT, numbers, rows, task.epochs)
            histories.append(thaw.training.train(network, problem, orders, training))
    return joined(histories).test_accuracy[:, -1].mean()


if __name__ == "__main__":
    common.time_runs(train)
