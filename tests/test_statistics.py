"""Statistics: against scipy, by hand, and truthful where there is little to say."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from thaw.findings.samples import Sample
from thaw.findings.statistics import (
    compare,
    mean_interval,
    share_interval,
    variance_components,
)
from thaw.stages.compare import comparisons
from thaw.stages.compare import for_people as comparisons_for_people
from thaw.stages.learning_speed import metrics, speed
from thaw.stages.summarize import for_people, summary

RNG = np.random.default_rng(0)


def nested(values_by_model):
    """Return a sample from a list of each source model's values."""
    models = [m for m, values in enumerate(values_by_model) for _ in values]
    return Sample(np.concatenate(values_by_model), np.array(models))


def normal(models, repeats, between=0.1, within=0.02, mean=0.8):
    effects = RNG.normal(0, between, models)
    return nested([RNG.normal(mean + effect, within, repeats) for effect in effects])


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


def test_mean_interval_is_students():
    units = RNG.normal(size=12)
    half = stats.t.ppf(0.975, 11) * units.std(ddof=1) / math.sqrt(12)
    expected = (units.mean() - half, units.mean() + half)
    assert mean_interval(units) == pytest.approx(expected)


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


def test_a_negative_variance_is_zero():
    found = variance_components(nested([[1.0, 3.0], [1.0, 3.0]]))
    assert found.between == 0
    assert found.share == 0


def test_a_mean_lies_in_its_interval_whatever_the_counts():
    sample = nested([[0.6, 0.6]] * 4 + [[0.9]] * 4 + [[0.7]])
    row = summary({"v": sample}).loc[0]
    assert row["mean"] == pytest.approx((4 * 0.6 + 4 * 0.9 + 0.7) / 9)
    assert row["mean"] == pytest.approx((row["mean_low"] + row["mean_high"]) / 2)


def test_an_accuracy_does_not_leave_its_bounds():
    row = summary({"v": nested([[0.2], [0.99]])}).loc[0]
    assert (row["mean_low"], row["mean_high"]) == (0, 1)


def test_what_one_source_model_cannot_say():
    values = np.array([0.8, 0.81, 0.83])
    sample = Sample(values, np.zeros(3, dtype=int))
    found = variance_components(sample)
    assert math.isnan(found.between)
    assert math.isnan(found.share)
    assert found.within == values.std(ddof=1)
    table = summary({"fixed-0": sample})
    assert math.isnan(table.loc[0, "std_between"])
    assert "given one source model" in table.loc[0, "note"]
    assert "not estimable" in table.loc[0, "note"]
    settings = {"study": "s", "source": "a", "target": "b"}
    text = for_people(table, {"fixed-0": sample}, settings)
    assert "given one source model" in text


def test_one_repeat_a_source_model_cannot_be_split():
    sample = nested([[0.8], [0.7], [0.9]])
    assert all(map(math.isnan, variance_components(sample)))
    assert "one repeat a source model" in summary({"v": sample}).loc[0, "note"]


def test_variants_that_share_source_models_are_paired():
    first, second = normal(8, 5), normal(8, 5)
    result = compare(first, second)
    expected = stats.ttest_rel(first.unit_means(), second.unit_means())
    assert result.paired
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.interval == pytest.approx(expected.confidence_interval())
    # The probability is that within a source model, over all pairs of its repeats.
    wins = [
        np.mean([(a > b) + (a == b) / 2 for a in x for b in y])
        for x, y in zip(first.groups(), second.groups(), strict=True)
    ]
    assert result.probability == pytest.approx(np.mean(wins))


def test_standalone_is_independent_of_source_models():
    transfer, standalone = normal(8, 5), Sample(RNG.normal(0.8, 0.05, 40))
    result = compare(transfer, standalone)
    expected = stats.ttest_ind(
        transfer.unit_means(), standalone.values, equal_var=False
    )
    assert not result.paired
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.interval == pytest.approx(expected.confidence_interval())
    pairs = stats.mannwhitneyu(transfer.values, standalone.values).statistic
    assert result.probability == pytest.approx(pairs / (40 * 40))
    low, high = result.probability_interval
    assert 0 <= low < result.probability < high <= 1


def test_with_independent_repeats_the_test_is_brunner_and_munzels():
    """Theirs is on the scale of the probability; so is ours before the logit."""
    first, second = RNG.normal(0, 1, 25), RNG.normal(0.6, 2, 18)
    result = compare(Sample(first), Sample(second))
    theirs = stats.brunnermunzel(second, first)
    probability = result.probability
    low, high = (math.log(p / (1 - p)) for p in result.probability_interval)
    half = (high - low) / 2 * probability * (1 - probability)
    quantile = half / (abs(probability - 0.5) / abs(theirs.statistic))
    freedom = optimize.brentq(lambda df: stats.t.ppf(0.975, df) - quantile, 2, 1000)
    p_value = 2 * stats.t.sf(abs(theirs.statistic), freedom)
    assert p_value == pytest.approx(theirs.pvalue)


def test_ties_count_half():
    tied = Sample(np.array([0.8, 0.8, 0.8, 0.9]))
    assert compare(tied, tied).probability == 0.5


def test_swapping_the_two_swaps_the_result():
    first, second = normal(6, 4), Sample(RNG.normal(0.8, 0.05, 24))
    one, other = compare(first, second), compare(second, first)
    assert one.difference == pytest.approx(-other.difference)
    assert one.interval == pytest.approx((-other.interval.high, -other.interval.low))
    assert one.probability == pytest.approx(1 - other.probability)
    low, high = other.probability_interval
    assert one.probability_interval == pytest.approx((1 - high, 1 - low))


