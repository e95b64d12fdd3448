"""Thaw itself: standalone networks drawn and trained as its training job does it."""

import math

import common
import numpy as np

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import State, Training
from thaw.learning.training import fix_rounding, shuffled_orders, train

SEED = 1


def train_task(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy, nan if it is not measured."""
    fix_rounding()
    problem = Problem(*data, task.classes)
    training = Training(task.epochs, task.batch_size, task.learning_rate)
    network = FullyConnected(task.features, task.hidden, task.classes)
    repeats = range(task.repeats)

    def start(some: range) -> State:
        return network.draw(list(network.groups), SEED, seeds.REPEAT, some)

    if task.evaluate:
        parts = train(network, start, problem, training, SEED, seeds.REPEAT, repeats)
        final = [part.reached.history.test_accuracy[:, -1] for part in parts]
        return np.concatenate(final).mean()
    # The loop of `thaw.learning.training` without what it measures.
    rows = len(problem.train_x)
    size = network.at_once(rows)
    for first in range(0, task.repeats, size):
        some = repeats[first : first + size]
        learner = network.learner(start(some), problem, training, ())
        for order in shuffled_orders(SEED, seeds.REPEAT, some, rows, task.epochs):
            learner.epoch(order)
    return math.nan


if __name__ == "__main__":
    common.time_runs(train_task)
