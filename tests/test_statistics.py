"""The pieces of a comparison: against SciPy, by brute force, and under symmetries."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from samples import nested, normal
from thaw.findings.evidence import opposite, p_more_often, t_statistic
from thaw.findings.failures import (
    difference_of_shares,
    is_no_better,
    is_weak,
    median_levels,
)
from thaw.findings.how_often import how_often
from thaw.findings.mean import mean_difference
from thaw.findings.pairs import Pair, Placements, units_needed
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference

RNG = np.random.default_rng(0)
FAILED = np.nan
INTERVALS = {
    "typical": typical_difference,
    "how often": how_often,
    "mean": mean_difference,
    "weak": lambda pair, alpha: difference_of_shares(
        pair,
        pair.variant.values[None] < 0.75,
        pair.reference.values[None] < 0.75,
        alpha,
    ),
}


def rounded(sample, step=0.01):
    """Return a sample with ties, as accuracies have."""
    return sample._replace(values=np.round(sample.values / step) * step)


def standalone(count, seed=1):
    return Sample(np.random.default_rng(seed).normal(0.8, 0.05, count))


PAIRS = {
    "independent": (rounded(normal(9, 4)), rounded(standalone(30))),
    "matched by source model": (rounded(normal(9, 4)), rounded(normal(9, 3, seed=2))),
    "matched by repeat": (
        Sample(rounded(standalone(12)).values, np.zeros(12, dtype=int)),
        rounded(standalone(12, seed=2)),
    ),
    "other source models": (
        rounded(normal(9, 4)),
        rounded(Sample(standalone(24).values, np.repeat(np.arange(20, 32), 2))),
    ),
}


def brute_force_placements(pair, shift):
    """Return placements by comparing each repeat with each other one."""

    def beats(a, b):
        return (a > b) + (a == b) / 2

    ours = [np.round(group - shift, 9) for group in units(pair.variant)]
    others = [np.round(group, 9) for group in units(pair.reference)]
    if pair.matched:
        couples = zip(ours, others, strict=True)
        return [np.mean([beats(a, b) for a in x for b in y]) for x, y in couples], None
    table = np.array(
        [[np.mean([beats(a, b) for a in x for b in y]) for y in others] for x in ours]
    )
    return table.mean(1), 1 - table.mean(0)


def units(sample):
    if sample.is_nested:
        return sample.groups()
    return [np.array([value]) for value in sample.values]


@pytest.mark.parametrize("shift", [0.0, 0.013, -0.055])
@pytest.mark.parametrize("name", PAIRS)
def test_placements_by_brute_force(name, shift):
    pair = Pair(*PAIRS[name])
    assert (pair.matched or "independent") in name or name == "other source models"
    ours, others = brute_force_placements(pair, shift)
    found = pair.placements(shift)
    assert found.variant == pytest.approx(ours)
    assert (found.reference is None) == bool(pair.matched)
    if not pair.matched:
        assert found.reference == pytest.approx(others)


def test_before_the_arcsine_the_test_is_brunner_and_munzels():
    first, second = RNG.normal(0, 1, 25), RNG.normal(0.6, 2, 18)
    found = Pair(Sample(first), Sample(second)).placements()
    chance = found.variant.mean()
    error = math.sqrt(found.variant.var(ddof=1) / 25 + found.reference.var(ddof=1) / 18)
    theirs = stats.brunnermunzel(second, first).statistic
    assert (chance - 0.5) / error == pytest.approx(theirs)
    # On the arcsine's scale: by how much p moves there, for as much here.
    scale = 2 * math.sqrt(chance * (1 - chance))
    expected = scale * (math.asin(math.sqrt(chance)) - math.pi / 4) / error
    assert t_statistic(found) == pytest.approx(expected)


def p_value(*shares):
    return float(p_more_often(Placements(np.array(shares))))


@pytest.mark.parametrize("count", [8, 12, 30])
def test_where_units_say_yes_or_no_it_is_no_bolder_than_the_sign_test(count):
    for wins in range(count // 2 + 1, count + 1):
        found = p_value(*[1.0] * wins, *[0.0] * (count - wins))
        exact = stats.binom.sf(wins - 1, count, 0.5)
        if exact < 0.1:
            assert 0.99 * exact < found < 1.35 * exact + 0.01


@pytest.mark.parametrize("share", [0.6, 0.68, 0.9])
@pytest.mark.parametrize("count", [8, 20, 60])
def test_gaffkes_p_value_where_shares_agree(count, share):
    """Exactly: the one that was not drawn has weight Beta(1, count)."""
    exact = (0.5 / share) ** count
    # Not quite equal, or it would be sure of them.
    shares = share + np.linspace(-0.001, 0.001, count)
    if exact < 0.2:
        # The approximation errs on the safe side.
        assert 0.99 * exact < p_value(*shares) < 1.06 * exact


def test_all_winning_a_little_is_not_sure():
    """A fifth of source models may lose, and none of ten was drawn."""
    assert p_value(*np.linspace(0.61, 0.63, 10)) > 0.1
    assert p_value(*np.linspace(0.61, 0.63, 100)) < 0.001
    # The few units may be the reference's.
    many, few = np.full(100, 0.62), np.linspace(0.37, 0.39, 8)
    one_side = float(p_more_often(Placements(many)))
    assert float(p_more_often(Placements(many, few))) > 0.1 > one_side


def test_no_p_value_is_below_that_of_the_sign_test():
    assert [units_needed(0.05 / k) for k in (1, 3, 5)] == [6, 7, 8]
    for count in (6, 7, 8):
        assert p_value(*[1.0] * count) == 2.0**-count
        losers = Placements(np.zeros(count))
        assert float(p_more_often(opposite(losers))) == 2.0**-count


@pytest.mark.parametrize("name", PAIRS)
def test_the_typical_difference_is_the_median(name):
    pair = Pair(*PAIRS[name])
    ours, others = units(pair.variant), units(pair.reference)
    couples = (
        zip(ours, others, strict=True)
        if pair.matched
        else itertools.product(ours, others)
    )
    differences, weights = [], []
    for x, y in couples:
        differences += [a - b for a in x for b in y]
        weights += [1 / (len(x) * len(y))] * (len(x) * len(y))
    order = np.argsort(differences)
    below = np.cumsum(np.array(weights)[order]) / sum(weights)
    first = np.searchsorted(below, 0.5 - 1e-9)
    last = np.searchsorted(below, 0.5 + 1e-9)
    expected = (differences[order[first]] + differences[order[last]]) / 2
    assert typical_difference(pair, 0.05).value == pytest.approx(expected)


@pytest.mark.parametrize("name", PAIRS)
def test_the_interval_holds_what_is_not_rejected(name):
    pair = Pair(*PAIRS[name])
    found = typical_difference(pair, 0.05)
    # All scores are multiples of 0.01, so that nothing changes between half steps.
    shifts = (np.arange(-80, 80) + 0.5) / 100

    def is_held(shift):
        found = pair.placements(shift)
        return min(p_more_often(found), p_more_often(opposite(found))) >= 0.025

    held = [shift for shift in shifts[np.abs(shifts) <= pair.span] if is_held(shift)]
    assert found.low == pytest.approx(min(held) - 0.005)
    assert found.high == pytest.approx(max(held) + 0.005)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("name", PAIRS)
def test_swapping_the_two_swaps_the_sign(name, interval):
    first, second = PAIRS[name]
    one = INTERVALS[interval](Pair(first, second), 0.05)
    other = INTERVALS[interval](Pair(second, first), 0.05)
    sum_of_both = 1 if interval == "how often" else 0
    expected = [sum_of_both - end for end in (other.value, other.high, other.low)]
    # Intervals from random draws differ by the draws.
    near = 0.02 if interval in ("how often", "mean") else 1e-9
    assert tuple(one) == pytest.approx(expected, abs=near)


@pytest.mark.parametrize(("interval", "near"), [("typical", 1e-8), ("mean", 0.03)])
@pytest.mark.parametrize("name", PAIRS)
def test_a_shift_moves_the_interval(name, interval, near):
    """That of the mean moves nearly so: an unseen straggler may lie anywhere."""
    variant, reference = PAIRS[name]
    one = INTERVALS[interval](Pair(variant, reference), 0.05)
    moved = variant._replace(values=variant.values + 0.1)
    other = INTERVALS[interval](Pair(moved, reference), 0.05)
    assert tuple(other) == pytest.approx([end + 0.1 for end in one], abs=near)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("name", PAIRS)
def test_the_order_of_source_models_and_repeats_changes_nothing(name, interval):
    def reordered(sample, order, numbers):
        models = sample.source_models
        models = None if models is None else numbers[models][order]
        return Sample(sample.values[order], models)

    rng = np.random.default_rng(5)
    numbers = rng.permutation(50)
    variant, reference = PAIRS[name]
    order = rng.permutation(len(variant.values))
    # Repeats that are matched stay so.
    matched = Pair(variant, reference).matched == "repeat"
    other_order = order if matched else rng.permutation(len(reference.values))
    one = INTERVALS[interval](Pair(variant, reference), 0.05)
    other = INTERVALS[interval](
        Pair(
            reordered(variant, order, numbers),
            reordered(reference, other_order, numbers),
        ),
        0.05,
    )
    assert tuple(other) == pytest.approx(tuple(one), abs=1e-9)


def test_how_often_is_clopper_and_pearsons_where_units_say_yes_or_no():
    wins = np.repeat([0.9, 0.7], [7, 3])
    found = how_often(Pair(Sample(wins), Sample(np.full(10, 0.8))), 0.05)
    exact = stats.binomtest(7, 10).proportion_ci()
    assert tuple(found) == pytest.approx((0.7, exact.low, exact.high), abs=0.015)


def test_how_often_allows_for_losing_units_not_drawn():
    """All units alike: their spread alone would say "always", with no doubt."""
    first, second = nested([[0.9, 0.91]] * 5), nested([[0.7, 0.8]] * 5)
    found = how_often(Pair(first, second), 0.05)
    assert found.high == 1
    assert found.low == pytest.approx(0.025 ** (1 / 5), abs=0.01)


def test_how_often_doubts_the_reference_too():
    few, many = (
        how_often(Pair(normal(40, 2, between=0.01), standalone(n)), 0.05)
        for n in (8, 800)
    )
    assert few.high - few.low > 1.5 * (many.high - many.low)


def test_intervals_of_shares_worked_by_hand():
    """Agresti and Caffo's and Bonett and Price's, with Student's t of 9 degrees."""
    first = Sample(np.repeat([0.0, 1.0], [4, 6]), None)
    second = Sample(np.repeat([0.0, 1.0], [1, 19]), None)
    found = difference_of_shares(
        Pair(first, second), first.values[None] == 0, second.values[None] == 0, 0.05
    )
    a, b = 5 / 12, 2 / 22
    half = 2.262157 * math.sqrt(a * (1 - a) / 12 + b * (1 - b) / 22)
    assert tuple(found) == pytest.approx((0.35, a - b - half, a - b + half), abs=1e-6)
    # Ten matched: three only in the first, one only in the second.
    ours = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0, 0], dtype=bool)
    others = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    pair = Pair(Sample(np.zeros(10)), Sample(np.zeros(10)))
    found = difference_of_shares(pair, ours[None], others[None], 0.05)
    a, b = 4 / 12, 2 / 12
    half = 2.262157 * math.sqrt((a + b - (a - b) ** 2) / 12)
    assert tuple(found) == pytest.approx((0.2, a - b - half, a - b + half), abs=1e-6)


