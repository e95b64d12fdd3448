"""How long a network takes to learn on this machine."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.training import fix_rounding, train

# Networks that learn together share what a step costs.
NETWORKS, ROWS, EPOCHS = 10, 500, 3


def seconds_a_row(widths: Sequence[int], training: Mapping[str, Any]) -> float:
    """Return the CPU seconds of a network for each row that it learns from.

    widths: of features, hidden layers and outputs. A few epochs on random rows are
    timed, after one that does not count.
    """
    features, *hidden, outputs = widths
    x = np.random.default_rng(0).standard_normal((ROWS, features)).astype(np.float32)
    has_classes = outputs > 1
    y = np.arange(ROWS) % outputs if has_classes else x[:, 0].astype(float)
    problem = Problem(
        train_x=x,
        train_y=y,
        test_x=x,
        test_y=y,
        test_rows=np.arange(1, ROWS + 1),
        classes=outputs * has_classes,
        task="classification" if has_classes else "regression",
    )
    network = FullyConnected(features, hidden, outputs)
    start = partial(network.draw, [*network.groups])
    whose = Whose.repeats(0, [(0, number) for number in range(NETWORKS)])
    fix_rounding()
    ends = []
    for epochs in (1, 1 + EPOCHS):
        settings = Training(**{**training, "epochs": epochs})
        begin = time.process_time()
        [*train(network, start, problem, settings, whose)]
        ends.append(time.process_time() - begin)
    epoch = max(ends[1] - ends[0], 0.0) / EPOCHS
    return training["epochs"] * epoch / NETWORKS / ROWS
