"""The source model to keep, by the loss on validation rows."""

import itertools

import numpy as np
import pytest

from thaw.findings.keeping import chances, median_of
from thaw.findings.samples import Sample
from thaw.tables.best_of import rows_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_chances_are_counted_over_all_choices(count):
    losses = np.array([0.5, 0.2, np.inf, 0.9, 0.1, np.nan, 0.3])
    order = np.where(np.isfinite(losses), losses, np.inf)
    best = [
        min(chosen, key=lambda place: (order[place], place))
        for chosen in itertools.combinations(range(7), count)
    ]
    expected = np.bincount(best, minlength=7) / len(best)
    np.testing.assert_allclose(chances(losses, count), expected, atol=1e-12)


def test_the_median_has_half_of_the_weight_on_either_side():
    values = np.array([3.0, 1.0, 2.0])
    assert median_of(values, np.array([0.2, 0.5, 0.3])) == 1.5
    assert median_of(values, np.array([0.1, 0.6, 0.3])) == 1
    assert median_of(values, np.array([0.2, 0.4, 0.4])) == 2
    assert median_of(values, np.array([1.0, 0.0, 0.0])) == 3


def test_the_best_of_more_reach_more_where_the_loss_tells():
    models, each = 40, 2
    scores = RNG.normal(0.8, 0.05, models * each)
    repeats = np.tile(np.arange(each), models)
    weak = scores < 0.75
    sample = Sample(scores, np.repeat(np.arange(models), each))
    rows = [*rows_of(sample, 1 - scores, repeats, weak)]
    assert [row["best_of"] for row in rows] == [1, 3, 10, 40]
    assert rows[0]["weak"] == pytest.approx(weak.mean())
    assert rows[0]["median"] == pytest.approx(np.median(scores), abs=0.01)
    medians = [row["median"] for row in rows]
    assert medians == sorted(medians) and rows[-1]["weak"] == 0
    # The best of each repeat's number.
    tops = [scores[repeats == number].max() for number in range(each)]
    assert rows[-1]["median"] == pytest.approx(np.mean(tops))
    # If it tells nothing, nothing is gained on average.
    blind = [*rows_of(sample, RNG.random(models * each), repeats, weak)]
    assert blind[1]["weak"] == pytest.approx(weak.mean(), abs=0.15)
