"""The spread of values, and the summary."""

import math

import numpy as np
import pytest
from scipy import stats

from samples import nested, normal
from thaw.findings.arms import Arm
from thaw.findings.mean import mean_of
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.findings.spread import share_interval, variance_components
from thaw.tables.summary import (
    Chosen,
    failures,
    for_people,
    share_at_edge,
    summary,
)

ACCURACY = METRICS["classification"]["accuracy"]
SETTINGS = {"study": "s", "source": "a", "target": "b", "margin": 0.01}
SETTINGS |= {"has_splits": False}


def table_of(found, metric=ACCURACY):
    """Return the summary of samples by their arms, none of them validated."""
    chosen = dict.fromkeys(found, Chosen(0.1, 5, np.nan))
    return summary(found, metric, chosen)


def row_of(sample):
    """Return a variant's row in the summary."""
    return table_of({Arm("v", "all"): sample}).loc[0]


def test_units_are_source_models_where_there_are_several():
    sample = nested([[1.0, 3.0], [5.0]])
    assert sample.unit == "source model"
    assert sample.unit_means().tolist() == [2, 5]
    assert not sample.is_conditional


def test_units_are_repeats_given_one_source_model_or_none():
    for models in (None, np.zeros(3, dtype=int)):
        sample = Sample(np.array([1.0, 2.0, 4.0]), models)
        assert sample.unit == "repeat"
        assert sample.unit_means().tolist() == [1, 2, 4]
        assert sample.is_conditional == (models is not None)


def test_variance_components_of_unbalanced_counts_by_hand():
    # Means 2, 5 and 9; mean squares 30.4 between (2 degrees of freedom) and 4/3 within
    # (3), and n0 = (6 - 14/6)/2.
    groups = [[1.0, 2.0, 3.0], [4.0, 6.0], [9.0]]
    grand = 25 / 6
    between = (3 * (2 - grand) ** 2 + 2 * (5 - grand) ** 2 + (9 - grand) ** 2) / 2
    within = (1 + 0 + 1 + 1 + 1) / 3
    assert between / within == pytest.approx(stats.f_oneway(*groups).statistic)
    variance = (between - within) / ((6 - 14 / 6) / 2)
    found = variance_components(nested(groups))
    assert found.between == pytest.approx(math.sqrt(variance))
    assert found.within == pytest.approx(math.sqrt(within))
    assert found.share == pytest.approx(variance / (variance + within))


def test_variance_components_recover_the_truth():
    found = variance_components(normal(2000, 5, between=0.1, within=0.05))
    assert found.between == pytest.approx(0.1, rel=0.05)
    assert found.within == pytest.approx(0.05, rel=0.05)

    # A negative variance is zero.
    found = variance_components(nested([[1.0, 3.0], [1.0, 3.0]]))
    assert (found.between, found.share) == (0, 0)


def test_means_and_their_intervals():
    row = row_of(nested([[0.6, 0.6]] * 4 + [[0.9]] * 4 + [[0.7]]))
    assert row["mean"] == pytest.approx((4 * 0.6 + 4 * 0.9 + 0.7) / 9)
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    # An accuracy does not leave its bounds.
    sample = nested([[0.9], [1.0], [1.0], [1.0], [1.0]])
    assert mean_of(sample, 0.05).high > 1
    assert row_of(sample)["mean_high"] == 1
    # Too few units have no interval.
    row = row_of(nested([[0.8], [0.81]] * 2))
    assert row["mean"] == pytest.approx(0.805)
    assert math.isnan(row["mean_low"]) and math.isnan(row["mean_high"])


def errors(values, constant, scale=1.0):
    metric = METRICS["regression"]["median_absolute_error"]
    more = {"lower_is_better": True, "constant": constant, "scale": scale}
    worst = metric.worst_told(constant)
    sample = Sample(np.array(values), worst=worst, **more)
    return table_of({Arm("v", "all"): sample}, metric), metric


def test_means_of_errors_beyond_the_constants_are_marked():
    table, metric = errors([6.0, 7.0, 9.0, 8.0, 7.5, 2.0], 5.0, 5.0)
    (row,) = table.itertuples()
    assert row.mean == pytest.approx(4.5)
    # No such mean can be worse than the value that the worst counts as.
    assert row.mean_low < row.mean < row.mean_high == 5
    settings = SETTINGS | {"target_sizes": ["all"], "margin": 1}
    assert "≥ 4.5 (2.5)" in for_people(table, [], metric, settings)
    assert "≥" not in for_people(errors([2.0, 3.0], 5.0)[0], [], metric, settings)