def as_loss(sample):
    """Return the same sample as losses; the constant's is about 1.7."""
    values, constant = 2 - sample.values, 2 - sample.constant
    return sample._replace(values=values, constant=constant, lower_is_better=True)


@pytest.mark.parametrize("as_score", [lambda sample: sample, as_loss])
def test_weak_falls_short_of_the_baselines_median_by_a_fifth_of_its_gain(as_score):
    baseline = Sample(np.array([0.7, 0.8, 0.9, FAILED]), constant=0.3)
    sample = Sample(np.array([0.69, 0.7, 0.2, FAILED, 0.1]))
    sample = sample._replace(failed=np.array([0, 0, 0, 0, 1], dtype=bool))
    baseline, sample = as_score(baseline), as_score(sample)
    by_median, lower, higher, *_ = is_weak(sample, baseline, 0.05, 0.01).tolist()
    # A tenth below 0.8, which gains 0.5; 0.7 is at the limit.
    assert by_median == [True, False, True, False, False]
    # The median of four values may be any that lies between them: 0.62 and 0.78.
    assert lower == [False, False, True, False, False]
    assert higher == [True, True, True, False, False]


@pytest.mark.parametrize(
    "baseline",
    [
        Sample(np.full(3, FAILED), constant=0.3),
        Sample(np.full(3, 0.8), constant=0.79),
        Sample(np.full(3, 0.8), lower_is_better=True, constant=0.7),
        Sample(np.full(3, 0.8)),
    ],
)
def test_weak_is_not_counted_beside_a_baseline_that_learned_nothing(baseline):
    sample = baseline._replace(values=np.array([0.1, 0.8, 0.9, FAILED]))
    assert np.isnan(is_weak(sample, baseline, 0.05, 0.02)).all()


