"""Networks that failed, are weak or no better than a constant: shares and differences.

All units count alike: a source model with half of its repeats weak is half a weak one.
The intervals keep their level with few units and rare failures: Agresti and Caffo
(2000) for independent sides, Bonett and Price (2012) for matched ones, but by Student's
quantile, with one degree of freedom less than the smaller side has units. Each adds a
success and a failure, so that "none of ten" is not taken for "never".

A network is weak if it learned, but falls short of the baseline's median by more than a
fifth of the median's gain on the best constant prediction: a convention that works in
every metric. The answer names the limit.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.metrics import Metric
from thaw.findings.new_rows import RowsLuck, joined
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample

# If more networks failed, the answer begins with it.
FEW = 0.05

# Scores are rounded to float32; the best constant prediction's are not.
ROUNDING = 1e-6


def meaning_of_weak(metric: Metric, baseline: str) -> str:
    """Return the meaning of weak, for tables and sentences."""
    guess = "the best constant prediction"
    if metric.name == "accuracy":
        guess = "always guessing one class"
    return f"a fifth of the way from the median of {baseline} to {guess}"


def is_no_better(sample: Sample) -> np.ndarray:
    """Return which sound networks do not beat the best constant prediction `[n]`."""
    return sample.sound & (sample.ranked <= sample.ranked_constant + ROUNDING)


class Limit(NamedTuple):
    """The score beyond which a network is weak, as of `Sample.values`.

    It is nan if the baseline's median does not beat the best constant prediction by
    more than the margin. error: its standard error, as that median is an estimate: 4/5
    of half the distance between the quantiles one standard error of a share apart.
    """

    value: float
    error: float


def limit_of_weak(baseline: Sample, margin: float) -> Limit:
    """Return the limit beside a baseline."""
    values = baseline.values[baseline.sound]
    if not len(values):
        return Limit(np.nan, np.nan)
    # One standard error of a share either side of the median (Woodruff 1952).
    shift = min(0.5 / np.sqrt(baseline.units), 0.5)
    low, median, high = np.quantile(values, [0.5 - shift, 0.5, 0.5 + shift]).tolist()
    lead = baseline.in_units(median) - baseline.ranked_constant
    if not lead * baseline.scale > margin:
        return Limit(np.nan, np.nan)
    lost = (median - baseline.constant) / 5
    return Limit(median - lost, 4 / 5 * (high - low) / 2)


def is_weak(sample: Sample, limit: float) -> np.ndarray:
    """Return which networks are sound, but weak `[n]`; nan if there is no limit."""
    if np.isnan(limit):
        return np.full(len(sample.values), np.nan)
    # Not by the last bit: a network at the limit is not weak.
    return sample.sound & (sample.ranked < sample.in_units(limit) - 1e-9)


def shares(pair: Pair, limit: Limit, rows: RowsLuck, alpha: float) -> dict[str, float]:
    """Return the shares of failed and weak networks as columns of a table.

    They are those of both sides, and their difference at level 1 - `alpha`. Other
    repeats of the baseline (by the normal quantile), and other `rows`, would move a
    variant and the limit of weak networks apart: the variant's share at either end of
    that, less the reference's at the limit, joins the interval as an independent part.
    """
    reach = rows.widen(Estimate(0.0, 0.0, 0.0), alpha).high
    reach = float(np.hypot(reach, -special.ndtri(alpha / 2) * limit.error))
    fewest, most = (
        _share_of(pair.variant, is_weak(pair.variant, limit.value + far))
        for far in sorted((-reach, reach), key=pair.variant.in_units)
    )
    columns = dict[str, float]()
    for kind, (variant, reference) in {
        "failed": [~side.sound for side in pair.sides],
        "weak": [is_weak(side, limit.value) for side in pair.sides],
    }.items():
        beside = _share_of(pair.reference, reference)
        difference = difference_of_shares(pair, variant, reference, alpha)
        if kind == "weak":
            difference = joined(difference, fewest - beside, most - beside)
        columns |= {kind: _share_of(pair.variant, variant), f"reference_{kind}": beside}
        columns[f"{kind}_difference"] = difference.value
        low, high = np.clip(difference[1:], -1, 1).tolist()
        columns |= {f"{kind}_low": low, f"{kind}_high": high}
    return columns


def _share_of(sample: Sample, which: np.ndarray) -> float:
    return float(sample.unit_means(which.astype(float)).mean())


def difference_of_shares(
    pair: Pair, variant: np.ndarray, reference: np.ndarray, alpha: float
) -> Estimate:
    """Return the share of one side less that of the other, at level 1 - `alpha`.

    `variant` and `reference` `[n]` say which networks count.
    """
    units = pair.variant.unit_means(variant.astype(float))
    reference_units = pair.reference.unit_means(reference.astype(float))
    if pair.matched:
        more = _share(np.clip(units - reference_units, 0, None))
        less = _share(np.clip(reference_units - units, 0, None))
        middle = more - less
        variance = (more + less - middle**2) / (len(units) + 2)
    else:
        share, reference_share = _share(units), _share(reference_units)
        middle = share - reference_share
        variance = share * (1 - share) / (len(units) + 2)
        variance += reference_share * (1 - reference_share) / (len(reference_units) + 2)
    # Student's quantile; theirs, the normal one, is too small at 20 units.
    degrees = max(min(len(units), len(reference_units)) - 1, 1)
    half = -special.stdtrit(degrees, alpha / 2) * np.sqrt(variance)
    low, high = np.clip([middle - half, middle + half], -1, 1).tolist()
    return Estimate(float(units.mean() - reference_units.mean()), low, high)


def _share(shares: np.ndarray) -> float:
    return float((shares.sum() + 1) / (len(shares) + 2))
