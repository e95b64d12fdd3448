"""Statistics: against SciPy, by hand, and under symmetries; and the summary."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from samples import FAILED, as_losses, ends_of, nested, normal, row_of, summary_of
from thaw.findings.arms import OF_SHARES, Arm, alpha_of_each
from thaw.findings.metrics import METRICS
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.shown import number
from thaw.findings.typical import change, typical_difference
from thaw.tables.summary import for_people, share_at_edge


def standalone(count, seed=1):
    return Sample(np.random.default_rng(seed).normal(0.8, 0.05, count))


def rounded(sample):
    """Return a sample with ties, as accuracies have, and a few failed networks."""
    failed = np.arange(len(sample.values)) % 11 == 3
    return sample._replace(values=sample.values.round(2), failed=failed, constant=0.4)


TWELVE = standalone(12)._replace(source_models=np.zeros(12, dtype=int))
OTHER_MODELS = standalone(24)._replace(source_models=np.repeat(np.arange(20, 32), 2))
PAIRS = {
    "independent": (normal(9, 4), standalone(30)),
    "matched by source model": (normal(9, 4), normal(9, 3, seed=2)),
    "matched by repeat": (TWELVE, standalone(12, seed=2)),
    "other source models": (normal(9, 4), OTHER_MODELS),
}
PAIRS = {name: tuple(map(rounded, pair)) for name, pair in PAIRS.items()}


def estimates(row):
    """Return each value of a row with the ends of its interval."""
    return {
        name: np.array([row.get(f"{name}_difference", row[name]), *ends_of(row, name)])
        for name in ("typical", "mean", "failed", "weak")
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_typical_difference_is_the_median_of_all_differences(name):
    """In which source models weigh alike, and failed networks are behind all others."""
    is_matched = name.startswith("matched")
    row = row_of(*PAIRS[name])
    assert row["matched_by"] == name.removeprefix("matched by ") * is_matched
    variant, reference = (
        [sample.ranked[sample.unit_numbers == n] for n in range(sample.units)]
        if sample.is_nested
        else sample.ranked[:, None]
        for sample in PAIRS[name]
    )
    couples = (zip if is_matched else itertools.product)(variant, reference)
    # Two failed networks are equal, by however much one side is shifted.
    weighted = (
        (a - b, 1 / (len(x) * len(y)))
        for x, y in couples
        for a, b in itertools.product(x, y)
        if np.isfinite([a, b]).any()
    )
    differences, weights = np.array(sorted(weighted)).T
    below = np.cumsum(weights) / weights.sum()
    middle = [np.searchsorted(below, 0.5 + side) for side in (-1e-9, 1e-9)]
    assert row["typical"] == pytest.approx(differences[middle].mean())


@pytest.mark.parametrize("each", [1, 3])
def test_the_interval_is_near_brunner_and_munzels(each):
    """That of all shifts that their test does not reject, or a little wider."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.02, 0.1, 100), rng.normal(0, 0.1, 100)
    # Three equal repeats of a source model tell no more than one.
    variant = nested([[value] * each for value in first])
    row = row_of(variant, Sample(second))
    shifts = np.linspace(-0.1, 0.1, 200)
    p_values = [stats.brunnermunzel(first - s, second).pvalue for s in shifts]
    held = shifts[np.array(p_values) > 1 - row["level"]]
    low, high = ends_of(row, "typical")
    assert low <= held[0] + 0.002 and held[-1] - 0.002 <= high
    assert high - low < 1.1 * np.ptp(held)


def test_a_loss_beyond_all_measure_takes_no_digits_of_the_others():
    first, second = (normal(8, 3, between=0.01, mean=mean) for mean in (0.8, 0.6))
    second.values[4] = 1e30
    row = row_of(*(s._replace(lower_is_better=True) for s in (first, second)))
    low, high = ends_of(row, "typical")
    assert -0.3 < low < row["typical"] < high < 0.3


