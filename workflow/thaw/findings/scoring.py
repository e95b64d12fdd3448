"""The metrics of `metrics`, a function each under its own name, for many networks.

A function takes `labels` `[rows]` and the predictions of R networks, and returns
float64 `[R]`. For classes, labels are int64 and `predictions` holds log-probabilities,
float64 `[R, rows, classes]`; the predicted class is the first of those with the
highest. For metrics of two classes, class 1 is the positive one. For numbers, labels
are float64 and `predictions` is float64 `[R, rows]`.

Values are scikit-learn's, except where it has none: metrics of classes other than means
over rows are nan if a class has no rows, and R² if all labels are equal.
A network's bytes do not depend on which others are computed with it.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of rows that are predicted right."""
    return means(_is_right(labels, predictions))


def log_loss(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean over rows of minus the log-probability of the true class."""
    return means(_log_losses(labels, predictions))


def brier_score(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean squared error of the positive class's probability."""
    return means(_brier_scores(labels, predictions))


def balanced_accuracy(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean recall over classes."""
    return means(_recalls(_confusion(labels, predictions)))


def f1_macro(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean F1 over classes."""
    return means(_f1s(_confusion(labels, predictions)))


def f1(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return F1 of the positive class, the harmonic mean of precision and recall."""
    return _f1s(_confusion(labels, predictions))[:, 1]


def precision(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of positives among rows predicted positive; 0 if none is."""
    counts = _confusion(labels, predictions)
    return counts[:, 1, 1] / np.maximum(counts[:, :, 1].sum(1), 1)


def recall(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of positive rows that are predicted positive."""
    return _recalls(_confusion(labels, predictions))[:, 1]


def matthews_corrcoef(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the correlation of true and predicted classes (Gorodkin 2004).

    It is 0 for a network that predicts one class only.
    """
    counts = _confusion(labels, predictions)
    true, predicted = counts.sum(2), counts.sum(1)
    rows = len(labels)
    shared = rows * np.trace(counts, axis1=1, axis2=2) - (true * predicted).sum(1)
    spread = (rows**2 - (true**2).sum(1)) * (rows**2 - (predicted**2).sum(1))
    return shared / np.sqrt(np.where(spread == 0, 1, spread))


def roc_auc(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the chance that a positive ranks above a negative, ties counting half."""
    return _auc(labels == 1, log_odds(predictions))


def roc_auc_ovr(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean over classes of each one's AUC against the rest."""
    classes = range(predictions.shape[2])
    return means(
        np.stack([_auc(labels == c, predictions[:, :, c]) for c in classes], axis=1)
    )


def average_precision(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean over positives of the precision among rows ranked as high."""
    positive = labels == 1
    if positive.all() or not positive.any():
        return np.full(len(predictions), np.nan)
    scores = log_odds(predictions)
    order = np.argsort(-scores, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    positives = positive[order].cumsum(axis=1)
    # Rows with equal scores are found together, with the last of them.
    is_last = np.ones(scores.shape, dtype=bool)
    is_last[:, :-1] = scores[:, 1:] != scores[:, :-1]
    so_far = np.maximum.accumulate(np.where(is_last, positives, 0), axis=1)
    new = np.diff(so_far, axis=1, prepend=0)
    precisions = positives / np.arange(1, len(labels) + 1)
    return _sums(new * precisions) / positive.sum()


def mean_absolute_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean absolute error, in the label's unit."""
    return means(_absolute_errors(labels, predictions))


def mean_squared_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the mean squared error, in the label's unit squared."""
    return means(_squared_errors(labels, predictions))


def root_mean_squared_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the root of the mean squared error, in the label's unit."""
    return np.sqrt(mean_squared_error(labels, predictions))


def median_absolute_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the median absolute error, in the label's unit."""
    return np.median(_absolute_errors(labels, predictions), axis=1)


def r2(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the share of the labels' variance that is explained."""
    # Not by the variance, which rounding makes more than 0.
    if np.ptp(labels) == 0:
        return np.full(len(predictions), np.nan)
    return 1 - mean_squared_error(labels, predictions) / labels.var()


def log_odds(predictions: np.ndarray) -> np.ndarray:
    """Return the ranking scores, float64 `[R, rows]`: the positive class's log-odds.

    Unlike probabilities they do not round to 1.
    """
    return predictions[:, :, 1] - predictions[:, :, 0]


def means(values: np.ndarray) -> np.ndarray:
    """Return means over axis 1 that do not depend on the layout in memory."""
    return _sums(values) / values.shape[1]


def _is_right(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return (predictions.argmax(2) == labels).astype(np.float64)


def _log_losses(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return -np.take_along_axis(predictions, labels[None, :, None], axis=2)[:, :, 0]


def _brier_scores(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return (np.exp(predictions[:, :, 1]) - labels) ** 2


def _absolute_errors(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return np.abs(predictions - labels)


def _squared_errors(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return (predictions - labels) ** 2


# The values of rows, float64 `[R, rows]`, whose means these metrics are.
PER_ROW: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "accuracy": _is_right,
    "log_loss": _log_losses,
    "brier_score": _brier_scores,
    "mean_absolute_error": _absolute_errors,
    "mean_squared_error": _squared_errors,
}


def _sums(values: np.ndarray) -> np.ndarray:
    # The order in which numbers are added depends on the layout.
    return np.ascontiguousarray(values).sum(1)


def _auc(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the AUC by the mid-ranks of the positives (Mann and Whitney 1947)."""
    count, negatives = positive.sum(), (~positive).sum()
    if not (count and negatives):
        return np.full(len(scores), np.nan)
    ranks = rankdata(scores, axis=1)[:, positive]
    return (_sums(ranks) / count - (count + 1) / 2) / negatives


def _confusion(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return counts by class and predicted class, float64 `[R, classes, classes]`.

    They, and everything that follows from them, are nan if a class has no rows.
    """
    networks, _, classes = predictions.shape
    if len(np.unique(labels)) < classes:
        return np.full((networks, classes, classes), np.nan)
    pairs = labels * classes + predictions.argmax(2)
    cells = pairs + classes**2 * np.arange(networks)[:, None]
    counts = np.bincount(cells.ravel(), minlength=networks * classes**2)
    return counts.reshape(networks, classes, classes).astype(np.float64)


def _recalls(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=1, axis2=2) / counts.sum(2)


def _f1s(counts: np.ndarray) -> np.ndarray:
    right = np.diagonal(counts, axis1=1, axis2=2)
    return 2 * right / (counts.sum(1) + counts.sum(2))
