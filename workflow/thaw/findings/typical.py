"""The typical difference: the median of variant minus reference, and its interval.

The interval holds every difference that is not rejected (Hodges and Lehmann 1963):
after its subtraction the variant does not surely beat the reference more often than
not, or less often. Unlike a mean's it moves only as far as the number of bad units lets
it, however bad they are.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from thaw.findings.evidence import opposite, p_more_often
from thaw.findings.pairs import Pair, Placements, units_needed
from thaw.findings.samples import Estimate

# The precision of intervals, in units of the scores' samples; if scores are tiny, in
# digits of them.
DIGITS = 8
TINY = 1e-4


def typical_difference(pair: Pair, alpha: float) -> Estimate:
    """Return the typical difference with its interval at level 1 - `alpha`.

    Units as the scores'. If so many networks failed that the median is one of them, it
    is infinite; if that holds on both sides, nan.
    """
    highest = _last(lambda shift: pair.chance(shift) - 0.5 + 1e-9, pair)
    lowest = _last(lambda shift: pair.chance(shift) - 0.5 - 1e-9, pair)
    with np.errstate(invalid="ignore"):
        middle = round((lowest + highest) / 2, _digits(pair)) * pair.variant.scale
    if pair.is_known:
        return Estimate(middle, middle, middle)
    if pair.units < units_needed(alpha):
        return Estimate(middle, -np.inf, np.inf)

    limit = _normal(alpha / 2)
    # Most of the shifts that are tried change no rank, and so no p-value.
    known: dict[bytes, float] = {}

    def deviations(found: Placements) -> float:
        ranks = b"".join(side.tobytes() for side in found if side is not None)
        if ranks not in known:
            known[ranks] = _normal(p_more_often(found))
        return known[ranks]

    def is_low(shift: float) -> float:
        return deviations(pair.placements(shift)) - limit

    def is_not_high(shift: float) -> float:
        return limit - deviations(opposite(pair.placements(shift)))

    ends = (_last(test, pair) for test in (is_low, is_not_high))
    low, high = (end * pair.variant.scale for end in ends)
    return Estimate(middle, low, high)


def _normal(p_value: np.ndarray | float) -> float:
    """Return a p-value in standard deviations, which is nearly straight in a shift."""
    return -float(special.ndtri(np.clip(p_value, 1e-300, 0.5)))


def _digits(pair: Pair) -> int:
    """Return the number of digits to which a difference is known, in units."""
    if 0 < pair.size < TINY:
        return DIGITS + math.ceil(math.log10(TINY / pair.size))
    return DIGITS


def _last(falling: Callable[[float], float], pair: Pair) -> float:
    """Return the last shift at which a falling function is still above 0.

    It is infinite if the function is above 0, or below it, at all differences that the
    scores can have.
    """
    span, digits = pair.span, _digits(pair)
    limit = span + min(max(span, 1) * 1e-6, span or 1)
    if falling(-limit) <= 0:
        return -np.inf
    if falling(limit) > 0:
        return np.inf

    root = optimize.brentq(
        lambda shift: falling(shift) or -1e-12,
        -limit,
        limit,
        xtol=10.0 ** -(digits + 1),
        maxiter=1000,
    )
    return round(float(root), digits) + 0.0  # never -0.0
