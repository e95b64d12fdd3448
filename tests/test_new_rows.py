"""Intervals hold for new test rows: the luck of the rows added to that of units."""

import math

import numpy as np
import pytest

from thaw.findings.new_rows import Luck, drawn, luck, luck_of_mean, reach_of_lead
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.tables.comparisons import comparisons

ROWS = 300


def networks(share, models=20, each=2, rows=ROWS, seed=0, same=None):
    """Networks that get each row right or not; `same` are those that all get alike."""
    rng = np.random.default_rng(seed)
    right = rng.random((models * each, rows)) < share
    if same is not None:
        right[:, : len(same)] = same
    return Sample(
        right.mean(1),
        np.repeat(np.arange(models), each),
        by_rows=right.astype(np.float32),
        constant=0.3,
        constant_by_rows=(np.arange(rows) % 10 < 3).astype(float),
    )


def test_the_rows_part_is_added_as_independent_parts_add():
    found = Estimate(0.1, 0.07, 0.14)
    rows = Luck(typical=0.02, mean=math.nan, units=10**6)
    wide = rows.widen(found, rows.typical, 0.05)
    reach = 1.959964 * 0.02
    assert wide.value == 0.1
    assert wide.low == pytest.approx(0.1 - math.hypot(0.03, reach))
    assert wide.high == pytest.approx(0.1 + math.hypot(0.04, reach))
    # With few groups Student's quantile: 4.3 for three.
    few = rows._replace(units=3).widen(found, rows.typical, 0.05)
    assert few.low == pytest.approx(0.1 - math.hypot(0.03, 4.3027 * 0.02), rel=1e-3)


def test_ends_without_a_limit_stay_so():
    rows = Luck(0.02, 0.02, 100)
    for found in (Estimate(0.1, -np.inf, np.inf), Estimate(np.inf, 0.1, np.inf)):
        assert rows.widen(found, 0.02, 0.05) == found
    nothing = Luck(math.nan, math.nan, 0)
    known = Estimate(0.1, 0.0, 0.2)
    assert nothing.widen(known, nothing.typical, 0.05) == known
    one = nothing._replace(units=1).widen(known, math.nan, 0.05)
    assert one == Estimate(0.1, -np.inf, np.inf)


@pytest.mark.parametrize("shared", [0, 150])
def test_the_error_is_that_of_the_rows_that_variant_and_baseline_differ_in(shared):
    rng = np.random.default_rng(1)
    same = rng.random(shared) < 0.8
    # All networks of a side get the same rows right.
    ours, others = (rng.random(ROWS - shared) < p for p in (0.85, 0.75))
    samples = {
        name: networks(0.5, same=np.concatenate([same, own]))
        for name, own in (("a", ours), ("b", others))
    }
    found = drawn(samples)
    difference = np.concatenate([np.zeros(shared), ours.astype(float) - others])
    expected = difference.std(ddof=1) / math.sqrt(ROWS)
    rows = luck(found["a"], found["b"])
    assert rows.typical == pytest.approx(expected, rel=0.1)
    assert rows.mean == pytest.approx(expected, rel=0.1)
    assert rows.units == ROWS


def test_draws_stand_in_for_other_rows():
    """The error of a difference of medians is how it varies over other test rows."""
    rng = np.random.default_rng(2)
    ease = rng.normal(0, 1.5, 100_000)  # of a population of rows
    skill = {"a": rng.normal(1.2, 0.2, (40, 1)), "b": rng.normal(1, 0.2, (40, 1))}
    own = {name: rng.normal(0, 1, 100_000) for name in skill}

    def study():
        rows = rng.integers(0, len(ease), ROWS)
        found = {}
        for name, level in skill.items():
            odds = level + ease[rows] + own[name][rows]
            right = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
            found[name] = networks(0.5, models=40, each=1, same=None)._replace(
                values=right.mean(1), by_rows=right.astype(np.float32)
            )
        return found

    differences, errors = [], []
    for number in range(400):
        found = study()
        differences.append(np.subtract(*(np.median(s.values) for s in found.values())))
        if number < 20:
            on_rows = drawn(found)
            errors.append(luck(on_rows["a"], on_rows["b"]).typical)
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.2)


