"""The rule: what the intervals of a comparison allow one to say, in words.

Typical and on average are two questions. The verdict answers the first, and is read off
the interval of the typical difference; what fails or is weak more often is added to it.
The mean gets none.
"""

from thaw.findings.estimate import Estimate
from thaw.findings.pairs import Pair
from thaw.findings.typical import units_needed

BETTER = "typically better"
WORSE = "typically worse"
EQUIVALENT = "equivalent"
UNCLEAR = "no clear difference"
TOO_FEW = "too few"
MODELS_FAILED = "no verdict: all source models failed"
ALL_FAILED = "no verdict: all networks failed"


def verdict(pair: Pair, typical: Estimate, alpha: float, margin: float) -> str:
    """Say what the typical difference and its interval at level 1 - `alpha` show.

    Typically better or worse where the interval excludes 0, unless all of it lies
    within ±`margin`, the smallest difference that matters.
    """
    if not (pair.variant.sound.any() or pair.reference.sound.any()):
        return ALL_FAILED
    needed = units_needed(alpha)
    if pair.units < needed:
        unit = pair.fewer.unit
        return f"{TOO_FEW} {unit}s: {pair.units} of the {needed} it takes"
    if -margin <= typical.low and typical.high <= margin:
        return f"{EQUIVALENT} within ±{margin:g}"
    if typical.low > 0:
        return BETTER
    if typical.high < 0:
        return WORSE
    return UNCLEAR


def more_or_less(kind: str, difference: Estimate) -> str:
    """Say whether networks of a kind ("weak") are surely more or less often found."""
    if difference.low > 0:
        return f"{kind} more often"
    if difference.high < 0:
        return f"{kind} less often"
    return ""
