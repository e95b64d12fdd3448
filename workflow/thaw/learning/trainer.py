"""The instructions for a user-supplied trainer, and the meaning of its scores.

A trainer draws no rows and chooses no seeds: they come from the same streams as those
of our own networks, so that repeat r gets the same in every variant and in every job.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.history import (
    METRICS,
    ROUNDING,
    Final,
    History,
    Reached,
    constant_prediction,
)
from thaw.learning.rows import narrowed_rows
from thaw.learning.settings import Variant

# The scores that a trainer may write; the first is required.
WRITTEN = (
    *("test_accuracy", "test_balanced_accuracy", "test_loss"),
    *("train_accuracy", "train_loss"),
)

# A trainer may write its accuracies with two digits.
ROUNDED = 0.0051


def seeds_of(whose: seeds.Whose) -> list[int]:
    """Return a seed for each network, 0 to 2³² - 1, for whatever it draws."""
    streams = whose.generators(seeds.WEIGHTS)
    return [int(stream.integers(2**32)) for stream in streams]


def rows_of(problem: Problem, whose: seeds.Whose, size: int | None) -> list[list[int]]:
    """Return the numbers of the train rows from which each network learns, from 0.

    Raises `ThawError` if the problem has fewer than `size`.
    """
    if size is None:
        return [list(range(len(problem.train_y)))] * len(whose.names)
    return narrowed_rows(problem, whose, size).tolist()


def groups_told(described: Mapping[str, Any], groups: Sequence[str]) -> dict[str, Any]:
    """Return a variant with its layers by the names of the trainer's `groups`.

    `described` has them by number, without what is left at its default.
    """
    variant = Variant(**described)
    return {
        "pretrained": variant.pretrained,
        "freeze": list(groups[: variant.freeze]),
        "fresh": [
            groups[-1] if layer == "output" else groups[layer - 1]
            for layer in variant.fresh
        ],
    }


def failed_in(said: np.ndarray) -> np.ndarray:
    """Return which networks failed by what they say, bool `[R]`.

    `said` are log-probabilities `[R, rows, classes]`. A network failed if one is not a
    number, or if all rows have the same, up to `ROUNDING`.
    """
    size = np.maximum(1, abs(said).max(1))
    identical = (np.ptp(said, axis=1) <= ROUNDING * size).all(1)
    return identical | np.isnan(said).any((1, 2))


def completed(
    scores: Mapping[str, np.ndarray], said: np.ndarray, problem: Problem
) -> dict[str, np.ndarray]:
    """Return a trainer's scores, float64 `[R]`, with those that follow from `said`.

    `said` are log-probabilities `[R, rows, classes]`, all nan for a network that
    failed. What the trainer wrote itself stands.
    Raises `ThawError` if what it wrote is not the accuracy of its predictions.
    """
    labels, failed = problem.test_y, np.isnan(said).any((1, 2))
    right = said.argmax(2) == labels
    own = said[:, np.arange(len(labels)), labels]
    recalls = [right[:, labels == one].mean(1) for one in np.unique(labels)]
    found = {
        "test_accuracy": right.mean(1),
        "test_balanced_accuracy": np.mean(recalls, axis=0),
        "test_loss": -own.mean(1, dtype=np.float64),
    }
    written = scores["test_accuracy"]
    # In another order of rows the two would differ by far more.
    wrong = (abs(written - found["test_accuracy"]) > ROUNDED) & ~failed
    if wrong.any():
        network = wrong.argmax()
        raise ThawError(
            f"networks[{network}]: its test_accuracy is {written[network]:g}, and that "
            f"of its predictions is {found['test_accuracy'][network]:.4g}; write them "
            "in the order of networks and of test_x"
        )
    known = {name: np.where(failed, np.nan, values) for name, values in found.items()}
    return known | dict(scores)


def reached(
    scores: Mapping[str, np.ndarray],
    said_to_have_failed: np.ndarray,
    problem: Problem,
    learning_rate: float,
) -> Reached:
    """Return what networks reached, from the final scores that a trainer wrote.

    `scores` are float64 `[R]` by their names in `WRITTEN`. Scores that it did not write
    are nan. A network with a score that is not finite has failed as well. All
    scores count as those of epoch 0, since a trainer writes no history.
    """
    networks = len(said_to_have_failed)
    lost = [~np.isfinite(values) for values in scores.values()]
    failed = np.any([said_to_have_failed, *lost], axis=0)
    unknown = np.full(networks, np.nan)
    columns = {name: scores.get(name, unknown).astype(np.float32) for name in WRITTEN}
    return Reached(
        History(*(columns[name][:, None] for name in METRICS)),
        Final(
            columns["test_balanced_accuracy"],
            failed,
            np.zeros(networks, np.int64),
            np.full(networks, learning_rate, np.float64),
            unknown.astype(np.float32),
        ),
        constant_prediction(problem),
        np.zeros(1, np.int64),
    )
