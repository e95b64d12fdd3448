"""The rule that turns the intervals of a comparison into words.

Typical and on average are two questions. The verdict answers the first and is read off
the interval of the typical difference. A higher share of failed or weak networks is
added to it, after a semicolon. The mean gets no verdict.

The words stand only here: to read a table, call `kind_of`.
"""

from collections.abc import Iterable

from thaw.findings.pairs import Pair, units_needed
from thaw.findings.samples import Estimate

# The kinds of verdicts, by their first words.
BETTER = "typically better"
WORSE = "typically worse"
EQUIVALENT = "equivalent"
UNCLEAR = "no clear difference"
TOO_FEW = "too few"
NO_VERDICT = "no verdict"
KINDS = (BETTER, WORSE, EQUIVALENT, UNCLEAR, TOO_FEW, NO_VERDICT)

# Those in which one of the two is ahead.
CLEAR = (BETTER, WORSE)

MODELS_FAILED = f"{NO_VERDICT}: all source models failed"
ALL_FAILED = f"{NO_VERDICT}: all networks failed"


def verdict(pair: Pair, typical: Estimate, alpha: float, margin: float) -> str:
    """Put into words what the typical difference and its interval at 1 - `alpha` show.

    Typically better or worse if the interval excludes 0, unless all of it lies within
    ±`margin`, the smallest difference that matters. A known difference has an interval
    without width.
    """
    if not (pair.variant.sound.any() or pair.reference.sound.any()):
        return ALL_FAILED
    needed = units_needed(alpha)
    if pair.units < needed and not pair.is_known:
        unit = pair.fewer.unit
        return f"{TOO_FEW} {unit}s: {pair.units} of the {needed} it takes"
    if -margin <= typical.low and typical.high <= margin:
        return f"{EQUIVALENT} within ±{margin:g}"
    if typical.low > 0:
        return BETTER
    if typical.high < 0:
        return WORSE
    return UNCLEAR


def more_or_less(words: str, difference: Estimate) -> str:
    """Say whether networks surely fail, say, more or less often; "" if neither."""
    if difference.low > 0:
        return more_often(words)
    if difference.high < 0:
        return f"{words} less often"
    return ""


def more_often(words: str) -> str:
    """Say that networks do something ("fails") more often."""
    return f"{words} more often"


def joined(parts: Iterable[str]) -> str:
    """Return a verdict with its additions; empty ones are left out."""
    return "; ".join(filter(None, parts))


def first_part(verdict: str) -> str:
    """Return a verdict on the typical difference without its additions."""
    return verdict.partition(";")[0]


def kind_of(verdict: str) -> str:
    """Return which of `KINDS` a verdict is."""
    return next(kind for kind in KINDS if verdict.startswith(kind))