def test_means_are_plain_where_nothing_beats_the_constant():
    """The median of labels that are mostly 0 has no error."""
    table, metric = errors([1e-9, 2e-9, 3e-9, 2e-9, 2e-9], 0.0, 2e-9)
    (row,) = table.itertuples()
    assert row.mean == pytest.approx(2e-9)
    assert math.isnan(row.mean_low) and math.isnan(row.mean_high)
    settings = SETTINGS | {"target_sizes": ["all"], "margin": 1e-10}
    assert "| 2.00e-09 (7.1e-10) |" in for_people(table, [], metric, settings)


def test_what_one_source_model_cannot_say():
    values = np.array([0.8, 0.81, 0.83])
    sample = Sample(values, np.zeros(3, dtype=int))
    found = variance_components(sample)
    assert math.isnan(found.between)
    assert math.isnan(found.share)
    assert found.within == values.std(ddof=1)
    table = table_of({Arm("fixed-0", "all"): sample})
    assert math.isnan(table.loc[0, "std_between"])
    assert "given one source model" in table.loc[0, "note"]
    assert "not estimable" in table.loc[0, "note"]
    settings = SETTINGS | {"target_sizes": ["all"]}
    text = for_people(table, [], ACCURACY, settings)
    assert "given one source model" in text


def test_failures_are_counted_and_said_first():
    failed = np.array([True] * 3 + [False] * 17)
    sample = Sample(np.where(failed, 0.4, 0.9), None, failed, constant=0.4)
    row = row_of(sample)
    assert (row["failed"], row["no_better"], row["constant"]) == (0.15, 0, 0.4)
    assert row_of(sample._replace(constant=0.9))["no_better"] == 0.85
    exact = stats.binomtest(3, 20).proportion_ci()
    assert (row["failed_low"], row["failed_high"]) == pytest.approx(tuple(exact))
    assert row["mean"] == pytest.approx((3 * 0.4 + 17 * 0.9) / 20)

    (warning,) = failures({Arm("v", 8): sample}, np.array([False] * 20))
    assert warning.startswith("Warning: networks failed (3 of 20 v@8): their loss is")
    (warning,) = failures({}, np.array([True, False]))
    assert warning.startswith("Warning: networks failed (1 of 2 source models): ")
    few = Sample(sample.values, None, np.arange(20) == 7)
    assert not list(failures({Arm("v", 8): few}, None))
    table = table_of({Arm("v", "all"): sample})
    settings = SETTINGS | {"target_sizes": ["all"]}
    text = for_people(table, [warning], ACCURACY, settings)
    assert text.index("Warning") < text.index("| variant")


def test_a_network_kept_as_it_started_chose_no_rate():
    rate, epoch = np.array([0.01, 0.1, 0.3, 0.01]), np.array([0, 2, 3, 1])
    assert share_at_edge(rate, epoch, [0.1, 0.01, 0.3]) == 0.5


def test_several_target_sizes_are_columns():
    found = {
        Arm(variant, size): Sample(np.full(4, value))
        for variant, value in (("standalone", 0.5), ("fixed-0", 0.7))
        for size in (20, "all")
    }
    settings = SETTINGS | {"target_sizes": [20, "all"]}
    text = for_people(table_of(found), [], ACCURACY, settings)
    lines = text.splitlines()
    assert lines[lines.index("") + 1 :][:3] == [
        "| mean from rows: |    20 |   all |",
        "| --------------- | ----: | ----: |",
        "| standalone      | 0.500 | 0.500 |",
    ]


def test_one_repeat_a_source_model_cannot_be_split():
    sample = nested([[0.8], [0.7], [0.9]])
    assert all(map(math.isnan, variance_components(sample)))
    assert "one repeat a source model" in row_of(sample)["note"]


def test_an_interval_is_students_or_the_exact_binomial_one():
    units = np.array([0.2, 0.4, 0.3])
    half = stats.t.ppf(0.975, 2) * units.std(ddof=1) / math.sqrt(3)
    assert share_interval(units) == pytest.approx((0.3 - half, 0.3 + half))
    # It is cut off at 0 and 1.
    assert share_interval(np.array([0.0, 0.0, 0.5]))[0] == 0
    assert share_interval(np.array([1.0, 1.0, 0.5]))[1] == 1
    assert share_interval(np.zeros(10)) == pytest.approx((0, 0.3085), abs=1e-4)
    for unknown in ([1.0], [0.3] * 5):
        assert all(map(math.isnan, share_interval(np.array(unknown))))
