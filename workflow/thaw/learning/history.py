"""Scores of trained networks: histories, final scores, and the best constant's."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from thaw.data.problem import Problem


class History(NamedTuple):
    """Scores on the whole train and test set after each epoch; epoch 0 is the start.

    Each is float32 `[R, epochs + 1]`. Losses are mean cross-entropies in nats.
    """

    train_accuracy: np.ndarray
    train_loss: np.ndarray
    test_accuracy: np.ndarray
    test_loss: np.ndarray


METRICS = History._fields


# Outputs that differ by no more, relative to their size or to 1 nat, are the same.
# Equal rows come out unequal where a matrix's last columns are summed differently: by
# more than this in 1 of 20,000 logits (tried with 4 to 1,024 units). Networks that tell
# rows apart differ by far more, even if they give all of them one class.
ROUNDING = 1e-5


class Final(NamedTuple):
    """Measured only of the networks that are kept in the end, each `[R]`.

    test_balanced_accuracy: float32, the mean over classes of the share of a class's
    test rows that are predicted right.
    failed: bool, whether a network's loss or a prediction is not finite, or its outputs
    are the same for all test rows.
    epoch: int64, after which epoch this is.
    learning_rate: float64, at which it was reached.
    validation_loss: float32, of the rows held out; inf if it is not finite, nan where
    none were held out.
    """

    test_balanced_accuracy: np.ndarray
    failed: np.ndarray
    epoch: np.ndarray
    learning_rate: np.ndarray
    validation_loss: np.ndarray


class Constant(NamedTuple):
    """The scores of the best constant prediction on the test set.

    It gives every row the train set's shares of the classes as probabilities, and so
    predicts the commonest class.
    """

    test_accuracy: float
    test_loss: float
    test_balanced_accuracy: float


class Reached(NamedTuple):
    """The scores of R networks, and those of the best constant prediction.

    steps: int64 `[epochs + 1]`, the steps of gradient descent by the end of each epoch.
    """

    history: History
    final: Final
    constant: Constant
    steps: np.ndarray


def constant_prediction(problem: Problem) -> Constant:
    """Return the scores of the best constant prediction."""
    train = np.bincount(problem.train_y, minlength=problem.classes)
    test = np.bincount(problem.test_y, minlength=problem.classes)
    shares = test / test.sum()
    there = test > 0
    with np.errstate(divide="ignore"):  # a class that the train set lacks
        loss = -(shares[there] * np.log(train[there] / train.sum())).sum()
    return Constant(
        test_accuracy=float(shares[train.argmax()]),
        test_loss=float(loss),
        test_balanced_accuracy=float(there[train.argmax()] / there.sum()),
    )


# The scores of a network, as they stand in tables.
SCORES = (*METRICS, *Final._fields)


def joined(parts: Sequence[Reached]) -> Reached:
    """Return the scores of several ensembles as one."""
    histories, finals, constants, steps = zip(*parts, strict=True)
    return Reached(
        joined_columns(histories), joined_columns(finals), constants[0], steps[0]
    )


Columns = TypeVar("Columns", History, Final)


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """Return several ensembles' columns `[R, …]` as one, one after the other."""
    return type(parts[0])(*map(np.concatenate, zip(*parts, strict=True)))


def final_scores(reached: Reached) -> Iterator[tuple]:
    """Yield the final scores of each network, in the order of `SCORES`."""
    final = reached.final
    columns = final._asdict() | {
        "failed": final.failed.astype(int),
        "validation_loss": [
            "" if np.isnan(loss) else loss for loss in final.validation_loss
        ],
    }
    last = (kept(column, final.epoch) for column in reached.history)
    return zip(*last, *columns.values(), strict=True)


def kept(column: np.ndarray, epoch: np.ndarray) -> np.ndarray:
    """Return each network's value after its epoch `[R]`, of `[R, epochs + 1]`."""
    return column[np.arange(len(column)), epoch]
