"""Networks that failed, are weak or no better than a constant: shares and differences.

All units count alike: a source model with half of its repeats weak is half a weak one.
The intervals keep their level with few units and rare failures: Agresti and Caffo
(2000) for independent sides, Bonett and Price (2012) for matched ones. Each adds a
success and a failure, so that "none of ten" is not taken for "never".

A network is weak if it learned, but falls short of the baseline's median by more than a
fifth of the median's gain on the best constant prediction: a convention that works in
every metric. Statements about weak networks are given that limit, which the answer
names, and these test rows.
"""

import numpy as np
from scipy import special

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
    guess = "the best constant prediction"
    if metric.name == "accuracy":
        guess = "always guessing one class"
    return f"a fifth of the lead of {baseline} over {guess} lost"


def is_no_better(sample: Sample) -> np.ndarray:
    """Return which sound networks do not beat the best constant prediction `[n]`."""
    return sample.sound & (sample.ranked <= sample.ranked_constant + ROUNDING)


def limit_of_weak(baseline: Sample, margin: float) -> float:
    """Return the score beyond which a network is weak, as of `Sample.values`.

    It is nan if the baseline's median does not beat the best constant prediction by
    more than the `margin`.
    """
    if not baseline.sound.any():
        return np.nan
    median = float(np.median(baseline.values[baseline.sound]))
    lead = baseline.in_units(median) - baseline.ranked_constant
    if not lead * baseline.scale > margin:
        return np.nan
    return median - (median - baseline.constant) / 5


def is_weak(sample: Sample, limit: float) -> np.ndarray:
    """Return which networks are sound, but weak `[n]`; nan if there is no limit."""
    if np.isnan(limit):
        return np.full(len(sample.values), np.nan)
    # Not by the last bit: a network at the limit is not weak.
    return sample.sound & (sample.ranked < sample.in_units(limit) - 1e-9)


def difference_of_shares(
    pair: Pair, variant: np.ndarray, reference: np.ndarray, alpha: float
) -> Estimate:
    """Return the share of one side less that of the other, at level 1 - `alpha`.

    `variant` and `reference` `[n]` say which networks count.
    """
    ours = pair.variant.unit_means(variant.astype(float))
    others = pair.reference.unit_means(reference.astype(float))
    if pair.matched:
        more = _share(np.clip(ours - others, 0, None))
        less = _share(np.clip(others - ours, 0, None))
        middle = more - less
        variance = (more + less - middle**2) / (len(ours) + 2)
    else:
        mine, theirs = _share(ours), _share(others)
        middle = mine - theirs
        variance = mine * (1 - mine) / (len(ours) + 2)
        variance += theirs * (1 - theirs) / (len(others) + 2)
    # Student's quantile; theirs, the normal one, is too small at 20 units.
    degrees = max(min(len(ours), len(others)) - 1, 1)
    half = -special.stdtrit(degrees, alpha / 2) * np.sqrt(variance)
    low, high = np.clip([middle - half, middle + half], -1, 1).tolist()
    return Estimate(float(ours.mean() - others.mean()), low, high)


def _share(shares: np.ndarray) -> float:
    return float((shares.sum() + 1) / (len(shares) + 2))
