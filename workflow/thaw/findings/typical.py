"""The typical difference: the median of variant minus reference, and its interval.

The difference is the median over all pairs of networks that are compared (Hodges and
Lehmann 1963). Unlike a mean's it moves only as far as the number of bad units lets it,
however bad they are.

The interval over units is read off the same pairs (Woodruff 1952): its ends are their
outermost quantiles at the shares that are 1/2 within the error of a share. That error
is the one of Brunner and Munzel's test (2000): after the difference is subtracted, a
unit's *placement* is the share of the other side that it beats, and placements vary
from unit to unit; a source model's is the mean of its repeats' (Obuchowski 1997). The
squares of two units more, one that always wins and one that never does, each 1/2 from
the mean, are added to the sum of squares over n - 1, and units count as n + 2, which
keeps it honest where units are few or agree. On the arcsine's scale a share's error
depends least on the share; there the ends are as many errors from 1/2 as Student's
quantile, with one degree of freedom less than the smaller side has units.

No interval is finite if 2^-units, the smallest one-sided p-value of a sign test, is
more than half of `alpha`. Test rows are covered as `thaw.findings.new_rows` says.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from thaw.findings.new_rows import RowsLuck, count_row_units, luck_of_rows
from thaw.findings.pairs import Pair, units_needed
from thaw.findings.samples import Estimate

# The networks next to the median: at least within so many shares of pairs.
NEAR = 0.02


class Typical(NamedTuple):
    """A typical difference with its interval, as of the scores; more is better.

    given_rows: with the interval for these test rows alone. rows: the luck of others.
    by_unit: how far each unit moves it, `[units]` of each side, in units of
    `Sample.scale`; nan if that is unknown.
    """

    value: float
    low: float
    high: float
    given_rows: Estimate
    rows: RowsLuck
    by_unit: list[np.ndarray]

    @property
    def estimate(self) -> Estimate:
        """The difference and its interval alone."""
        return Estimate(self.value, self.low, self.high)


def typical_difference(pair: Pair, alpha: float) -> Typical:
    """Return the typical difference with its interval at level 1 - `alpha`.

    If so many networks failed that the median is one of them, it is infinite; if that
    holds on both sides, nan. A difference of two known values has no luck of units.
    """
    with np.errstate(invalid="ignore"):  # of two medians that failed
        ends = pair.last_shift(0.5) + pair.first_shift(0.5)
    middle = round(ends / 2, pair.digits) if np.isfinite(ends) else ends
    scale, value = pair.variant.scale, middle * pair.variant.scale
    # Beyond all scores, if the median is infinite.
    placements = _placements(pair, float(np.nan_to_num(middle)))
    error = _error_of_share(placements)
    if pair.is_known:
        given_rows = Estimate(value, value, value)
    elif pair.units < units_needed(alpha):
        given_rows = Estimate(value, -np.inf, np.inf)
    else:
        reach = -special.stdtrit(pair.units - 1, alpha / 2) * error
        low, high = _quantiles(pair, reach)
        given_rows = Estimate(value, low * scale, high * scale)
    rows = _luck_of_rows(pair, middle, max(error, NEAR))
    typical = rows.widen(given_rows, alpha)
    low, high = _quantiles(pair, error)
    is_known = error > 0 and np.isfinite([low, high]).all()
    slope = (high - low) / 2 / error if is_known else np.nan
    by_unit = [slope * (placement - placement.mean()) for placement in placements]
    return Typical(*typical, given_rows, rows, by_unit)


def change(first: Typical, last: Typical, scale: float, alpha: float) -> Estimate:
    """Return the change of a typical difference, given these test rows.

    Both are of the same units, which move the two together. The interval is nan if
    these are too few.
    """
    value = last.value - first.value
    sides = [
        after - before
        for before, after in zip(first.by_unit, last.by_unit, strict=False)
    ]
    units = min(map(len, sides))
    if units < 2 or np.isnan(np.concatenate(sides)).any():
        return Estimate(value, np.nan, np.nan)
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))
    reach = -special.stdtrit(units - 1, alpha / 2) * error * scale
    return Estimate(value, float(value - reach), float(value + reach))


def _quantiles(pair: Pair, reach: float) -> tuple[float, float]:
    """Return the differences so far from the median, on the arcsine's scale."""
    more = np.sin(min(np.pi / 4 + reach, np.pi / 2)) ** 2
    return pair.last_shift(more), pair.first_shift(1 - more)


def _placements(pair: Pair, shift: float) -> list[np.ndarray]:
    """Return the placements of each side's units; of a matched pair's, one side's."""
    sides = [*zip(pair.sides, pair.wins(shift), strict=True)]
    return [side.unit_means(wins) for side, wins in sides[: 1 if pair.matched else 2]]


def _error_of_share(placements: list[np.ndarray]) -> float:
    """Return the standard error of how often the variant wins."""
    variance = 0.0
    for side in placements:
        if len(side) > 1:
            squares = ((side - side.mean()) ** 2).sum() + 2 * 0.5**2
            variance += squares / (len(side) - 1) / (len(side) + 2)
    return float(np.sqrt(variance))


def _luck_of_rows(pair: Pair, middle: float, near: float) -> RowsLuck:
    """Return the luck of the rows of the networks next to the median.

    A network weighs as many of its pairs as have a difference near the median: within
    `near`, the error of the share or `NEAR` if that is more, on the arcsine's scale.
    """
    if not np.isfinite(middle):
        return RowsLuck(np.nan, min(map(count_row_units, pair.sides)))
    edge = 10.0**-pair.digits
    low, high = np.nan_to_num(_quantiles(pair, near))
    before, after = pair.wins(low - edge), pair.wins(high + edge)
    weights = [
        side.weights * (first - last)
        for side, first, last in zip(pair.sides, before, after, strict=True)
    ]
    shares = (each / each.sum() for each in weights)
    return luck_of_rows(*zip(pair.sides, shares, strict=True))
