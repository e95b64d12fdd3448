"""Instructions for a user-supplied trainer, and the meaning of its scores.

A trainer draws no rows and chooses no seeds: they come from the streams of our own
networks, so that repeat r gets the same in every variant and in every job.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.budget import budget
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

# Scores may be rounded to two digits.
ROUNDED = 0.0051


def written_by(problem: Problem) -> list[str]:
    """Return the names of scores that a trainer may write, the required one first."""
    train, train_loss, test, test_loss = names_of(TASKS[problem.task])
    return [test, test_loss, train, train_loss]


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


def steps_of(training: Mapping[str, Any], rows: int) -> list[int]:
    """Return the steps of gradient descent by the end of each epoch, `[epochs + 1]`.

    `training` is as in a recipe.
    """
    length = training.get("epochs"), training.get("steps")
    return [*budget(*length, training["batch_size"], rows).steps]


def groups_told(described: Mapping[str, Any], groups: Sequence[str]) -> dict[str, Any]:
    """Return a variant with its layers named by the trainer's `groups`.

    `described` numbers them, and leaves out defaults.
    """
    variant = Variant(**described)
    assert isinstance(variant.freeze, int)  # trainers know no other
    fresh = [len(groups) if layer == "output" else layer for layer in variant.fresh]
    return {
        "pretrained": variant.pretrained,
        "freeze": list(groups[: variant.freeze]),
        # Without named groups there is no output that could be fresh.
        "fresh": [groups[layer - 1] for layer in fresh if layer],
    }


def failed_in(predictions: np.ndarray, problem: Problem) -> np.ndarray:
    """Return which networks failed, judged by their predictions, bool `[R]`.

    They are as the task keeps them. A network failed if one of them is not a number, or
    if they are the same for all rows, up to `ROUNDING`.
    """
    lost = np.isnan(predictions.reshape(len(predictions), -1)).any(1)
    return TASKS[problem.task].same(predictions, problem, ROUNDING) | lost


def completed(
    scores: Mapping[str, np.ndarray], predictions: np.ndarray, problem: Problem
) -> dict[str, np.ndarray]:
    """Return a trainer's scores, float64 `[R]`, and those that predictions give.

    These are as the task keeps them, all nan for a network that failed. Scores that the
    trainer wrote itself are kept.
    Raises `ThawError` if a written score is not the score of its predictions.
    """
    task = TASKS[problem.task]
    failed = np.isnan(predictions.reshape(len(predictions), -1)).any(1)
    name, *_ = names = written_by(problem)[:2]
    exact = dict(zip(names, task.scores(predictions, problem.test_y), strict=True))
    # In another order of rows the two would differ by far more.
    wrong = _differ(scores[name], exact[name], problem) & ~failed
    if wrong.any():
        network = wrong.argmax()
        raise ThawError(
            f"networks[{network}]: its {name} is {scores[name][network]:g}, and that "
            f"of its predictions is {exact[name][network]:.4g}; write them in the "
            "order of networks and of test_x"
        )
    known = {name: np.where(failed, np.nan, values) for name, values in exact.items()}
    return known | dict(scores)


def _differ(written: np.ndarray, exact: np.ndarray, problem: Problem) -> np.ndarray:
    """Return where values of the task's own metric differ by more than rounding."""
    task = TASKS[problem.task]
    unit = 1 if task.has_classes else task.constant(problem).test_score
    return abs(written - exact) > ROUNDED * np.maximum(unit, exact)


def reached(
    scores: Mapping[str, np.ndarray],
    has_failed: np.ndarray,
    problem: Problem,
    learning_rate: float,
    history: Mapping[str, np.ndarray] | None = None,
    steps: Sequence[int] = (0,),
) -> Reached:
    """Return the outcome of networks from the final scores that a trainer wrote.

    `scores` are float64 `[R]` by the names of `written_by`; missing ones are nan. A
    network with a score that is not finite failed, too. `history` has all of them after
    each epoch, `[R, epochs + 1]`, and `steps` those taken by then; without it, scores
    count as those of epoch 0.
    Raises `ThawError` if the history ends in other scores.
    """
    columns = {name: values[:, None] for name, values in scores.items()}
    if history is not None:
        columns = _ended(history, scores, problem)
    # They must fit into float32, too.
    with np.errstate(over="ignore"):
        columns = {name: v.astype(np.float32) for name, v in columns.items()}
    lost = [~np.isfinite(values[:, -1]) for values in columns.values()]
    task, networks = TASKS[problem.task], len(has_failed)
    unknown = np.full((networks, len(steps)), np.nan, np.float32)
    return Reached(
        History(*(columns.get(name, unknown) for name in names_of(task))),
        Final(
            np.any([has_failed, *lost], axis=0),
            np.full(networks, len(steps) - 1, np.int64),
            np.full(networks, learning_rate, np.float64),
            unknown[:, 0],
        ),
        task.constant(problem),
        np.array(steps, np.int64),
        problem.task,
    )


def _ended(
    history: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    problem: Problem,
) -> dict[str, np.ndarray]:
    """Return a history whose last epoch has the final scores, where they are known."""
    name, *_ = written_by(problem)
    last = history[name][:, -1]
    wrong = _differ(last, scores[name], problem)
    if wrong.any():
        network = wrong.argmax()
        raise ThawError(
            f"networks[{network}]: its {name} is {scores[name][network]:g}, and "
            f"{last[network]:g} in the last epoch of its history; repeat there the row "
            "of the epoch that is kept"
        )
    return {
        name: np.column_stack([values[:, :-1], scores.get(name, values[:, -1])])
        for name, values in history.items()
    }
