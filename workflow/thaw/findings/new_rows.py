"""Intervals for new test rows: the luck of the rows beside that of the units.

An interval over source models or repeats holds for the test rows at hand. Other rows of
the same kind would move variant and reference, partly together. How far is seen from
draws of as many rows, with replacement (Efron 1979): each draw gives every network
another score, and so a statistic another value. Its standard deviation over draws
is added to each end of the interval as independent parts add (Zou and Donner 2008).

Scores of a draw are means of what rows add to the metric (`thaw.findings.rows_luck`),
so that no prediction is needed again.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.failures import limit_of_weak
from thaw.findings.samples import Estimate, Sample

# The standard deviation of so many draws is known to one part in thirty.
DRAWS = 400

# So many numbers at once.
AT_ONCE = 2**22


class Drawn(NamedTuple):
    """A sample's statistics on drawn rows, `[draws]`.

    Median, mean and the share of weak networks (nan where they are not counted). The
    first two are as the scores, but more is better. Each draw is of so many `units` of
    rows; 0 where nothing is known of rows, 1 where they are too few to tell, and then
    there are no draws.
    """

    median: np.ndarray
    mean: np.ndarray
    weak: np.ndarray
    units: int


class Luck(NamedTuple):
    """Standard errors over draws of so many `units` of test rows.

    Those of the typical difference, of the difference of means, and of that of the
    shares of weak networks.
    """

    typical: float
    mean: float
    weak: float
    units: int

    def widen(self, found: Estimate, error: float, alpha: float) -> Estimate:
        """Return an estimate whose interval at level 1 - `alpha` covers new rows, too.

        `error` is one of these standard errors. Where nothing is known of rows, the
        interval stays as it is; where they are too few to tell, it has no limit.
        """
        # An infinite value, of networks that failed, is not known better or worse.
        if not self.units or not np.isfinite(found.value):
            return found
        # Student's quantile, because few groups say little of their own spread.
        degrees = self.units - 1
        reach = -special.stdtrit(degrees, alpha / 2) * error if degrees else np.inf
        low = found.value - np.hypot(found.value - found.low, reach)
        high = found.value + np.hypot(found.high - found.value, reach)
        return Estimate(found.value, float(low), float(high))


def drawn(
    samples: Mapping[str, Sample], baseline: Sample | None = None, margin: float = 0
) -> dict[str, Drawn]:
    """Return what samples give on drawn rows, the same rows for all.

    Networks are weak beside the `baseline`, as for `failures.is_weak`; without one,
    none are counted.
    """
    limits = np.full(DRAWS, np.nan)
    if baseline is not None:
        limits = _limits_of_weak(baseline, margin / baseline.scale)
    return {name: _statistics(sample, limits) for name, sample in samples.items()}


def luck(variant: Drawn, reference: Drawn) -> Luck:
    """Return the standard errors of the differences of two samples."""
    units = min(variant.units, reference.units)
    if units < 2:
        return Luck(np.nan, np.nan, np.nan, units)
    with np.errstate(invalid="ignore"):  # of two medians that failed
        return Luck(
            _error(variant.median - reference.median, units),
            _error(variant.mean - reference.mean, units),
            _error(variant.weak - reference.weak, units),
            units,
        )


def luck_of_mean(sample: Sample) -> Luck:
    """Return the standard errors of a sample's own median and mean."""
    found = drawn({"": sample})[""]
    units = found.units
    return Luck(_error(found.median, units), _error(found.mean, units), np.nan, units)


def _error(values: np.ndarray, units: int) -> float:
    """Return the standard error that draws of a statistic show."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        # Where the median network failed there is nothing to be widened.
        return 0.0
    # Rows drawn with replacement spread a little less than new ones.
    return float(finite.std() * np.sqrt(units / max(units - 1, 1)))


def _limits_of_weak(baseline: Sample, margin: float) -> np.ndarray:
    """Return below which score networks are weak, `[draws]` in units.

    It is nan where the median does not beat the best constant prediction by the margin.
    """
    limits = [np.full(0, np.nan)]
    for ranked, _, constant in _scored(baseline):
        median = np.median(ranked, axis=1)
        found = limit_of_weak(median, constant)
        limits.append(np.where(median - constant > margin, found, np.nan))
    return np.concatenate(limits)


def _statistics(sample: Sample, limits: np.ndarray) -> Drawn:
    medians, means, weak = ([np.empty(0)] for _ in range(3))
    for ranked, scores, constant in _scored(sample):
        limit, limits = np.split(limits, [len(ranked)])
        # Not by the last bit, as for `failures.is_weak`.
        below = np.isfinite(ranked) & (ranked < limit[:, None] - 1e-9)
        weak.append(np.where(np.isnan(limit), np.nan, below.mean(1)))
        medians.append(np.median(ranked, axis=1))
        if sample.has_worst:
            worst = sample.in_units(sample.worst)
            scores = np.maximum(scores, constant[:, None] if sample.piles_up else worst)
        means.append(scores.mean(1))
    return Drawn(
        np.concatenate(medians) * sample.scale,
        np.concatenate(means) * sample.scale,
        np.concatenate(weak),
        _units(sample),
    )


def _units(sample: Sample) -> int:
    """Return how many units of rows are drawn; 1 where they are too few to tell.

    Of splits, those count that are test rows of a network that did not fail.
    """
    if sample.by_rows is None:
        return 0
    known = np.isfinite(sample.by_rows)
    if not sample.has_splits:
        return sample.by_rows.shape[1] if known.all() else 1
    if not known.any(1).all():
        return 1
    return int(known[sample.sound].any(0).sum()) if sample.sound.any() else len(known.T)


def _scored(sample: Sample) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield networks' scores on drawn rows, in units, some draws after the other.

    They are `[draws, n]`, first with -inf for failed networks, and those of the best
    constant prediction, `[draws]`. There are none where rows are too few to tell.
    """
    rows, constant = sample.by_rows, sample.constant_by_rows
    if rows is None or constant is None or _units(sample) < 2:
        return
    units, known = rows.shape[1], np.isfinite(rows)
    filled = np.where(known, rows, 0)
    rng = np.random.Generator(np.random.PCG64(0))
    weights = rng.multinomial(units, np.full(units, 1 / units), DRAWS) / units
    step = max(1, AT_ONCE // len(rows))
    for first in range(0, DRAWS, step):
        own = weights[first : first + step]
        scores = own @ filled.T.astype(np.float64)
        if not known.all():
            with np.errstate(invalid="ignore"):  # none of its rows was drawn
                scores /= own @ known.T
        scores = sample.in_units(scores)
        ranked = np.where(sample.sound, scores, -np.inf)
        yield ranked, scores, sample.in_units(own @ constant)