@pytest.mark.parametrize("name", PAIRS)
def test_shifted_swapped_reordered_as_losses_and_in_other_units(name):
    variant, reference = PAIRS[name]
    row = estimates(row_of(variant, reference))
    shifted = variant._replace(values=variant.values + 0.1)
    moved = estimates(row_of(shifted, reference))
    np.testing.assert_allclose(moved["typical"], row["typical"] + 0.1, atol=1e-8)
    # An unseen straggler may lie anywhere below.
    np.testing.assert_allclose(moved["mean"], row["mean"] + 0.1, atol=0.04)

    for value, (middle, low, high) in estimates(row_of(reference, variant)).items():
        expected = -np.array([middle, high, low])
        if value != "weak":  # which depends on the baseline
            # Intervals from random draws differ by the draws.
            near = 0.02 if value == "mean" else 1e-9
            np.testing.assert_allclose(row[value], expected, atol=near, err_msg=value)

    def reversed_order(sample):
        columns = (sample.values, sample.failed, sample.source_models)
        values, failed, models = (x if x is None else x[::-1] for x in columns)
        return sample._replace(values=values, failed=failed, source_models=models)

    def in_units(sample, factor):
        fields = ("values", "constant", "scale", "worst")
        return sample._replace(**{f: getattr(sample, f) * factor for f in fields})

    alike = [
        estimates(row_of(changed(variant), changed(reference)))
        for changed in (reversed_order, as_losses)
    ]
    for factor in (1e-9, 1e6):
        sides = (in_units(sample, factor) for sample in (variant, reference))
        scaled = estimates(row_of(*sides, margin=0.01 * factor))
        gains = {name: scaled[name] / factor for name in ("typical", "mean")}
        alike.append(scaled | gains)
    for other, value in itertools.product(alike, row):
        np.testing.assert_allclose(other[value], row[value], atol=1e-9, err_msg=value)


def test_the_change_of_a_gain_is_known_as_well_as_its_units_tell():
    """It has one where the units moved apart from each other."""
    gains = np.linspace(-0.02, 0.02, 41)
    first, final = (
        typical_difference(
            Pair(Sample(0.7 + gains + more), Sample(np.full(41, 0.7))), 0.05
        )
        for more in (0, np.full(41, 0.03))
    )
    # All units moved alike, so that nothing is open.
    assert change(first, final, 1, 0.05) == pytest.approx([0.03] * 3)
    apart = Sample(0.7 + gains + np.where(np.arange(41) % 2, 0.1, 0))
    moved = typical_difference(Pair(apart, Sample(np.full(41, 0.7))), 0.05)
    value, low, high = change(first, moved, 1, 0.05)
    assert value == pytest.approx(moved.value - first.value)
    assert low < value < high and high - value == pytest.approx(value - low)
    # Too few units for an influence.
    single = typical_difference(Pair(Sample(gains[:1]), Sample(gains[1:2])), 0.05)
    assert np.isnan(change(single, single, 1, 0.05).low)


@pytest.mark.parametrize("is_matched", [True, False])
def test_intervals_of_shares_worked_by_hand(is_matched):
    """Bonett and Price's and Agresti and Caffo's, with Student's t of 9 degrees."""
    # Three failed only in the first, one only in the second.
    first, second = np.arange(10) < 5, np.isin(np.arange(10), (3, 4, 5))
    a, b = 4 / 12, 2 / 12
    variance = (a + b - (a - b) ** 2) / 12
    if not is_matched:
        second = np.arange(20) < 1
        a, b = 6 / 12, 2 / 22
        variance = a * (1 - a) / 12 + b * (1 - b) / 22
    row = row_of(*(Sample(np.full(len(x), 0.8), None, x) for x in (first, second)))
    half = stats.t.isf(alpha_of_each(2, OF_SHARES) / 2, 9) * math.sqrt(variance)
    expected = [first.mean() - second.mean(), a - b - half, min(a - b + half, 1)]
    assert estimates(row)["failed"] == pytest.approx(expected, abs=1e-6)
    assert [row["failed"], row["reference_failed"]] == [first.mean(), second.mean()]


