"""Scores that tell without training how well source models might transfer.

They look at a source model and the rows of the target that a repeat from it learns
from. In all of them more is better.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold

# The fixed point is near after three or four steps; only features that tell nothing
# take many.
STEPS = 200
CONVERGED = 1e-8

# The parts of a cross-validation, and the penalties of a ridge regression.
FOLDS = 5
PENALTIES = np.logspace(-2, 4, 7)


def scores(
    labels: np.ndarray, features: np.ndarray, has_classes: bool
) -> dict[str, float]:
    """Return the scores of a source model by name.

    labels: of the target's rows, `[rows]`: classes, or numbers as networks learn them.
    features: what the source model's groups pass on to its output, `[rows, width]`. A
    score is nan if the source model failed, or if all labels are the same.
    """
    if np.ptp(labels) == 0 or not np.isfinite(features).all():
        return {"logme": np.nan, "linear_probe": np.nan}
    wide = features.astype(np.float64)
    return {
        "logme": logme(wide, labels, has_classes),
        "linear_probe": probe(wide, labels, has_classes),
    }


def logme(features: np.ndarray, labels: np.ndarray, has_classes: bool) -> float:
    """Return the maximum evidence of a Bayesian linear model, its logarithm by row.

    Labels are numbers with noise around a linear function of the features: its weights
    have a normal prior of precision alpha, the noise one of precision beta. Both are
    those of the largest evidence. Classes are told one from the rest, and count
    equally (LogME: You et al., "LogME: Practical Assessment of Pre-trained Models for
    Transfer Learning", ICML 2021; the fixed point: You et al., "Ranking and Tuning
    Pre-trained Models", JMLR 23, 2022).

    The evidence depends on alpha / beta alone, because the best beta follows from it.
    Their code counts directions in which the rows do not vary as if they did; where
    there are more features than rows, that adds a term to the evidence. It is left out.
    """
    targets = labels[:, None].astype(np.float64)
    if has_classes:
        targets = (labels[:, None] == np.unique(labels)).astype(np.float64)
    left, values, _ = np.linalg.svd(features, full_matrices=False)
    rank = int((values > values.max() * len(features) * np.finfo(float).eps).sum())
    # Squares: of the singular values, and of the labels along their directions.
    spread = values[:rank] ** 2
    along = (left[:, :rank].T @ targets) ** 2
    beside = np.maximum((targets**2).sum(0) - along.sum(0), 0)
    evidence = [
        _evidence(spread, *column, len(labels))
        for column in zip(along.T, beside, strict=True)
    ]
    return float(np.mean(evidence)) / len(labels)


def _evidence(spread: np.ndarray, along: np.ndarray, beside: float, rows: int) -> float:
    """Return the largest log-evidence of one column of labels.

    Squared singular values of the features, and squares of the labels `along` their
    directions, `[rank]`, and `beside` all of them.
    """
    # Without bounds the ratio may run off: to infinity if features tell nothing, to 0
    # if they tell everything.
    lowest, highest = 1e-10 * spread.max(initial=1), 1e10 * spread.max(initial=1)
    ratio = 1.0  # alpha / beta
    for _ in range(STEPS):
        known = (spread / (spread + ratio)).sum()
        weights = (spread * along / (spread + ratio) ** 2).sum()
        errors = (along / (1 + spread / ratio) ** 2).sum() + beside
        # alpha is known / weights, and beta the other share of the rows by the errors.
        below = weights * (rows - known)
        after = float(known * errors / below) if below > 0 else highest
        after = min(max(after, lowest), highest)
        before, ratio = ratio, after
        if abs(ratio - before) <= CONVERGED * before:
            break
    total = (along / (1 + spread / ratio)).sum() + beside
    least = np.finfo(float).tiny  # labels that are fitted without an error
    fit = rows * (np.log(rows / max(total, least)) - 1 - np.log(2 * np.pi))
    return float(fit - np.log1p(spread / ratio).sum()) / 2


def probe(features: np.ndarray, labels: np.ndarray, has_classes: bool) -> float:
    """Return how well a linear model of the features does on rows that it has not seen.

    Of classes it is the accuracy of a logistic regression, of numbers the R² of a ridge
    regression that chooses its penalty by leaving out one row (the linear probes of
    Alain and Bengio, "Understanding intermediate layers using linear classifier
    probes", 2016). Rows come in stratified order, so folds are consecutive parts.
    """
    # One unit for all features: scaled each by itself, one that hardly varies in the
    # rows learned from would be huge in another.
    features = features - features.mean(0)
    features /= features.std() or 1.0
    model = LogisticRegression() if has_classes else RidgeCV(PENALTIES)
    predicted = np.empty_like(labels)
    for learned, held in KFold(min(FOLDS, len(labels))).split(features):
        known = labels[learned]
        if np.ptp(known) > 0:
            predicted[held] = model.fit(features[learned], known).predict(
                features[held]
            )
        else:
            predicted[held] = known[0]
    measure = accuracy_score if has_classes else r2_score
    return float(measure(labels, predicted))
