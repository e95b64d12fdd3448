"""Scores of trained networks: histories and final scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from thaw.learning.tasks import TASKS, Constant, Task

if TYPE_CHECKING:
    from torch import Tensor


class History(NamedTuple):
    """Scores on the whole train and test set after each epoch; epoch 0 is the start.

    Each is float32 `[R, epochs + 1]`: the task's own metric and loss, in its units.
    """

    train_score: np.ndarray
    train_loss: np.ndarray
    test_score: np.ndarray
    test_loss: np.ndarray


METRICS = History._fields


# Outputs that differ by no more, relative to their size or to 1, count as the same.
# Equal rows come out unequal where a matrix's last columns are summed differently: by
# more than this in 1 of 20,000 logits (tried with 4 to 1,024 units). Networks that tell
# rows apart differ by far more, even if they give all of them one class.
ROUNDING = 1e-5


class Final(NamedTuple):
    """Values of the networks that are kept in the end, each `[R]`.

    failed: bool, whether a network's loss or a prediction is not finite, or its outputs
    are the same for all test rows.
    epoch: int64, the epoch after which the network was kept.
    learning_rate: float64, the one that led to it; nan for an estimator.
    validation_loss: float32, on the rows held out; inf if it is not finite, nan if none
    were held out.
    """

    failed: np.ndarray
    epoch: np.ndarray
    learning_rate: np.ndarray
    validation_loss: np.ndarray


class Reached(NamedTuple):
    """The scores of R networks, and those of the best constant prediction.

    steps: int64 `[epochs + 1]`, the steps of gradient descent by the end of each epoch.
    task: its name.
    """

    history: History
    final: Final
    constant: Constant
    steps: np.ndarray
    task: str


def names_of(task: Task) -> list[str]:
    """Return the names of `METRICS` in tables: `test_accuracy` for `test_score`."""
    names = {"score": task.score, "loss": task.loss}
    return [f"{part}_{names[kind]}" for part, kind in (m.split("_") for m in METRICS)]


def columns_of(task: str) -> list[str]:
    """Return the names of a network's final scores, as in tables."""
    return [*names_of(TASKS[task]), *Final._fields]


def joined(parts: Sequence[Reached]) -> Reached:
    """Return the scores of several ensembles as one."""
    histories, finals, *_ = zip(*parts, strict=True)
    return parts[0]._replace(
        history=joined_columns(histories), final=joined_columns(finals)
    )


Columns = TypeVar("Columns", History, Final)


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """Return several ensembles' columns `[R, …]` joined into one."""
    return type(parts[0])(*map(np.concatenate, zip(*parts, strict=True)))


def final_scores(reached: Reached) -> Iterator[tuple]:
    """Yield the final scores of each network, in the order of `columns_of`."""
    final = reached.final
    columns = final._asdict() | {"failed": final.failed.astype(int)}
    for name in ("learning_rate", "validation_loss"):
        columns[name] = ["" if np.isnan(value) else value for value in columns[name]]
    last = (kept(column, final.epoch) for column in reached.history)
    return zip(*last, *columns.values(), strict=True)


def failed(outputs: Tensor) -> np.ndarray:
    """Return which networks failed, bool `[R]`; outputs are `[R, width, rows]`.

    A network failed if an output is not finite, or if its outputs are the same for all
    rows, up to `ROUNDING`.
    """
    size = outputs.abs().amax(2).clamp(min=1)
    identical = outputs.amax(2) - outputs.amin(2) <= ROUNDING * size
    return (identical.all(1) | ~outputs.isfinite().all(2).all(1)).numpy()


def kept(column: np.ndarray, epoch: np.ndarray) -> np.ndarray:
    """Return each network's value at its epoch `[R]`, from `[R, epochs + 1]`."""
    return column[np.arange(len(column)), epoch]
