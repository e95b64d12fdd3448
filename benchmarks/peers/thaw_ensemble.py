"""Thaw itself: standalone networks, drawn and trained as in its training job.

With `autograd` after the task, the step of gradient descent uses autograd; everything
else is the same.
"""

import json
import sys
from collections.abc import Sequence

import common
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from thaw.data.problem import Problem
from thaw.learning.fully_connected import Ensemble, FullyConnected
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


def descend(learning_rate: float, matrices: Sequence[Tensor], x: Tensor, y: Tensor):
    """Take one step of gradient descent; see `thaw.learning.fully_connected`."""
    *hidden, output = [matrix.requires_grad_() for matrix in matrices]
    with torch.enable_grad():
        for matrix in hidden:
            x = torch.bmm(matrix, x).relu()
        logits = torch.bmm(output, x)
        loss = cross_entropy(logits, y, reduction="sum").div(x.shape[2])
    gradients = torch.autograd.grad(loss, matrices)
    for gradient in gradients[:-1]:
        gradient[:, -1] = 0  # the row that passes on the 1 does not learn
    torch._foreach_sub_(matrices, gradients, alpha=learning_rate)


if __name__ == "__main__":
    if sys.argv[2:] == ["autograd"]:
        rate = json.loads(sys.argv[1])["learning_rate"]
        Ensemble._descend = lambda self, x, y: descend(
            rate, [layer.matrix for layer in self._running], x, y
        )
    common.time_runs(train_task)
