"""The spread of a variant's values, and the interval of a share."""

from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.samples import Sample

ALPHA = 0.05

NAN = float("nan")


class Components(NamedTuple):
    """The spread of a variant split in two, as standard deviations, and the share.

    `share` is the intraclass correlation: the part of the variance that lies between
    source models. Each is nan if it cannot be estimated.
    """

    between: float = NAN
    within: float = NAN
    share: float = NAN


def share_interval(units: np.ndarray) -> tuple[float, float]:
    """Return the interval of a share or probability, the mean of units within [0, 1].

    If every unit is 0 or 1 it is the exact binomial interval (Clopper and Pearson
    1934), which still shows how little, say, five units of 1 mean. Otherwise it is
    Student's t, cut off at 0 and 1. It is nan for one unit, and for several that do not
    vary.
    """
    count, total = len(units), units.sum()
    if count > 1 and np.isin(units, (0, 1)).all():
        low = special.betaincinv(total, count - total + 1, ALPHA / 2) if total else 0
        missing = count - total
        high = special.betainccinv(total + 1, missing, ALPHA / 2) if missing else 1
        return float(low), float(high)
    # Up to rounding: the means of equal scores may differ in their last bits.
    if np.allclose(units, units[0], rtol=1e-9, atol=1e-12):
        return NAN, NAN
    error = units.std(ddof=1) / np.sqrt(count)
    reach = -special.stdtrit(count - 1, ALPHA / 2) * error
    return float(max(units.mean() - reach, 0)), float(min(units.mean() + reach, 1))


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
