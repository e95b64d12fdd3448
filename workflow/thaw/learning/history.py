"""What one training reached, epoch by epoch."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class History(NamedTuple):
    """Scores on the whole train and test set after each epoch; epoch 0 is the start.

    Each is float32 `[R, epochs + 1]`. Losses are mean cross-entropies in nats.
    """

    train_accuracy: np.ndarray
    train_loss: np.ndarray
    test_accuracy: np.ndarray
    test_loss: np.ndarray


METRICS = History._fields


def joined(histories: Sequence[History]) -> History:
    """Return the histories of several ensembles as one."""
    return History(*(np.concatenate(column) for column in zip(*histories, strict=True)))


def final_scores(history: History) -> Iterator[tuple[np.float32, ...]]:
    """Yield, for each network, its scores after the last epoch, as in `METRICS`."""
    return zip(*(column[:, -1] for column in history), strict=True)
