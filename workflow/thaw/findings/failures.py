"""Networks that failed or are weak: their shares, and the difference of the shares.

Each unit counts as much as a yes or no: a source model half of whose repeats are weak
is half a weak one. Intervals are those that keep their level with few units and rare
failures: Agresti and Caffo (2000) for independent sides, Bonett and Price (2012) for
matched ones. Each adds a success and a failure, so that "none of ten" is not taken for
"never".

The limit of weak depends on the baseline's median, which is itself an estimate: a
narrow variant near the limit may lie on either side of it. So weak networks are counted
by three limits, and the interval is as wide as those of all three together.
"""

import numpy as np
from scipy import stats

from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample

# The kinds of networks that are counted apart, and what verdicts say of them.
KINDS = {"failed": "fails", "weak": "is weak"}

# How far below the baseline's median a network is weak: a convention.
WEAK = 0.1

# A larger share of failed networks is reported before anything else.
FEW = 0.05


def is_weak(sample: Sample, baseline: Sample, alpha: float) -> np.ndarray:
    """Return which networks learned, but are far below the baseline's median `[3, n]`.

    By that median, and by both ends of its interval at level 1 - `alpha`. All are nan
    unless the metric is an accuracy, since the convention covers no other.
    """
    if sample.lower_is_better:
        return np.full((3, len(sample.values)), np.nan)
    if not baseline.sound.any():
        return np.zeros((3, len(sample.values)), dtype=bool)
    levels = median_levels(len(baseline.unit_means()), alpha)
    limits = np.quantile(baseline.values[baseline.sound], levels)[:, None] - WEAK
    # Not by the last bit: 0.7 is not more than 0.1 below 0.8.
    return sample.sound & (np.where(sample.sound, sample.values, 0) < limits - 1e-9)


def median_levels(units: int, alpha: float) -> list[float]:
    """Return at which quantiles a median lies, and its interval's two ends.

    The ends are those of the sign test: the highest and lowest rank beyond which the
    median of `units` independent values lies with at most `alpha` / 2.
    """
    rank = max(stats.binom.ppf(alpha / 2, units, 0.5) - 1, 0)
    level = float(rank) / max(units - 1, 1)
    return [0.5, level, 1 - level]


def difference_of_shares(
    pair: Pair, variant: np.ndarray, reference: np.ndarray, alpha: float
) -> Estimate:
    """Return by how much the share of one side exceeds the other's.

    `variant` and `reference` `[ways, n]` say of each network whether it counts, in each
    of several ways. The value is that of the first; the interval holds those of all,
    each at level 1 - `alpha`.
    """
    ours, others = (
        np.array([sample.unit_means(way.astype(float)) for way in counts])
        for sample, counts in ((pair.variant, variant), (pair.reference, reference))
    )
    low, high = shares_interval(ours, others, bool(pair.matched), alpha)
    value = ours[0].mean() - others[0].mean()
    return Estimate(float(value), float(low.min()), float(high.max()))


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
    # Student's quantile where theirs is the normal one, which is too small at 20 units.
    degrees = max(min(ours.shape[-1], others.shape[-1]) - 1, 1)
    half = stats.t.isf(alpha / 2, degrees) * np.sqrt(variance)
    return np.clip(middle - half, -1, 1), np.clip(middle + half, -1, 1)


def _share(shares: np.ndarray) -> np.ndarray:
    return (shares.sum(-1) + 1) / (shares.shape[-1] + 2)
