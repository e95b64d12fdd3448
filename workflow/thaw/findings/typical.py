"""The typical difference: the median of variant minus reference, and its interval.

The test. Subtract a difference from the variant and look at how often it still beats
the reference: p, the mean of the placements. Their spread gives its standard error
(Brunner and Munzel 2000). On the arcsine's scale, which makes the variance of a share
stand still, t = 2 sqrt(p (1 - p)) (arcsin sqrt p - pi/4) / se, with one degree of
freedom less than the smaller side has units. No p-value is below 2^(1 - units), the
smallest that a sign test can give: where all units agree, their spread says nothing.

The interval holds every difference that is not rejected (Hodges and Lehmann 1963). What
a few units do, however bad, moves it no further than their number: this is what a mean
cannot do.
"""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from thaw.findings.estimate import Estimate
from thaw.findings.pairs import Pair, Placements

# No interval of scores needs to be known more closely.
DIGITS = 9


def t_statistic(placements: Placements) -> np.ndarray:
    """Return t of "the variant beats the reference as often as not", `[...]`.

    It is more than 0 where the variant beats it more often.
    """
    units = placements.variant
    chance = units.mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.zeros_like(chance)
        for side in placements:
            if side is not None:
                variance += side.var(-1, ddof=1) / side.shape[-1]
        lead = np.arcsin(np.sqrt(chance)) - np.pi / 4
        t = 2 * np.sqrt(chance * (1 - chance)) * lead / np.sqrt(variance)
    # Where no unit differs from another there is nothing to divide by.
    t = np.where(variance > 1e-18, t, np.copysign(np.inf, lead))
    return np.where(np.abs(chance - 0.5) < 1e-9, 0.0, t)


def critical(units: int, alpha: float) -> float:
    """Return the |t| above which a difference is rejected at level `alpha`.

    It is infinite where so few units can reject nothing.
    """
    if units < units_needed(alpha):
        return np.inf
    return float(stats.t.isf(alpha / 2, units - 1))


def units_needed(alpha: float) -> int:
    """Return how many units it takes until 2^(1 - units) <= `alpha`."""
    units = 1
    while 2.0 ** (1 - units) > alpha:
        units += 1
    return units


def typical_difference(pair: Pair, alpha: float) -> Estimate:
    """Return the typical difference with its interval at level 1 - `alpha`.

    Units as the scores'. Where so many networks failed that the median is one of them,
    it is infinite; where both sides' failed, nan.
    """
    highest = _last(lambda shift: _chance(pair, shift) - 0.5 + 1e-9, pair.span)
    lowest = _last(lambda shift: _chance(pair, shift) - 0.5 - 1e-9, pair.span)
    with np.errstate(invalid="ignore"):
        middle = round((lowest + highest) / 2, DIGITS)
    limit = critical(pair.units, alpha)
    if np.isinf(limit):
        return Estimate(middle, -np.inf, np.inf)

    def t(shift: float) -> float:
        return float(t_statistic(pair.placements(shift)))

    low = _last(lambda shift: t(shift) - limit, pair.span)
    high = _last(lambda shift: t(shift) + limit, pair.span)
    return Estimate(middle, low, high)


def _chance(pair: Pair, shift: float) -> float:
    return float(pair.placements(shift).variant.mean())


def _last(falling: Callable[[float], float], span: float) -> float:
    """Return the last shift at which a falling function is still above 0.

    It is infinite where there is none, or none at which it is not, among the
    differences that scores with this span can have.
    """
    limit = span + max(span, 1) * 1e-6
    if falling(-limit) <= 0:
        return -np.inf
    if falling(limit) > 0:
        return np.inf

    def bounded(shift: float) -> float:
        # At 0 the sign would be lost, and at infinity the root.
        value = min(max(falling(shift), -1e3), 1e3)
        return value if value > 0 else min(value, -1e-12)

    root = optimize.brentq(bounded, -limit, limit, xtol=1e-11)
    return round(float(root), DIGITS)