@pytest.mark.parametrize("as_score", [lambda sample: sample, as_losses])
def test_weak_falls_short_of_the_baselines_median_by_a_fifth_of_its_gain(as_score):
    """A tenth below 0.8, which gains 0.5 on 0.3; 0.7 is at the limit."""
    baseline = as_score(Sample(np.array([0.7, 0.8, 0.9, FAILED]), constant=0.3))
    for value, is_weak in ((0.7, 0), (0.6999, 1), (0.75, 0), (0.1, 1), (FAILED, 0)):
        row = row_of(as_score(Sample(np.full(3, value))), baseline)
        assert (row["weak"], row["reference_weak"]) == (is_weak, 0), value
    lost = as_score(Sample(np.array([0.1, 0.1]), failed=np.array([True, False])))
    assert row_of(lost, baseline)["weak"] == 0.5
    # It is not counted beside a baseline that learned nothing.
    for constant in (0.79, 0.9, FAILED):
        nothing = as_score(Sample(np.full(3, 0.8), constant=constant))
        row = row_of(lost, nothing, margin=0.02)
        assert row[["weak", "weak_low", "weak_high"]].isna().all()


def test_a_mean_has_students_or_welchs_interval_given_one_source_model():
    matched, more = standalone(12, seed=2), standalone(30)
    for reference, exact in (
        (matched, stats.ttest_rel(TWELVE.values, matched.values)),
        (more, stats.ttest_ind(TWELVE.values, more.values, equal_var=False)),
    ):
        difference = TWELVE.values.mean() - reference.values.mean()
        expected = [difference, *exact.confidence_interval()]
        mean = estimates(row_of(TWELVE, reference, 3))["mean"]
        assert mean == pytest.approx(expected)


def test_a_mean_over_source_models_knows_that_stragglers_may_be_missing():
    variant, reference = normal(200, 3, between=0.01), standalone(600)
    row, means = row_of(variant, reference), variant.unit_means()
    exact = stats.ttest_ind(means, reference.values, equal_var=False)
    low, high = exact.confidence_interval()
    assert row["mean"] == pytest.approx(means.mean() - reference.values.mean())
    assert low - 0.015 < row["mean_low"] <= low + 0.002
    assert row["mean_high"] == pytest.approx(high, abs=0.005)
    few = nested([[0.8, 0.801, 0.799]] * 5)
    row = row_of(few, Sample(np.tile([0.79, 0.81], 50)))
    assert row["mean_low"] < -0.1 and row["mean_high"] < 0.05


@pytest.mark.filterwarnings("error")
def test_failed_networks_lose_against_all_others_and_count_in_the_mean_as_they_are():
    """Number 4 of the variant failed, and has the constant prediction's score, 0.1."""
    fields = {"failed": np.arange(6) == 4}
    variant = Sample(np.array([0.9, 0.9, 0.9, 0.9, 0.1, FAILED]), **fields)
    reference = Sample(np.array([0.8, 0.8, 0.8, 0.8, 0.05, FAILED]))
    row = row_of(variant, reference)
    values = [row["better"], row["mean"], row["typical"]]
    assert values == pytest.approx([4.5 / 6, (4 * 0.1 + 0.05) / 5, 0.1])
    # Source models all of whose networks failed are not in the mean.
    variant = nested([[0.9, 0.92]] * 4 + [[0.9, FAILED], [FAILED, FAILED]])
    reference = nested([[FAILED, FAILED]] + [[0.8, 0.82]] * 5)
    assert row_of(variant, reference)["mean"] == pytest.approx((3 * 0.1 + 0.09) / 4)
    row = row_of(variant, Sample(np.full(20, 0.8)))
    assert row["mean"] == pytest.approx((4 * 0.11 + 0.1) / 5)


