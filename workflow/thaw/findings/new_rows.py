"""Intervals for new test rows: the luck of the rows added to that of the units.

An interval over source models or repeats holds for the test rows at hand. Other rows of
the same kind would move variant and reference, partly together. Draws of as many rows,
with replacement, show how far (Efron 1979): each draw gives every network another
score, and so a statistic another value. Its standard deviation over draws is added to
each end of the interval as independent parts add (Zou and Donner 2008).

Scores of a draw are means of what rows add to the metric (`thaw.findings.rows_luck`),
so the predictions are not needed again.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.failures import limit_of_weak
from thaw.findings.samples import Estimate, Sample

# The standard deviation of so many draws is known to one part in thirty.
DRAWS = 400

# The most numbers at once.
AT_ONCE = 2**22


class Drawn(NamedTuple):
    """A sample's statistics on drawn rows, `[draws]`.

    Median and mean are as the scores, but more is better; `lead` is how far the median
    is above the limit of weak networks. Each draw is of so many `units` of rows: 0 if
    nothing is known of rows, 1 if they are too few to tell, and then all are nan. No
    standard error is below the `least`, that of two half rows: one that only the
    variant gets right, and one that only the reference does (as Jeffreys's prior of
    shares adds them). So if both agree on all of 60 rows, they may differ by 4 % on
    others. Without bounds it is 0.
    """

    median: np.ndarray
    mean: np.ndarray
    lead: np.ndarray
    units: int
    least: float


class Luck(NamedTuple):
    """Standard errors over draws of so many `units` of test rows.

    They are those of the typical difference and of the difference of means.
    """

    typical: float
    mean: float
    units: int

    def widen(self, found: Estimate, error: float, alpha: float) -> Estimate:
        """Return an estimate whose interval at level 1 - `alpha` covers new rows, too.

        `error` is one of these standard errors. If nothing is known of rows, the
        interval stays as it is; if they are too few to tell, it has no limit.
        """
        # An infinite value, from failed networks, stays infinite.
        if not self.units or not np.isfinite(found.value):
            return found
        reach = _reach(error, self.units, alpha)
        return widened(found, found.value - reach, found.value + reach)


def widened(found: Estimate, low: float, high: float) -> Estimate:
    """Return an estimate whose interval covers another, independent luck, too.

    `low` and `high` are the ends that this luck alone would give it.
    """
    return Estimate(
        found.value,
        float(found.value - np.hypot(found.value - found.low, found.value - low)),
        float(found.value + np.hypot(found.high - found.value, high - found.value)),
    )


def drawn(
    samples: Mapping[str, Sample], baseline: Sample | None = None
) -> dict[str, Drawn]:
    """Return the statistics of samples on drawn rows, the same rows for all.

    Networks are weak beside the `baseline`, as in `failures.is_weak`; without one, none
    are counted.
    """
    limits = np.full(DRAWS, np.nan)
    if baseline is not None and _units(baseline) > 1:
        parts = [
            limit_of_weak(np.median(ranked, axis=1), constant)
            for ranked, _, constant in _scored(baseline)
        ]
        limits = np.concatenate(parts)
    return {name: _statistics(sample, limits) for name, sample in samples.items()}


def luck(variant: Drawn, reference: Drawn) -> Luck:
    """Return the standard errors of the differences of two samples."""
    units = min(variant.units, reference.units)
    if units < 2:
        return Luck(np.nan, np.nan, units)
    least = max(variant.least, reference.least)
    with np.errstate(invalid="ignore"):  # of two medians that failed
        typical = _error(variant.median - reference.median, units, least)
    return Luck(typical, _error(variant.mean - reference.mean, units, least), units)


def luck_of_mean(sample: Sample) -> Luck:
    """Return the standard errors of a sample's own median and mean."""
    found = drawn({"": sample})[""]
    typical, mean = (
        _error(values, found.units, found.least)
        for values in (found.median, found.mean)
    )
    return Luck(typical, mean, found.units)


def reach_of_lead(found: Drawn, alpha: float) -> float:
    """Return how far rows may have moved a sample beside the limit of weak networks."""
    return _reach(_error(found.lead, found.units, 0), found.units, alpha)


def _reach(error: float, units: int, alpha: float) -> float:
    """Return how far luck with this standard error over units of rows reaches."""
    if units < 2:
        return np.inf if units else 0.0
    # Student's quantile, because few groups say little about their own spread.
    return float(-special.stdtrit(units - 1, alpha / 2) * error)


def _error(values: np.ndarray, units: int, least: float) -> float:
    """Return a statistic's standard error over draws, with the `least` added."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        # If the median network failed there is nothing to widen.
        return 0.0
    # Rows drawn with replacement spread a little less than new ones.
    return float(np.hypot(finite.std() * np.sqrt(units / max(units - 1, 1)), least))


def _statistics(sample: Sample, limits: np.ndarray) -> Drawn:
    if _units(sample) < 2:
        nothing = np.full(DRAWS, np.nan)
        return Drawn(nothing, nothing, nothing, _units(sample), 0)
    medians, means = [], []
    for ranked, scores, constant in _scored(sample):
        medians.append(np.median(ranked, axis=1))
        if sample.has_worst:
            worst = sample.in_units(sample.worst)
            scores = np.maximum(scores, constant[:, None] if sample.piles_up else worst)
        means.append(scores.mean(1))
    median = np.concatenate(medians)
    with np.errstate(invalid="ignore"):  # of medians that failed
        lead = median - limits
    mean = np.concatenate(means)
    scale = sample.scale
    least = scale / sample.tested if sample.is_bounded and sample.tested else 0.0
    return Drawn(median * scale, mean * scale, lead, _units(sample), least)


def _units(sample: Sample) -> int:
    """Return how many units of rows are drawn; 1 if they are too few to tell.

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


def _scored(sample: Sample) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield networks' scores on drawn rows, in units, some draws after the other.

    They are `[draws, n]`, first with -inf for failed networks, and those of the best
    constant prediction, `[draws]`.
    """
    rows, constant = sample.by_rows, sample.constant_by_rows
    assert rows is not None and constant is not None
    weights = _weights(rows.shape[1])
    known = np.isfinite(rows)
    filled = np.where(known, rows, 0)
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


@functools.lru_cache(maxsize=4)
def _weights(units: int) -> np.ndarray:
    """Return how often each unit of rows is drawn, as shares `[draws, units]`."""
    rng = np.random.Generator(np.random.PCG64(0))
    return rng.multinomial(units, np.full(units, 1 / units), DRAWS) / units
