"""Thaw itself: standalone networks, drawn and trained as in its training job."""

import common
import numpy as np

from thaw.data.problem import Problem
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import State
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.training import fix_rounding, train

SEED = 1


def train_task(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    fix_rounding()
    problem = Problem(*data, np.arange(len(data.test_y)), task.classes)
    training = Training(task.epochs, task.batch_size, task.learning_rate)
    network = FullyConnected(task.features, task.hidden, task.classes, initial="keras")
    whose = Whose.repeats(SEED, ((0, number) for number in range(task.repeats)))

    def start(tile: Whose) -> State:
        return network.draw(list(network.groups), tile)

    parts = train(network, start, problem, training, whose)
    final = [part.reached.history.test_score[:, -1] for part in parts]
    return np.concatenate(final).mean()


if __name__ == "__main__":
    common.time_runs(train_task)
