"""Intervals hold for new rows, and statements rarely err, as docs/calibration.md."""

import math

import numpy as np
import pandas as pd
import pytest
from populations import ACCURACY, ERROR, simulate
from scipy import stats
from studies import Known, draw

from samples import ends_of, row_of
from thaw.findings.samples import Sample

ROWS = 300


def of_networks(right, models=None, **fields):
    """Return a sample of networks by which rows they are right on, `[n, rows]`."""
    fields |= {"by_rows": right.astype(np.float32), "constant": 0.3}
    fields |= {"constant_by_rows": (np.arange(ROWS) % 10 < 3).astype(float)}
    return Sample(right.mean(1), models, **fields)


def networks(share, models=20, seed=0, alike=None):
    """Return networks right on a share of rows; `alike` says it of rows for all."""
    rng = np.random.default_rng(seed)
    right = rng.random((models * 2, ROWS)) < share
    if alike is not None:
        right[:, : len(alike)] = alike
    return of_networks(right, np.repeat(np.arange(models), 2))


@pytest.mark.parametrize("shared", [0, 150])
def test_the_error_is_that_of_the_rows_that_variant_and_baseline_differ_in(shared):
    """All networks of a side get the same rows right, and both sides the shared."""
    rng = np.random.default_rng(1)
    same = rng.random(shared) < 0.8
    ours, rivals = (rng.random(ROWS - shared) < p for p in (0.85, 0.75))
    sides = [networks(0.5, alike=np.r_[same, right]) for right in (ours, rivals)]
    row = row_of(*sides)
    difference = np.concatenate([np.zeros(shared), ours.astype(float) - rivals])
    expected = difference.std(ddof=1) / math.sqrt(ROWS)
    assert row["rows_error"] == pytest.approx(expected, rel=0.1)
    assert row["row_units"] == ROWS
    assert row["mean_high"] - row["mean"] > 1.9 * expected
    low, high = ends_of(row_of(*sides[::-1]), "typical")
    assert ends_of(row, "typical") == pytest.approx([-high, -low])


def test_the_table_shows_both_parts_and_what_is_not_covered():
    """They are added as independent parts are."""
    sides = networks(0.8), networks(0.7, seed=1)
    row, given = row_of(*sides), row_of(*(s._replace(by_rows=None) for s in sides))
    quantile = stats.t.isf((1 - row["level"]) / 2, ROWS - 1)
    for end in ("typical_low", "typical_high"):
        assert row[end.replace("typical", "these_rows")] == given[end]
        half, both = (abs(table[end] - table["typical"]) for table in (given, row))
        assert both == pytest.approx(math.hypot(half, quantile * row["rows_error"]))
    assert given["row_units"] == 0 and math.isnan(given["rows_error"])
    # One row, or a class with one row only: no limit.
    row = row_of(*(s._replace(by_rows=s.by_rows[:, :1] * np.nan) for s in sides))
    assert ends_of(row, "typical") == [-np.inf, np.inf]
    assert row["verdict"] == "undecided"


def test_errors_beyond_the_constants_count_as_that_in_each_draw():
    rng = np.random.default_rng(3)
    errors, constant = rng.exponential(1, (30, ROWS)), rng.exponential(2, ROWS)
    level = constant.mean()
    fields = {"constant": level, "worst": level, "constant_by_rows": constant}
    baseline, variant = (
        Sample(e.mean(1), by_rows=e, lower_is_better=True, **fields)
        for e in (errors, np.where(np.arange(30)[:, None] < 5, 1e6, 1) * errors)
    )
    row = row_of(variant, baseline)
    assert -1 < row["mean_low"] < row["mean"] < 0
    other = row_of(*(sample._replace(scale=2.0) for sample in (variant, baseline)))
    assert other["rows_error"] == pytest.approx(row["rows_error"])


def test_an_estimator_that_is_known_has_the_luck_of_the_rows():
    """All of its repeats are one and the same."""
    right = np.random.default_rng(4).random(ROWS) < 0.8
    known, other = (
        of_networks(np.tile(x, (count, 1)), is_known=True)
        for x, count in ((right, 40), (~right, 9))
    )
    row = row_of(known, other)
    assert row["typical_low"] < row["these_rows_low"] == row["these_rows_high"]
    assert row["typical"] == pytest.approx(right.mean() - (~right).mean())
    row = row_of(networks(0.7), other)
    assert row["rows_error"] > 0 and row["units"] == 20


POPULATIONS = [
    # Given these rows, nearly all studies would say something false.
    (ACCURACY, {"own_rows": 0.7, "noise": 0.1}, 150, 0),
    # Weak source models of numbers.
    (ERROR, {"bad": 0.2}, 150, 0),
    (ACCURACY, {"own_rows": 0.05}, 500, 5),
]


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "options", "rows", "gain"), POPULATIONS)
def test_statements_are_rarely_false_and_gains_are_found(metric, options, rows, gain):
    narrow = {"between": 0.007, "within": 0.007, "alone": 0.01, "depths": 2}
    population = simulate(metric, models=100, rows=1000, **narrow | options)
    known, rng, trials = Known(population, gain), np.random.default_rng(1), 40
    looks = [known.look(draw(population, 30, rows, rng)) for _ in range(trials)]
    shares = pd.DataFrame(looks).astype(float).mean()
    # Of studies each of which errs with 5 %, more do once in 1,000 times.
    least = 1 - stats.binom.isf(0.001, trials, 0.05) / trials
    assert min(shares["all typical"], shares["mean, fixed-0"]) >= least
    assert 1 - shares["anything false"] >= least
    assert gain == 0 or shares["better, fixed-0"] > 0.8
