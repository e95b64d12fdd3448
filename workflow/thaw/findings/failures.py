"""Networks that failed, are weak or no better than a constant: shares and differences.

All units count alike: a source model with half of its repeats weak is half a weak one.
The intervals keep their level with few units and rare failures: Agresti and Caffo
(2000) for independent sides, Bonett and Price (2012) for matched ones. Each adds a
success and a failure, so that "none of ten" is not taken for "never".

A network is weak if it learned, but falls short of the baseline's median by more than a
fifth of the median's gain on the best constant prediction: a convention that works in
every metric. The median is itself an estimate, so a narrow variant near the limit may
lie on either side of it. Weak networks are therefore counted by three limits, and the
interval is as wide as those of all three together. Other test rows would move variant
and baseline apart, which two more limits allow for.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from thaw.findings.metrics import Metric
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample

# The kinds of networks that are counted apart, and their words in verdicts.
KINDS = {"failed": "fails", "weak": "is weak"}

# If more networks failed, the answer begins with it.
FEW = 0.05

# Scores are rounded to float32; the best constant prediction's are not.
ROUNDING = 1e-6


def meaning_of_weak(metric: Metric, baseline: str) -> str:
    """Return the meaning of weak, for tables and sentences."""
    side = "above" if metric.lower_is_better else "below"
    return (
        f"{side} the median of {baseline} by more than a fifth of what that gains on "
        "the best constant prediction"
    )


def is_no_better(sample: Sample) -> np.ndarray:
    """Return which sound networks do not beat the best constant prediction `[n]`."""
    return sample.sound & (sample.ranked <= sample.ranked_constant + ROUNDING)


def is_weak(
    sample: Sample, baseline: Sample, alpha: float, margin: float, reach: float = 0.0
) -> np.ndarray:
    """Return which networks are sound, but weak beside the baseline `[5, n]`.

    The limits are its median, both ends of the median's interval at level 1 - `alpha`,
    and two that are lower and higher by `reach`, in units: as far as test rows may have
    moved them. All are nan if the median does not beat the best constant prediction by
    more than the `margin`.
    """
    if baseline.sound.any():
        levels = median_levels(len(baseline.unit_means()), alpha)
        medians = np.quantile(baseline.ranked[baseline.sound], levels)
        constant = baseline.ranked_constant
        if medians[0] - constant > margin / baseline.scale:
            limits = limit_of_weak(medians, constant)
            limits = np.append(limits, limits[0] + reach * np.array([-1, 1]))[:, None]
            # Not by the last bit: a network at the limit is not weak.
            return sample.sound & (sample.ranked < limits - 1e-9)
    return np.full((5, len(sample.values)), np.nan)


def limit_of_weak(median: np.ndarray, constant: ArrayLike) -> np.ndarray:
    """Return the score beyond which a network is weak, given the baseline's median."""
    return median - (median - constant) / 5


def median_levels(units: int, alpha: float) -> list[float]:
    """Return the quantiles of a median and of its interval's two ends.

    The ends are those of the sign test: the highest and lowest rank beyond which the
    median of `units` independent values lies with at most `alpha` / 2.
    """
    rank = max(stats.binom.ppf(alpha / 2, units, 0.5) - 1, 0)
    level = float(rank) / max(units - 1, 1)
    return [0.5, level, 1 - level]


def difference_of_shares(
    pair: Pair, variant: np.ndarray, reference: np.ndarray, alpha: float
) -> Estimate:
    """Return the share of one side less that of the other.

    `variant` and `reference` `[ways, n]` say in several ways which networks count. The
    value is that of the first way; the interval spans those of all, each at level
    1 - `alpha`.
    """
    ours, others = (
        np.array([sample.unit_means(way.astype(float)) for way in counts])
        for sample, counts in ((pair.variant, variant), (pair.reference, reference))
    )
    low, high = shares_interval(ours, others, bool(pair.matched), alpha)
    value = ours[0].mean() - others[0].mean()
    return Estimate(float(value), float(low.min()), float(high.max()))


def difference_on_other_rows(
    pair: Pair, variant: np.ndarray, reference: np.ndarray
) -> tuple[float, float]:
    """Return the smallest and the largest difference of shares that rows allow.

    `variant` and `reference` `[2, n]` say which networks are weak, at fewest and at
    most.
    """
    (fewest, most), (others_fewest, others_most) = (
        [sample.unit_means(way.astype(float)).mean() for way in ways]
        for sample, ways in ((pair.variant, variant), (pair.reference, reference))
    )
    return fewest - others_most, most - others_fewest


def shares_interval(
    ours: np.ndarray, others: np.ndarray, matched: bool, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of the difference of the shares of units `[..., units]`."""
    if matched:
        more = _share(np.clip(ours - others, 0, None))
        less = _share(np.clip(others - ours, 0, None))
        middle = more - less
        variance = (more + less - middle**2) / (ours.shape[-1] + 2)
    else:
        mine, theirs = _share(ours), _share(others)
        middle = mine - theirs
        variance = mine * (1 - mine) / (ours.shape[-1] + 2)
        variance += theirs * (1 - theirs) / (others.shape[-1] + 2)
    # Student's quantile; theirs, the normal one, is too small at 20 units.
    degrees = max(min(ours.shape[-1], others.shape[-1]) - 1, 1)
    half = stats.t.isf(alpha / 2, degrees) * np.sqrt(variance)
    return np.clip(middle - half, -1, 1), np.clip(middle + half, -1, 1)


def _share(shares: np.ndarray) -> np.ndarray:
    return (shares.sum(-1) + 1) / (shares.shape[-1] + 2)
