"""Counts of the predictions of an arm's sound networks for each test row.

The predicted class is the first of those with the highest probability.
"""

import numpy as np


def predicted_counts(log_probabilities: np.ndarray) -> np.ndarray:
    """Return how many networks predict each class of each row, int64 `[rows, classes]`.

    log_probabilities are `[R, rows, classes]`. Counts of several jobs add up.
    """
    predicted = log_probabilities.argmax(2)
    classes = range(log_probabilities.shape[2])
    return np.stack([(predicted == one).sum(0) for one in classes], axis=1)


def share_right(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of networks that get each row right, float64 `[rows]`.

    counts are `[rows, classes]`, labels `[rows]`. Without any network it is nan.
    """
    right, all_of_it = counts[np.arange(len(labels)), labels], counts.sum(1)
    return np.divide(
        right, all_of_it, out=np.full(len(labels), np.nan), where=all_of_it > 0
    )


def confusion(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean confusion matrix, float64 `[classes, classes]`.

    Its rows are the classes, its columns those predicted; each row is divided by its
    sum. Arguments are as for `share_right`. Without any network it is nan.
    """
    found = np.zeros((counts.shape[1],) * 2)
    np.add.at(found, labels, counts)
    total = found.sum(1, keepdims=True)
    return np.divide(found, total, out=np.full_like(found, np.nan), where=total > 0)
