"""What the scores of a study allow one to say, and how surely.

The independent unit. Repeats that start from one source model share that model's luck;
they are no independent draws of "transfer". So where a variant has several source
models, the unit is the source model, represented by the mean over its repeats. Where
it has one source model, the unit is the repeat and every statement is conditional on
that model. Where it has none (standalone), the unit is the repeat.

All statements are conditional on the two data sets and their split into train and
test: only initial weights and batch orders vary. Intervals are at 95 % and come from
Student's t on the units. That is exact for normal units. Where a few source models fail
badly and the others are alike, too few units may hold none of the failures, and the
interval is then too short: docs/calibration.md shows how much.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from thaw.findings.samples import Sample

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE

# With fewer units an interval leans on their normality (docs/calibration.md).
FEW_UNITS = 10

NAN = float("nan")


class Interval(NamedTuple):
    """An interval; both ends are nan where the data do not allow one."""

    low: float = NAN
    high: float = NAN


class Components(NamedTuple):
    """The spread of a variant split in two, as standard deviations, and the share.

    `share` is the intraclass correlation: the part of the variance that lies between
    source models. Each is nan where it cannot be estimated.
    """

    between: float = NAN
    within: float = NAN
    share: float = NAN


class Comparison(NamedTuple):
    """A variant against a reference: how much better, how surely.

    `probability` is that a random repeat of the variant beats a random one of the
    reference, ties counting half. Whatever cannot be estimated is nan, and `note` says
    why.
    """

    difference: float
    interval: Interval
    probability: float
    probability_interval: Interval
    p_value: float
    paired: bool
    note: str


def mean_interval(units: np.ndarray) -> Interval:
    """Return the interval of the mean of independent units (Student's t).

    It cannot be estimated from one unit, nor from units that do not vary.
    """
    if not _vary(units):
        return Interval()
    return Interval(*stats.ttest_1samp(units, 0).confidence_interval(CONFIDENCE))


def share_interval(units: np.ndarray) -> Interval:
    """Return the interval of a share or probability, the mean of units within [0, 1].

    Where every unit is 0 or 1 it is the exact binomial interval (Clopper and Pearson
    1934), which still says how little it means that, say, all of five units are 1. Else
    it is Student's t, cut off at 0 and 1.
    """
    if len(units) > 1 and np.isin(units, (0, 1)).all():
        exact = stats.binomtest(int(units.sum()), len(units)).proportion_ci(CONFIDENCE)
        return Interval(float(exact.low), float(exact.high))
    return Interval(*np.clip(mean_interval(units), 0, 1))


def variance_components(sample: Sample) -> Components:
    """Split the variance between and within source models.

    Random-effects one-way analysis of variance, with unbalanced counts allowed and
    negative estimates set to 0 (Searle, Casella and McCulloch 1992, "Variance
    Components", section 3.6). With one source model, or none, the part between them
    cannot be estimated; with one repeat a source model neither part can.
    """
    if not sample.is_nested:
        within = sample.values.std(ddof=1) if len(sample.values) > 1 else NAN
        return Components(within=float(within))
    counts = np.bincount(sample.unit_numbers)
    means = sample.unit_means()
    total, models = counts.sum(), len(counts)
    if total == models:
        return Components()
    squares_between = (counts * (means - sample.values.mean()) ** 2).sum()
    squares_within = ((sample.values - means[sample.unit_numbers]) ** 2).sum()
    mean_square_between = squares_between / (models - 1)
    mean_square_within = squares_within / (total - models)
    count = (total - (counts**2).sum() / total) / (models - 1)
    between = max(0.0, (mean_square_between - mean_square_within) / count)
    variance = between + mean_square_within
    share = between / variance if variance > 0 else NAN
    return Components(np.sqrt(between), np.sqrt(mean_square_within), share)


def compare(variant: Sample, reference: Sample) -> Comparison:
    """Compare two variants of a study.

    Variants that start from the same source models, at least two, are compared model by
    model: a paired t-test of the unit means. All others are independent: Welch's t-test
    of the units (Welch 1947), whose degrees of freedom follow the side with the fewer
    units. The repeats of different variants share batch orders, which makes them alike
    rather than opposite, so taking them as independent errs on the safe side.
    """
    paired = (
        variant.is_nested
        and reference.is_nested
        and np.array_equal(variant.models, reference.models)
    )
    units, others = variant.unit_means(), reference.unit_means()
    if paired:
        test = _paired_test(units, others)
        probability, probability_interval = _paired_probability(variant, reference)
    else:
        test = _welch_test(units, others)
        probability, probability_interval = _probability(variant, reference)
    interval, p_value = test
    return Comparison(
        float(units.mean() - others.mean()),
        interval,
        probability,
        probability_interval,
        p_value,
        paired,
        _note(units, others, interval),
    )


def verdict(comparison: Comparison, p_adjusted: float, margin: float) -> str:
    """Say in words what a comparison found.

    *Equivalent* if the whole interval lies within ±`margin`, the smallest difference
    that matters (two one-sided tests at 2.5 % each, Schuirmann 1987); else *helps* or
    *hurts* if the adjusted p-value is below 5 %; else *no clear difference*. *Not
    estimable* where there is no interval.
    """
    low, high = comparison.interval
    if np.isnan(low):
        return "not estimable"
    if -margin < low and high < margin:
        return f"equivalent within ±{margin:g}"
    if p_adjusted < ALPHA:
        return "helps" if comparison.difference > 0 else "hurts"
    return "no clear difference"


def _vary(units: np.ndarray) -> bool:
    """Whether there are several units that are not all the same number.

    Up to rounding: the means of equal scores may differ in their last bits.
    """
    return len(units) > 1 and not np.allclose(units, units[0], rtol=1e-9, atol=1e-12)


def _paired_test(units: np.ndarray, others: np.ndarray) -> tuple[Interval, float]:
    if not _vary(units - others):
        return Interval(), NAN
    test = stats.ttest_rel(units, others)
    return Interval(*test.confidence_interval(CONFIDENCE)), float(test.pvalue)


def _welch_test(units: np.ndarray, others: np.ndarray) -> tuple[Interval, float]:
    if min(len(units), len(others)) < 2 or not (_vary(units) or _vary(others)):
        return Interval(), NAN
    with warnings.catch_warnings():
        # One side may not vary at all, of which scipy warns; the other side's spread is
        # then the whole spread.
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.ttest_ind(units, others, equal_var=False)
    return Interval(*test.confidence_interval(CONFIDENCE)), float(test.pvalue)


def _beats(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return, for each value, the share of `others` it beats, ties counting half."""
    others = np.sort(others)
    below = np.searchsorted(others, values, side="left")
    not_above = np.searchsorted(others, values, side="right")
    return (below + not_above) / (2 * len(others))


def _placements(sample: Sample, other: Sample) -> np.ndarray:
    """Return the share of `other` that each value beats, its units weighing equally."""
    groups = other.groups()
    # Summed as they come: held together they are values times source models.
    return sum(_beats(sample.values, group) for group in groups) / len(groups)


def _paired_probability(variant: Sample, reference: Sample) -> tuple[float, Interval]:
    """Return the probability that the variant wins from one and the same source model.

    The units are the source models' own probabilities.
    """
    wins = np.array(
        [
            _beats(values, others).mean()
            for values, others in zip(variant.groups(), reference.groups(), strict=True)
        ]
    )
    return float(wins.mean()), share_interval(wins)


def _probability(variant: Sample, reference: Sample) -> tuple[float, Interval]:
    """Return the probability that the variant wins, for independent samples.

    The interval of Brunner and Munzel (2000), with a logit as in Pauly, Asendorf and
    Konietschke (2016): Welch's t on the placements, that is on the share of the other
    sample which each unit beats. A source model's placement is the mean of its
    repeats', as in Obuchowski (1997) for clustered data.
    """
    placements = variant.unit_means(_placements(variant, reference))
    opposite = reference.unit_means(_placements(reference, variant))
    probability = float(placements.mean())
    interval, _ = _welch_test(placements, opposite)
    if np.isnan(interval.low) and probability in (0, 1):
        # Every unit of one side beats all of the other; the smaller side limits what
        # that means.
        fewest = min(len(placements), len(opposite))
        return probability, share_interval(np.full(fewest, probability))
    # Symmetric on the scale of the logit, which keeps to the bounds and covers better
    # where units are few.
    half = (interval.high - interval.low) / 2 / (probability * (1 - probability))
    low, high = special.expit(special.logit(probability) + np.array([-half, half]))
    return probability, Interval(float(low), float(high))


def _note(units: np.ndarray, others: np.ndarray, interval: Interval) -> str:
    fewest = min(len(units), len(others))
    if fewest < 2:
        return "not estimable from one unit"
    if np.isnan(interval.low):
        return "the units do not vary, so there is no interval"
    if fewest < FEW_UNITS:
        return f"only {fewest} units: the interval holds if they are near normal"
    return ""