def test_no_better_than_the_constant_are_sound_networks():
    values = np.array([0.3, 0.3000005, 0.31, 0.2, FAILED])
    sample = Sample(values, None, np.array([0, 0, 0, 1, 0], dtype=bool), constant=0.3)
    assert is_no_better(sample).tolist() == [True, True, False, False, False]
    losses = is_no_better(sample._replace(lower_is_better=True))
    assert losses.tolist() == [True, True, True, False, False]


def test_the_ends_of_a_medians_interval_are_those_of_the_sign_test():
    """Hollander, Wolfe and Chicken (2014), table A.2: of 20, ranks 6 and 15."""
    middle, low, high = median_levels(20, 0.05)
    assert (middle, 1 + low * 19, 1 + high * 19) == pytest.approx((0.5, 6, 15))


def test_a_narrow_variant_at_the_limit_is_not_said_to_be_weak_more_often():
    """21 % of both are weak; the number by the sample's median is chance."""
    said = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        baseline = Sample(rng.normal(0.7, 0.1, 60), constant=0.3)
        values = rng.normal(0.624, 0.005, 60)
        variant = Sample(values, np.arange(60) % 30)
        weak = [is_weak(side, baseline, 0.05, 0.01) for side in (variant, baseline)]
        found = difference_of_shares(Pair(variant, baseline), *weak, 0.05)
        said.append(found.low > 0 or found.high < 0)
    assert np.mean(said) <= 0.1