CONSTANT = Sample(np.full(6, 0.8))
HARDLY = [
    pytest.param(CONSTANT, CONSTANT, id="all tied"),
    pytest.param(Sample(np.full(6, 0.9)), CONSTANT, id="no variance, different"),
    pytest.param(
        nested([[0.9] * 3] * 4), nested([[0.8] * 3] * 4), id="nested, constant"
    ),
    pytest.param(
        Sample(np.array([0.9])), Sample(np.array([0.8])), id="one repeat each"
    ),
    pytest.param(Sample(np.array([0.9])), normal(3, 2), id="one repeat against three"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("first", "second"), HARDLY)
def test_what_cannot_be_estimated_is_said(first, second):
    table = comparisons({"a": first, "b": second}, [("a", "b")], 0.01)
    row = table.iloc[0]
    assert math.isnan(row["difference_low"])
    assert math.isnan(row["p_value"])
    assert math.isnan(row["p_holm"])
    assert row["verdict"] == "not estimable"
    assert row["note"]
    assert math.isfinite(row["difference"])
    assert 0 <= row["probability"] <= 1


@pytest.mark.filterwarnings("error")
def test_few_source_models_are_said():
    table = comparisons({"a": normal(3, 4), "b": normal(3, 4)}, [("a", "b")], 0.01)
    assert table.loc[0, "note"].startswith("only 3 units")
    assert math.isfinite(table.loc[0, "p_value"])


@pytest.mark.filterwarnings("error")
def test_the_tables_for_people_tell_the_notes():
    found = {"a": normal(3, 4), "b": normal(3, 4)}
    text = comparisons_for_people(comparisons(found, [("a", "b")], 0.01))
    assert "a - b: only 3 units" in text


@pytest.mark.filterwarnings("error")
def test_five_wins_of_five_are_not_certainty():
    first, second = nested([[0.9, 0.91]] * 4 + [[0.93, 0.9]]), nested([[0.7, 0.8]] * 5)
    low, high = compare(first, second).probability_interval
    assert high == 1
    assert low == pytest.approx(0.025 ** (1 / 5))


def test_share_interval():
    assert share_interval(np.array([0.0] * 10)).high == pytest.approx(0.3085, abs=1e-4)
    assert share_interval(np.array([0.2, 0.4, 0.3])) == pytest.approx(
        (0.0516, 0.5484), abs=1e-4
    )
    assert all(map(math.isnan, share_interval(np.array([1.0]))))


def verdict_of(first, second, margin=0.01):
    return comparisons({"a": first, "b": second}, [("a", "b")], margin).loc[
        0, "verdict"
    ]


def test_verdicts():
    base = Sample(RNG.normal(0.8, 0.01, 100))
    better, same = Sample(base.values + 0.05), Sample(RNG.permutation(base.values))
    assert verdict_of(better, base) == "helps"
    assert verdict_of(base, better) == "hurts"
    assert verdict_of(same, base) == "equivalent within ±0.01"
    assert verdict_of(same, base, margin=0.001) == "no clear difference"
    # A difference can be sure and yet too small to matter.
    assert verdict_of(better, base, margin=0.1) == "equivalent within ±0.1"


def test_a_verdict_with_one_source_model_is_conditional():
    base = Sample(RNG.normal(0.8, 0.01, 30))
    transfer = Sample(base.values + 0.1, np.zeros(30, dtype=int))
    assert verdict_of(transfer, base) == "helps, given one source model"


def test_p_values_are_adjusted_by_holm_within_the_study():
    found = {
        name: Sample(RNG.normal(0.8 + gain, 0.05, 30))
        for name, gain in (("base", 0), ("a", 0.01), ("b", 0.03), ("c", 0.05))
    }
    table = comparisons(found, [(name, "base") for name in "abc"], 0.001)
    ordered = table.sort_values("p_value")
    expected = np.maximum.accumulate(ordered["p_value"] * [3, 2, 1]).clip(upper=1)
    np.testing.assert_allclose(ordered["p_holm"], expected)


def test_the_order_of_scores_changes_nothing():
    values, others = RNG.random(12), RNG.random(12)
    models, order = np.tile([0, 1, 2], 4), RNG.permutation(12)
    tables = [
        comparisons(found, [("a", "b")], 0.01)
        for found in (
            {"a": Sample(values, models), "b": Sample(others)},
            {"a": Sample(values[order], models[order]), "b": Sample(others[order])},
        )
    ]
    pd.testing.assert_frame_equal(*tables)


def test_learning_speed():
    accuracy = np.array([[0.2, 0.6, 0.8], [0.4, 0.4, 0.5], [0.7, 0.1, 0.9]])
    found = metrics(accuracy, threshold=0.6)
    assert found["jump_start"].tolist() == [0.2, 0.4, 0.7]
    assert found["final_accuracy"].tolist() == [0.8, 0.5, 0.9]
    assert found["area_under_curve"] == pytest.approx([0.55, 0.425, 0.45])
    assert found["time_to_threshold"].tolist() == [1, 2, 0]
    assert found["never_reached"].tolist() == [0, 1, 0]


def test_learning_speed_counts_by_source_model():
    accuracy = np.array([[0.2, 0.8], [0.2, 0.3], [0.2, 0.8], [0.2, 0.3]])
    rows = list(speed("v", accuracy, np.array([0, 1, 0, 1]), 0.6))
    table = {row[1]: row[2:] for row in rows}
    assert table["never_reached"][0] == "0.5"
    assert table["never_reached"][3:5] == ("source model", 2)
    assert table["time_to_threshold"][5] == "epochs until 0.6000; never counts as 1"
    assert table["jump_start"][:3] == ("0.2", "", "")