def test_repeats_are_matched_only_where_they_have_the_same_addresses():
    samples = [
        Sample(np.arange(8.0), addresses=np.array([*np.ndindex(models, 8 // models)]))
        for models in (1, 2)
    ]
    for reference, unit in zip(samples, ("repeat", ""), strict=True):
        assert row_of(samples[0], reference)["matched_by"] == unit


# The summary of a variant

ERROR = METRICS["regression"]["median_absolute_error"]
SETTINGS = {"study": "s", "source": "a", "target": "b", "margin": 1}
SETTINGS |= {"has_splits": False, "target_sizes": ["all"], "networks": []}


def summed(sample):
    return summary_of({Arm("v", "all"): sample}).iloc[0]


def test_the_spread_of_unbalanced_counts_worked_by_hand():
    # Mean squares 30.4 between (2 degrees of freedom) and 4/3 within (3).
    groups = [[1.0, 2.0, 3.0], [4.0, 6.0], [9.0]]
    within = 4 / 3
    between = within * (stats.f_oneway(*groups).statistic - 1) / ((6 - 14 / 6) / 2)
    row = summed(nested(groups))
    assert row["std_between"] == pytest.approx(math.sqrt(between))
    assert row["std_within"] == pytest.approx(math.sqrt(within))
    # Source models weigh alike in the mean.
    assert (row["mean"], row["median"]) == (pytest.approx(16 / 3), 3.5)
    # A negative variance is zero.
    row = summed(nested([[1.0, 3.0], [1.0, 3.0]]))
    assert row["std_between"] == 0


def test_what_one_source_model_or_one_repeat_cannot_say():
    for models, within in ((None, 1), (np.zeros(3, int), 1), (np.arange(3), math.nan)):
        row = summed(Sample(np.array([1.0, 2.0, 3.0]), models))
        assert math.isnan(row["std_between"])
        assert row["std_within"] == pytest.approx(within, nan_ok=True)


def test_means_and_their_intervals():
    row = summed(nested([[0.6, 0.6]] * 4 + [[0.9]] * 4 + [[0.7]]))
    assert row["mean"] == pytest.approx((4 * 0.6 + 4 * 0.9 + 0.7) / 9)
    # An accuracy does not leave its bounds, and too few units have no interval.
    assert summed(nested([[0.9], [1.0], [1.0], [1.0], [1.0]]))["mean_high"] == 1
    assert np.isnan(ends_of(summed(nested([[0.8], [0.81]] * 2)), "mean")).all()
    # Given one source model it is Student's.
    exact = stats.ttest_1samp(TWELVE.values, 0).confidence_interval()
    assert ends_of(summed(TWELVE), "mean") == pytest.approx([*exact])


def test_means_of_errors_count_them_as_the_constants_at_most():
    """No such mean can be worse than that."""
    errors = np.array([6.0, 7.0, 9.0, 8.0, 7.5, 2.0])
    fields = {"lower_is_better": True, "constant": 5.0, "scale": 5.0, "worst": 5.0}
    table = summary_of({Arm("v", "all"): Sample(errors, **fields)}, ERROR)
    assert table["mean"][0] == pytest.approx(4.5)
    assert table["mean_low"][0] < 4.5 < table["mean_high"][0] == 5
    assert "constant prediction's count as that" in for_people(table, ERROR, SETTINGS)
    # The median of labels that are mostly 0 has no error: nothing beats it.
    fields |= {"constant": 0.0, "scale": 2e-9, "worst": ERROR.worst_told(0.0)}
    table = summary_of({Arm("v", "all"): Sample(errors / 1e9, **fields)}, ERROR)
    assert table["mean"][0] == pytest.approx(errors.mean() / 1e9)
    assert np.isnan(table["mean_low"][0]) and np.isnan(table["mean_high"][0])


def test_failures_are_counted():
    failed = np.arange(20) < 3
    sample = Sample(np.where(failed, 0.4, 0.9), None, failed, constant=0.4)
    row = summed(sample)
    assert (row["failed"], row["no_better"], row["constant"]) == (0.15, 0, 0.4)
    assert row["mean"] == pytest.approx((3 * 0.4 + 17 * 0.9) / 20)
    # No better than the constant are networks that did not fail, up to rounding.
    for constant, share in ((0.9, 0.85), (0.9000005, 0.85), (0.89, 0)):
        assert summed(sample._replace(constant=constant))["no_better"] == share


def test_a_network_kept_as_it_started_chose_no_rate():
    rate, epoch = np.array([0.01, 0.1, 0.3, 0.01]), np.array([0, 2, 3, 1])
    assert share_at_edge(rate, epoch, [0.1, 0.01, 0.3]) == 0.5


def test_a_number_has_a_digit_more_than_the_margin():
    for value, margin, sign, shown in (
        (0.12345, 0.01, "-", "0.123"),
        (-0.00001, 0.01, "+", "-0.00001"),
        (-1e-17, 0.01, "+", "+0.000"),
        (1.2345e-9, 1e-10, "-", "0.00000000123"),
        (-12_345_678, 1e6, "+", "-12345678"),
    ):
        assert number(value, margin, sign) == shown