@pytest.mark.parametrize("loss", [50.0, 1e15, 1e30])
def test_a_loss_beyond_all_measure_takes_no_digits_of_the_others(loss):
    first, second = normal(8, 3, between=0.01), normal(8, 3, mean=0.6, between=0.01)
    spoilt = second.values.copy()
    spoilt[4] = loss
    second = second._replace(values=spoilt)
    pair = Pair(*(s._replace(lower_is_better=True) for s in (first, second)))
    found = typical_difference(pair, 0.05)
    assert -0.3 < found.low < found.value < found.high < 0.3


def test_no_difference_at_all_has_no_sign():
    alike = nested([[1.0, 1.0]] * 10)
    found = typical_difference(Pair(alike, alike), 0.05)
    assert [math.copysign(1, end) for end in found] == [1, 1, 1]


def test_a_mean_without_stragglers_is_students_and_a_little_lower():
    variant, reference = normal(200, 3, between=0.01), standalone(600)
    found = mean_difference(Pair(variant, reference), 0.05)
    theirs = stats.ttest_ind(
        variant.unit_means(), reference.values, equal_var=False
    ).confidence_interval()
    assert found.value == pytest.approx(
        variant.unit_means().mean() - reference.values.mean()
    )
    assert found.low < theirs.low
    assert found.low > theirs.low - 0.015
    assert found.high == pytest.approx(theirs.high, abs=0.005)


def test_a_mean_of_few_knows_that_stragglers_may_be_missing():
    alike = nested([[0.8, 0.801, 0.799]] * 5)
    found = mean_difference(Pair(alike, Sample(np.tile([0.79, 0.81], 50))), 0.05)
    assert found.low < -0.1
    assert found.high < 0.05


def test_failed_networks_lose_against_all_others_and_count_in_the_mean_as_they_are():
    """Number 4 of the variant failed, and has the constant prediction's score, 0.1."""
    variant = Sample(np.array([0.9, 0.9, 0.9, 0.9, 0.1, FAILED]))
    variant = variant._replace(failed=np.array([0, 0, 0, 0, 1, 0], dtype=bool))
    reference = Sample(np.array([0.8, 0.8, 0.8, 0.8, 0.05, FAILED]))
    pair = Pair(variant, reference)
    assert pair.placements().variant.tolist() == [1, 1, 1, 1, 0, 0.5]
    assert mean_difference(pair, 0.05).value == pytest.approx((4 * 0.1 + 0.05) / 5)
    assert typical_difference(pair, 0.05).value == pytest.approx(0.1)


@pytest.mark.filterwarnings("error")
def test_source_models_all_of_whose_networks_failed_are_not_in_the_mean():
    variant = nested([[0.9, 0.92]] * 4 + [[0.9, FAILED]] + [[FAILED, FAILED]])
    reference = nested([[FAILED, FAILED]] + [[0.8, 0.82]] * 5)
    matched = mean_difference(Pair(variant, reference), 0.05)
    assert matched.value == pytest.approx((3 * 0.1 + 0.09) / 4)
    alone = mean_difference(Pair(variant, Sample(np.full(20, 0.8))), 0.05)
    assert alone.value == pytest.approx((4 * 0.11 + 0.1) / 5)


@pytest.mark.filterwarnings("error")
def test_where_most_networks_failed():
    dead, alive = Sample(np.full(12, FAILED)), standalone(12)
    worse = typical_difference(Pair(dead, alive), 0.01)
    assert worse.value == -np.inf
    assert worse.high < 0
    assert typical_difference(Pair(alive, dead), 0.01).low > 0
    nothing = typical_difference(Pair(dead, dead), 0.01)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (-np.inf, np.inf)
    assert math.isnan(mean_difference(Pair(dead, alive), 0.05).value)
    assert how_often(Pair(dead, alive), 0.05).value == 0


def test_repeats_are_matched_only_where_they_have_the_same_addresses():
    values, addresses = np.arange(4.0), np.array([(0, j) for j in range(4)])
    one = Sample(values, addresses=addresses)
    assert Pair(one, Sample(values[::-1], addresses=addresses)).matched == "repeat"
    others = np.array([(s, j) for s in range(2) for j in range(2)])
    assert Pair(one, Sample(values, addresses=others)).matched == ""
