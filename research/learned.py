"""Train the networks of populations, and score them on many test rows."""

import numpy as np
import torch

from thaw.data.problem import Problem
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Phase, SourceModels, stacked
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training, Variant
from thaw.learning.tasks import TASKS, Scale
from thaw.learning.training import train
from thaw.learning.variants import fresh_groups, start_repeats


def source_models(
    network: FullyConnected, problem: Problem, training: Training, whose: Whose
) -> SourceModels:
    """Return the source models of `whose`, numbered from 0."""
    every = list(network.groups)
    parts = train(
        network, lambda tile: network.draw(every, tile), _few(problem), training, whose
    )
    state = stacked([part.state for part in parts])
    return SourceModels(state, range(len(whose.names)))


def losses(
    network: FullyConnected,
    variant: Variant,
    models: SourceModels,
    problem: Problem,
    training: Training,
    whose: Whose,
    size: int | None = None,
) -> np.ndarray:
    """Return each repeat's loss on each test row, `[networks, rows]`.

    It is the size of the error or, for two classes, 1 where a network is right and -1
    where it is wrong: log-odds of being right.
    """
    inherited = models if variant.pretrained else None
    how = network, fresh_groups(variant, network, inherited), inherited
    phase = Phase(list(network.groups)[: variant.freeze])
    task, parts = TASKS[problem.task], []
    for part in train(
        network,
        lambda tile: start_repeats(*how, tile),
        _few(problem),
        training,
        whose,
        [phase],
        size,
    ):
        learner = network.learner(part.state, problem, training, phase)
        names = [f"label.{name}" for name in Scale._fields]
        scale = None
        if names[0] in part.state:
            scale = Scale(*(part.state[name].numpy() for name in names))
        with torch.no_grad():
            outputs = task.predictions(learner.outputs("test"), scale)
        parts.append(losses_of(outputs, problem.test_y))
    return np.concatenate(parts)


def losses_of(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the losses of predictions, as `losses`."""
    if outputs.ndim == 2:
        return abs(outputs - labels).astype(np.float32)
    return np.where(outputs.argmax(2) == labels, 1, -1).astype(np.int8)


def _few(problem: Problem) -> Problem:
    """Return a problem with two test rows.

    Scores are computed after each epoch, which takes long on many rows.
    """
    return problem._replace(test_x=problem.test_x[:2], test_y=problem.test_y[:2])