def test_shares_of_weak_networks_have_the_luck_of_the_rows():
    """All networks of a variant may fall below the limit, 0.7, by the rows alone."""
    baseline = networks(0.8, models=60)
    alike = np.arange(296) < 0.69 * 296  # the rows that all of them get right
    found = {
        "near": networks(0.5, models=60, seed=2, same=alike),
        "far": networks(0.5, models=60, seed=3),
        "baseline": baseline,
    }
    luck_of = drawn(found, baseline)
    error = np.std(alike) / math.sqrt(296)
    assert reach_of_lead(luck_of["near"], 0.05) == pytest.approx(2 * error, rel=0.2)
    table = comparisons(
        {"all": found},
        [("near", "baseline"), ("far", "baseline")],
        "baseline",
        0.01,
    ).set_index("variant")
    near, far = table.loc["near"], table.loc["far"]
    assert near["weak"] > 0.9 and far["weak"] > 0.95
    assert near["weak_low"] < 0 and "weak" not in near["verdict"]
    assert far["verdict"].endswith("is weak more often")
    # Given these rows it would be sure.
    blind = {n: s._replace(by_rows=None) for n, s in found.items()}
    pairs = [("near", "baseline")]
    (row,) = comparisons({"all": blind}, pairs, "baseline", 0.01).to_dict("records")
    assert row["verdict"].endswith("is weak more often")
    # Rows that are too few to tell allow for anything.
    assert reach_of_lead(luck_of["near"]._replace(units=1), 0.05) == np.inf


def test_errors_beyond_the_constants_count_as_that_in_each_draw():
    rng = np.random.default_rng(3)
    errors = rng.exponential(1, (30, ROWS)).astype(np.float32)
    errors[:5] *= 1e6
    constant = rng.exponential(2, ROWS)
    sample = Sample(
        errors.mean(1, dtype=float),
        by_rows=errors,
        constant=constant.mean(),
        constant_by_rows=constant,
        scale=2.0,
        worst=constant.mean(),
        lower_is_better=True,
    )
    assert luck_of_mean(sample).mean < 0.1
    assert luck_of_mean(sample).typical < 0.1


def test_draws_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    sample = networks(0.8)
    whole = luck_of_mean(sample)
    monkeypatch.setattr("thaw.findings.new_rows.AT_ONCE", 1000)
    parts = luck_of_mean(sample)
    assert (parts.typical, parts.mean) == pytest.approx((whole.typical, whole.mean))


def test_the_table_shows_both_parts_and_what_is_not_covered():
    found = {"a": networks(0.8), "b": networks(0.7, seed=1)}
    (row,) = comparisons({"all": found}, [("a", "b")], "b", 0.01).to_dict("records")
    assert row["typical_low"] < row["these_rows_low"] < row["typical"]
    assert row["typical_high"] > row["these_rows_high"]
    assert row["rows_error"] > 0 and row["row_units"] == ROWS
    blind = {n: s._replace(by_rows=None) for n, s in found.items()}
    (row,) = comparisons({"all": blind}, [("a", "b")], "b", 0.01).to_dict("records")
    assert row["typical_low"] == row["these_rows_low"]
    assert row["row_units"] == 0 and math.isnan(row["rows_error"])
    # One row, or a class with one row only: no limit.
    few = {n: s._replace(by_rows=s.by_rows[:, :1] * np.nan) for n, s in found.items()}
    (row,) = comparisons({"all": few}, [("a", "b")], "b", 0.01).to_dict("records")
    assert (row["typical_low"], row["typical_high"]) == (-np.inf, np.inf)
    assert row["verdict"] == "no clear difference"


def test_an_estimator_that_is_known_has_the_luck_of_the_rows():
    rng = np.random.default_rng(4)
    right = rng.random(ROWS) < 0.8
    known = Sample(
        np.full(40, right.mean()),
        by_rows=np.tile(right.astype(np.float32), (40, 1)),
        constant=0.3,
        constant_by_rows=np.full(ROWS, 0.3),
        is_known=True,
    )
    other = networks(0.75)
    (row,) = comparisons(
        {"all": {"ridge": known, "b": other}}, [("ridge", "b")], "b", 0.01
    ).to_dict("records")
    assert row["typical_low"] < row["these_rows_low"]
    both = {"ridge": known, "b": known._replace(by_rows=1 - known.by_rows)}
    (row,) = comparisons({"all": both}, [("ridge", "b")], "b", 0.01).to_dict("records")
    assert row["these_rows_low"] == row["these_rows_high"]
    assert row["typical_low"] < row["these_rows_low"]
    pair = Pair(known, other)
    assert pair.reference is other
