"""The luck of the test rows: the standard error of a difference over other rows.

An interval over source models or repeats holds for the test rows at hand. Other rows of
the same kind would move variant and reference, partly together. Scores are means over
units of rows (`thaw.findings.rows_luck`), and a median of differences moves with the
mean of the networks next to it (`thaw.findings.typical` says which). So each side is
one weighted mean of networks, row by row, and the error of the difference of the two is
that of one mean over rows. It joins the luck of the units as independent parts add (Zou
and Donner 2008).
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.samples import Estimate, Sample


class RowsLuck(NamedTuple):
    """The standard error of a statistic over draws of so many `units` of test rows.

    There are 0 units if nothing is known of rows, and 1 if they are too few to tell;
    then the error is nan.
    """

    error: float
    units: int

    def widen(self, given_rows: Estimate, alpha: float) -> Estimate:
        """Return an estimate whose interval at level 1 - `alpha` covers new rows, too.

        If nothing is known of rows, the interval stays as it is; if they are too few to
        tell, it has no limit.
        """
        # An infinite value, from failed networks, stays infinite.
        if not self.units or not np.isfinite(given_rows.value):
            return given_rows
        if self.units == 1:
            return Estimate(given_rows.value, -np.inf, np.inf)
        # Student's quantile, because few groups say little about their own spread.
        reach = -special.stdtrit(self.units - 1, alpha / 2) * self.error
        value = given_rows.value
        return joined(given_rows, value - reach, value + reach)


def joined(estimate: Estimate, low: float, high: float) -> Estimate:
    """Return an estimate whose interval covers another, independent luck, too.

    `low` and `high` are the ends that this luck alone would give it.
    """
    value = estimate.value
    return Estimate(
        value,
        float(value - np.hypot(value - estimate.low, value - low)),
        float(value + np.hypot(estimate.high - value, high - value)),
    )


def luck_of_rows(*sides: tuple[Sample, np.ndarray]) -> RowsLuck:
    """Return the luck of a weighted mean of networks, or of the difference of two.

    A side is a sample and the weights of its networks, `[n]`. Where both sides are
    right on the same rows, there is no spread. But if they agree on all of 60 rows,
    they may differ by 4 % on others; so by a bounded metric no error is below that of
    one row on which only one of them is right.
    """
    units = min(count_row_units(sample) for sample, _ in sides)
    if units < 2:
        return RowsLuck(np.nan, units)
    first, *second = (_influence(*side) for side in sides)
    apart = first - sum(second)
    # With splits, there may be rows that nothing was tested on.
    variance = ((apart - apart.mean()) ** 2).sum() / len(apart) ** 2
    error = float(np.sqrt(variance * units / (units - 1)))
    decisive = [sample.decisive for sample, _ in sides if sample.decisive]
    # A few rows of a class say no more than they are, however many others there are.
    units = max(2, min([units, *decisive]))
    least = max(
        sample.scale / sample.decisive if sample.decisive else 0.0
        for sample, _ in sides
    )
    return RowsLuck(max(error, least), units)


def count_row_units(sample: Sample) -> int:
    """Return how many units of rows are known; 1 if they are too few to tell.

    With splits, a unit counts if it is tested by a network that did not fail.
    """
    if sample.by_rows is None:
        return 0
    known = np.isfinite(sample.by_rows)
    if not sample.has_splits:
        return sample.by_rows.shape[1] if known.all() else 1
    if not known.any(1).all():
        return 1
    return int(known[sample.sound].any(0).sum()) if sample.sound.any() else len(known.T)


def _influence(sample: Sample, weights: np.ndarray) -> np.ndarray:
    """Return what each unit of rows adds to a weighted mean of networks, `[units]`.

    More is better, in the scores' units; the mean over rows is that of networks. A
    network that was not tested on a row says nothing of it.
    """
    assert sample.by_rows is not None
    weights, rows = weights[weights > 0], sample.by_rows[weights > 0]
    sign = -1 if sample.lower_is_better else 1
    if not sample.has_splits:
        return sign * (weights @ rows.astype(np.float64))
    known = np.isfinite(rows)
    scores = np.asarray(np.nanmean(rows, axis=1, dtype=np.float64))
    apart = np.where(known, rows - scores[:, None], 0)
    return sign * (weights @ scores + (weights / known.mean(1)) @ apart)
