"""How long networks and estimators take to learn on this machine."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.external.estimators import fit_repeats
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.training import fix_rounding, train
from thaw.plan.draft import Fits

# Networks that learn together share what a step costs.
NETWORKS = 10
# More rows take in proportion.
MOST_ROWS = 1_000


def seconds(fits: Fits) -> tuple[float, float]:
    """Return the CPU seconds of a network, and of all estimators together.

    The rows are random. A few epochs are timed, after one that does not count.
    """
    scale = max(fits.rows / MOST_ROWS, 1)
    problem = _random_problem(fits)
    features, *hidden, outputs = fits.widths
    network = FullyConnected(features, hidden, outputs)
    start = partial(network.draw, [*network.groups])
    whose = Whose.repeats(0, [(0, number) for number in range(NETWORKS)])
    fix_rounding()

    def learn(epochs: int) -> None:
        settings = Training(**{**fits.training, "epochs": epochs})
        for _ in train(network, start, problem, settings, whose):
            pass

    epochs = 3
    taken = _cpu_seconds(learn, 1 + epochs) - _cpu_seconds(learn, 1)
    of_network = max(taken, 0.0) * fits.training["epochs"] / epochs / NETWORKS
    of_estimators = 0.0
    for variant in fits.estimators:
        estimator = {"class": variant["estimator"], "arguments": variant["arguments"]}
        fit = fit_repeats, estimator, problem, whose.at([0]), None
        _cpu_seconds(*fit)  # with imports
        of_estimators += _cpu_seconds(*fit)
    return scale * of_network, scale * of_estimators


def _cpu_seconds(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def _random_problem(fits: Fits) -> Problem:
    rows, tested = min(fits.rows, MOST_ROWS), min(fits.tested, MOST_ROWS)
    features, *_, outputs = fits.widths
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows + tested, features)).astype(np.float32)
    classes = outputs if outputs > 1 else 0
    task = "classification" if classes else "regression"
    y = np.arange(len(x)) % classes if classes else rng.standard_normal(len(x))
    return Problem(
        train_x=x[:rows],
        train_y=y[:rows],
        test_x=x[rows:],
        test_y=y[rows:],
        test_rows=np.arange(1, tested + 1),
        classes=classes,
        task=task,
    )
