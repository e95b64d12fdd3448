"""Seeds, rows and scores of what Thaw's learners do not train.

User-supplied trainers and reference estimators draw no rows and choose no seeds: they
come from the streams of our own networks, so that repeat r gets the same in every
variant and in every job.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.history import ROUNDING, Final, History, Reached, names_of
from thaw.learning.rows import narrowed_rows
from thaw.learning.settings import Variant
from thaw.learning.tasks import TASKS


def seeds_of(whose: seeds.Whose) -> list[int]:
    """Return a seed for each network, for any use; below 2³¹, as some libraries ask."""
    streams = whose.generators(seeds.WEIGHTS)
    return [int(stream.integers(2**31)) for stream in streams]


def rows_of(problem: Problem, whose: seeds.Whose, size: int | None) -> list[list[int]]:
    """Return the numbers of the train rows from which each network learns, from 0.

    Raises `ThawError` if the problem has fewer than `size`.
    """
    if size is None:
        return [list(range(len(problem.train_y)))] * len(whose.names)
    return narrowed_rows(problem, whose, size).tolist()


def with_group_names(
    settings: Mapping[str, Any], groups: Sequence[str]
) -> dict[str, Any]:
    """Return a variant with its layers named by the trainer's `groups`.

    `settings` number them, and leave out defaults.
    """
    variant = Variant(**settings)
    assert isinstance(variant.freeze, int)  # trainers know no other
    fresh = [len(groups) if layer == "output" else layer for layer in variant.fresh]
    return {
        "pretrained": variant.pretrained,
        "freeze": list(groups[: variant.freeze]),
        # Without named groups there is no output that could be fresh.
        "fresh": [groups[layer - 1] for layer in fresh if layer],
    }


def scored(predictions: np.ndarray, problem: Problem, learning_rate: float) -> Reached:
    """Return the outcome of networks from their predictions for the test rows.

    Predictions are as the task keeps them, all nan for a network that failed. Those
    that are the same for all rows, up to `ROUNDING`, come from one that failed, too.
    """
    task = TASKS[problem.task]
    lost = np.isnan(predictions.reshape(len(predictions), -1)).any(1)
    *_, score, loss = names_of(task)
    values = task.scores(predictions, problem.test_y)
    scores = {
        name: np.where(lost, np.nan, column)
        for name, column in zip((score, loss), values, strict=True)
    }
    failed = lost | task.same(predictions, problem, ROUNDING)
    return reached(scores, failed, problem, learning_rate)


def reached(
    scores: Mapping[str, np.ndarray],
    has_failed: np.ndarray,
    problem: Problem,
    learning_rate: float,
) -> Reached:
    """Return the outcome of networks from their final scores, as those of epoch 0.

    `scores` are float64 `[R]` by their names in tables; missing ones are nan. A network
    with a score that is not finite failed, too.
    """
    # They must fit into float32, too.
    with np.errstate(over="ignore"):
        columns = {name: v.astype(np.float32) for name, v in scores.items()}
    lost = [~np.isfinite(values) for values in columns.values()]
    task, networks = TASKS[problem.task], len(has_failed)
    unknown = np.full(networks, np.nan, np.float32)
    history = (columns.get(name, unknown)[:, None] for name in names_of(task))
    return Reached(
        history=History(*history),
        final=Final(
            failed=np.any([has_failed, *lost], axis=0),
            epoch=np.zeros(networks, np.int64),
            learning_rate=np.full(networks, learning_rate, np.float64),
            validation_loss=unknown,
        ),
        constant=task.constant(problem),
        steps=np.zeros(1, np.int64),
        task=problem.task,
    )
