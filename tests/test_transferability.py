"""Scores without training: held against their definitions, and the files of a study."""

import numpy as np
import pytest
from scipy import optimize, stats

from thaw.learning.transferability import h_score, leep, logme, probe, scores

RNG = np.random.default_rng(1)


def data(rows, width, noise=1.0, classes=0):
    """Return features and labels that follow from them."""
    rng = np.random.default_rng([rows, width])
    features = rng.normal(size=(rows, width)) + 0.5
    labels = features @ rng.normal(size=width) + noise * rng.normal(size=rows)
    if classes:
        return features, np.argsort(np.argsort(labels)) * classes // rows
    return features, (labels - labels.mean()) / labels.std()


def evidence(features, labels):
    """Return the log-evidence by row, maximised numerically over alpha and beta."""

    def negative(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(labels)) / beta + features @ features.T / alpha
        return -stats.multivariate_normal(cov=covariance).logpdf(labels)

    starts = [(0, 0), (3, 0), (-3, 2)]
    found = [
        optimize.minimize(negative, start, method="Nelder-Mead", tol=1e-9)
        for start in starts
    ]
    return -min(one.fun for one in found) / len(labels)


@pytest.mark.parametrize(
    ("rows", "width", "noise"),
    [(30, 3, 1.0), (40, 5, 0.1), (12, 20, 1.0), (20, 20, 0.5), (30, 2, 30.0)],
)
def test_logme_is_the_largest_evidence(rows, width, noise):
    """With more features than rows, too."""
    features, labels = data(rows, width, noise)
    assert logme(features, labels, False) == pytest.approx(
        evidence(features, labels), abs=1e-5
    )


def test_logme_of_classes_is_their_mean():
    features, labels = data(30, 4, classes=3)
    own = [evidence(features, (labels == c).astype(float)) for c in range(3)]
    assert logme(features, labels, True) == pytest.approx(np.mean(own), abs=1e-5)


def test_leep_is_its_definition():
    labels = np.array([0, 0, 1, 1, 2, 1])
    probabilities = RNG.dirichlet(np.ones(4), len(labels))
    rows, theirs = probabilities.shape
    joint = np.zeros((3, theirs))
    for i in range(rows):
        for z in range(theirs):
            joint[labels[i], z] += probabilities[i, z] / rows
    total = 0.0
    for i in range(rows):
        chance = 0.0
        for z in range(theirs):
            chance += joint[labels[i], z] / joint[:, z].sum() * probabilities[i, z]
        total += np.log(chance)
    assert leep(probabilities, labels) == pytest.approx(total / rows)


def test_h_score_is_its_definition():
    features, labels = data(40, 3, classes=3)
    whole = np.cov(features.T, bias=True)
    means = np.stack([features[labels == label].mean(0) for label in labels])
    between = np.cov(means.T, bias=True)
    expected = np.trace(np.linalg.inv(whole) @ between)
    assert h_score(features, labels) == pytest.approx(expected)


def test_a_probe_predicts_rows_that_it_has_not_seen():
    features, labels = data(60, 4, noise=0.1)
    assert probe(features, labels, False) > 0.95
    shuffled = np.random.default_rng(0).permutation(labels)
    assert probe(features, shuffled, False) < 0.2
    features, labels = data(60, 2, noise=0.1, classes=2)
    order = np.random.default_rng(0).permutation(60)
    assert probe(features[order], labels[order], True) > 0.9
    # Rows that are all alike tell nothing, so each gets its fold's commonest class.
    assert probe(np.ones((60, 2)), labels[order], True) < 0.6


def test_a_probe_is_its_definition():
    from sklearn.linear_model import RidgeCV

    features, labels = data(25, 3)
    said = np.empty(25)
    for fold in range(5):
        held = np.arange(25) // 5 == fold
        mean, deviation = features[~held].mean(0), features[~held].std(0)
        model = RidgeCV(10.0 ** np.arange(-2, 5))
        model.fit((features[~held] - mean) / deviation, labels[~held])
        said[held] = model.predict((features[held] - mean) / deviation)
    expected = 1 - ((labels - said) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    assert probe(features, labels, False) == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("has_classes", [False, True])
@pytest.mark.parametrize(
    "what", ["wide", "constant", "zero", "huge", "rare", "exact", "few"]
)
def test_odd_rows_give_a_number(what, has_classes):
    rows, width = {"wide": (6, 40), "few": (3, 2)}.get(what, (20, 4))
    features, labels = data(rows, width, classes=2 * has_classes)
    if what == "constant":
        features[:, 0] = 3
    if what == "zero":
        features[:] = 0
    if what == "huge":
        features *= 1e15
    if what == "rare":
        labels = labels * 0
        labels[-1] = 1
    if what == "exact":
        features[:, 0] = labels
    said = np.full((rows, 3), 1 / 3)
    found = scores(labels, features.astype(np.float32), said, has_classes)
    names = {"logme", "linear_probe"} | ({"h_score", "leep"} if has_classes else set())
    assert {*found} == names
    assert np.isfinite([*found.values()]).all(), found


@pytest.mark.parametrize("has_classes", [False, True])
def test_a_failed_source_model_and_equal_labels_have_no_score(has_classes):
    features, labels = data(20, 4, classes=2 * has_classes)
    said = np.full((20, 3), 1 / 3)
    failed = scores(labels, features * np.nan, said * np.nan, has_classes)
    alike = scores(labels * 0, features, said, has_classes)
    assert np.isnan([*failed.values(), *alike.values()]).all()
    assert not scores(labels, None, None, has_classes)
