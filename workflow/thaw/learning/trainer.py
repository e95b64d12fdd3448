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
    ROUNDING,
    Final,
    History,
    Reached,
    names_of,
)
from thaw.learning.rows import narrowed_rows
from thaw.learning.settings import Variant
from thaw.learning.tasks import TASKS

# A trainer may write its scores with two digits.
ROUNDED = 0.0051


def written_by(problem: Problem) -> list[str]:
    """Return the names of scores that a trainer may write; the first is required."""
    train, train_loss, test, test_loss = names_of(TASKS[problem.task])
    return [test, test_loss, train, train_loss]


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
    fresh = [len(groups) if layer == "output" else layer for layer in variant.fresh]
    return {
        "pretrained": variant.pretrained,
        "freeze": list(groups[: variant.freeze]),
        # A trainer that names no groups has no output that could be fresh.
        "fresh": [groups[layer - 1] for layer in fresh if layer],
    }


def failed_in(said: np.ndarray, problem: Problem) -> np.ndarray:
    """Return which networks failed by what they predict, bool `[R]`.

    `said` is what the task keeps. A network failed if a number of its is none, or if
    it says the same of all rows, up to `ROUNDING`.
    """
    lost = np.isnan(said.reshape(len(said), -1)).any(1)
    return TASKS[problem.task].same(said, problem, ROUNDING) | lost


def completed(
    scores: Mapping[str, np.ndarray], said: np.ndarray, problem: Problem
) -> dict[str, np.ndarray]:
    """Return a trainer's scores, float64 `[R]`, with those that follow from `said`.

    `said` is what the task keeps of predictions, all nan for a network that failed.
    What the trainer wrote itself stands.
    Raises `ThawError` if what it wrote is not the score of its predictions.
    """
    task, failed = TASKS[problem.task], np.isnan(said.reshape(len(said), -1)).any(1)
    own, *_ = names = written_by(problem)[:2]
    found = dict(zip(names, task.scores(said, problem.test_y), strict=True))
    written = scores[own]
    # In another order of rows the two would differ by far more.
    unit = 1 if task.has_classes else task.constant(problem).test_score
    near = ROUNDED * np.maximum(unit, found[own])
    wrong = (abs(written - found[own]) > near) & ~failed
    if wrong.any():
        network = wrong.argmax()
        raise ThawError(
            f"networks[{network}]: its {own} is {written[network]:g}, and that of its "
            f"predictions is {found[own][network]:.4g}; write them in the order of "
            "networks and of test_x"
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

    `scores` are float64 `[R]` by the names of `written_by`. Scores that it did not
    write are nan. A network with a score that is not finite has failed as well. All
    scores count as those of epoch 0, since a trainer writes no history.
    """
    networks = len(said_to_have_failed)
    lost = [~np.isfinite(values) for values in scores.values()]
    failed = np.any([said_to_have_failed, *lost], axis=0)
    unknown = np.full(networks, np.nan)
    task = TASKS[problem.task]
    columns = (scores.get(name, unknown).astype(np.float32) for name in names_of(task))
    return Reached(
        History(*(column[:, None] for column in columns)),
        Final(
            failed,
            np.zeros(networks, np.int64),
            np.full(networks, learning_rate, np.float64),
            unknown.astype(np.float32),
        ),
        task.constant(problem),
        np.zeros(1, np.int64),
        problem.task,
    )
