"""Counts of what networks predict of each test row, and what tables say of them."""

import numpy as np
import pytest
from sklearn import metrics

from thaw.findings.predicted import confusion, predicted_counts, share_right

LABELS = np.array([0, 1, 2, 2, 0, 1, 1])


def said(networks=6, rows=7, classes=3, seed=0):
    """Log-probabilities; those of the last network are not finite."""
    found = np.random.default_rng(seed).normal(size=(networks, rows, classes))
    found -= np.log(np.exp(found).sum(2, keepdims=True))
    found[-1] = np.nan
    return found.astype(np.float32)


FAILED = np.array([False, False, True, False, False, True])


def test_counts_are_of_networks_that_did_not_fail_and_add_up():
    counts = predicted_counts(said(), FAILED)
    assert counts.dtype == np.int64
    for row in range(7):
        predicted = said()[~FAILED, row].argmax(1)
        assert counts[row].tolist() == [(predicted == c).sum() for c in range(3)]
    some = [
        predicted_counts(said()[part], FAILED[part])
        for part in np.split(np.arange(6), 3)
    ]
    assert (sum(some) == counts).all()


def test_the_first_of_equal_classes_is_predicted():
    half = np.full((1, 2, 2), np.log(0.5), np.float32)
    assert predicted_counts(half, np.array([False])).tolist() == [[1, 0], [1, 0]]


def test_shares_and_confusion_are_scikit_learns():
    counts = predicted_counts(said(), FAILED)
    predicted = said()[~FAILED].argmax(2)
    expected = (predicted == LABELS).mean(0)
    np.testing.assert_allclose(share_right(counts, LABELS), expected)
    labels = np.tile(LABELS, (4, 1)).ravel()
    matrix = metrics.confusion_matrix(labels, predicted.ravel(), normalize="true")
    np.testing.assert_allclose(confusion(counts, LABELS), matrix)


def test_without_a_sound_network_nothing_is_known():
    counts = predicted_counts(said(), np.full(6, True))
    assert counts.tolist() == [[0, 0, 0]] * 7
    assert np.isnan(share_right(counts, LABELS)).all()
    assert np.isnan(confusion(counts, LABELS)).all()


@pytest.mark.parametrize("classes", [2, 4])
def test_a_class_without_test_rows_has_no_shares(classes):
    counts = np.ones((3, classes), np.int64)
    found = confusion(counts, np.array([0, 0, 0]))
    np.testing.assert_allclose(found[0], 1 / classes)
    assert np.isnan(found[1:]).all()
