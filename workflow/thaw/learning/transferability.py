"""Scores that tell without training how well source models might transfer.

They look at a source model and the rows of the target that a repeat from it learns
from. In all of them more is better.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold

from thaw.data.problem import Pool, Problem
from thaw.learning.rows import chosen, filled, held_out, rows_in_order
from thaw.learning.seeds import Whose
from thaw.learning.splits import of_each
from thaw.learning.tasks import TASKS

# The fixed point is near after three or four steps; only features that tell nothing
# take many.
STEPS = 200
CONVERGED = 1e-8

# The parts of a cross-validation, and the penalties of a ridge regression.
FOLDS = 5
PENALTIES = np.logspace(-2, 4, 7)


def scores(
    labels: np.ndarray,
    features: np.ndarray | None,
    probabilities: np.ndarray | None,
    has_classes: bool,
) -> dict[str, float]:
    """Return the scores of a source model by name, of those that there can be.

    labels: of the target's rows, `[rows]`: classes, or numbers as networks learn them.
    features: what the source model's groups pass on to its output, `[rows, width]`.
    probabilities: those of the source model's own classes, `[rows, classes]`. Either is
    None if it is unknown. A score is nan if the source model failed, or if all labels
    are the same.
    """
    found = {}
    varies = np.ptp(labels) > 0
    if features is not None:
        sound = varies and bool(np.isfinite(features).all())
        wide = features.astype(np.float64)
        found["logme"] = logme(wide, labels, has_classes) if sound else np.nan
        found["linear_probe"] = probe(wide, labels, has_classes) if sound else np.nan
        if has_classes:
            found["h_score"] = h_score(wide, labels) if sound else np.nan
    if probabilities is not None and has_classes:
        sound = varies and bool(np.isfinite(probabilities).all())
        found["leep"] = leep(probabilities, labels) if sound else np.nan
    return found


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
    own = [
        _evidence(spread, *one, len(labels))
        for one in zip(along.T, beside, strict=True)
    ]
    return float(np.mean(own)) / len(labels)


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
    said = np.empty_like(labels)
    for learned, held in KFold(min(FOLDS, len(labels))).split(features):
        own = labels[learned]
        if np.ptp(own) > 0:
            said[held] = model.fit(features[learned], own).predict(features[held])
        else:
            said[held] = own[0]
    measure = accuracy_score if has_classes else r2_score
    return float(measure(labels, said))


def h_score(features: np.ndarray, labels: np.ndarray) -> float:
    """Return how much of the features' variance lies between classes.

    It is the trace of the inverse of their covariance times that of the classes' means
    (Bao et al., "An Information-Theoretic Approach to Transferability in Task Transfer
    Learning", ICIP 2019); the inverse is Moore and Penrose's, as in their code. It is
    nan if the features tell all rows apart, as with few rows: any would have the same.
    """
    centred = features - features.mean(0)
    if np.linalg.matrix_rank(centred) == len(centred) - 1:
        return np.nan
    means = np.empty_like(centred)
    for label in np.unique(labels):
        means[labels == label] = centred[labels == label].mean(0)
    whole, between = (x.T @ x / len(x) for x in (centred, means))
    return float(np.trace(np.linalg.pinv(whole, hermitian=True) @ between))


def leep(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean log-likelihood of the labels, given the source's classes.

    A row's source class is drawn from the source model's probabilities, and the label
    from the shares of labels that this class has over all rows (LEEP: Nguyen et al.,
    "LEEP: A New Measure to Evaluate Transferability of Learned Representations", ICML
    2020).
    """
    each = labels[:, None] == np.unique(labels)
    joint = each.T.astype(np.float64) @ probabilities  # [labels, source classes]
    total = joint.sum(0)
    shares = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(np.log((probabilities @ shares.T)[each]).mean())


def learned_by(
    problem: Problem | Pool,
    seed: int,
    model: int,
    size: int | None,
    validation_size: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows from which the first repeat of a source model learns.

    They are features `[rows, features]` and labels `[rows]` as networks get them, in
    stratified order, without validation rows. A `size` of None is that of all rows.
    """
    own = of_each(problem, seed, [model])
    total = size or own.train_size
    validation = held_out(total, validation_size)
    count = int((~validation).sum())
    rows = rows_in_order(own, Whose.repeats(seed, [(model, 0)]), total, validation)
    x, y = chosen(own.train_x, rows, of_one=2), chosen(own.train_y, rows, of_one=1)
    own, _ = filled(own._replace(train_x=x, train_y=y), count)
    own, _ = TASKS[own.task].scaled(own, count)
    return own.train_x[0, :count], own.train_y[0, :count]
