"""Networks that failed or are weak: their shares, and the difference of the shares.

Each unit counts as much as a yes or no: a source model half of whose repeats are weak
is half a weak one. Intervals are those that keep their level with few units and rare
failures: Agresti and Caffo (2000) for independent sides, Bonett and Price (2012) for
matched ones. Each adds a success and a failure, so that "none of ten" is not taken for
"never".
"""

import numpy as np
from scipy import stats

from thaw.findings.estimate import Estimate
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample

# How far below the baseline's median a network is weak: a convention.
WEAK = 0.1

# A larger share of failed networks is said before anything else.
FEW = 0.05


def is_weak(sample: Sample, baseline: Sample) -> np.ndarray:
    """Return which networks learned, but are far below the baseline's median `[n]`.

    It is nan where the metric is no accuracy, for which there is no such convention.
    """
    if sample.lower_is_better:
        return np.full(len(sample.values), np.nan)
    if not baseline.sound.any():
        return np.zeros(len(sample.values), dtype=bool)
    limit = np.median(baseline.values[baseline.sound]) - WEAK
    # Not by the last bit: 0.7 is not more than 0.1 below 0.8.
    return sample.sound & (np.where(sample.sound, sample.values, 0) < limit - 1e-9)


def difference_of_shares(
    pair: Pair, variant: np.ndarray, reference: np.ndarray, alpha: float
) -> Estimate:
    """Return by how much the share of one side exceeds the other's.

    `variant` and `reference` `[n]` say of each network whether it counts. The interval
    is at level 1 - `alpha`.
    """
    ours = pair.variant.unit_means(variant.astype(float))
    others = pair.reference.unit_means(reference.astype(float))
    low, high = shares_interval(ours, others, bool(pair.matched), alpha)
    return Estimate(float(ours.mean() - others.mean()), float(low), float(high))


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
