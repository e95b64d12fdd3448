"""The rule that turns the interval of a comparison into a verdict, and its words.

Typical and on average are two questions. The verdict answers the first and is read off
the interval of the typical difference. The mean gets no verdict, nor do the shares of
failed and weak networks.
"""

import math
from typing import Any

from thaw.findings.pairs import Pair, units_needed
from thaw.findings.samples import Estimate

# The kinds of verdicts.
BETTER, WORSE, EQUIVALENT = "typically better", "typically worse", "equivalent"
NOT_BETTER, UNDECIDED = "not better", "undecided"
TOO_FEW, NO_VERDICT = "too few", "no verdict"
# Builds before 0.1.0 had one kind for the two in the middle.
UNCLEAR_BEFORE = "no clear difference"
ALL_KINDS = (BETTER, WORSE, EQUIVALENT, NOT_BETTER, UNDECIDED, TOO_FEW, NO_VERDICT)

# The kinds of networks that are counted apart.
KINDS = ("failed", "weak")

# Those in which one of the two is ahead.
CLEAR = (BETTER, WORSE)

MODELS_FAILED = "all source models failed"
ALL_FAILED = "too many networks failed"


def verdict(pair: Pair, typical: Estimate, alpha: float, margin: float) -> str:
    """Return the verdict on a typical difference and its interval at 1 - `alpha`.

    It is typically better or worse if the interval excludes 0, unless all of it lies
    within ±`margin`, the smallest difference that matters. If the interval holds 0, a
    variant is not better if it excludes a gain of the margin. A known difference has an
    interval without width.
    """
    if math.isnan(typical.value):
        return NO_VERDICT
    if pair.units < units_needed(alpha) and not pair.is_known:
        return TOO_FEW
    if -margin <= typical.low and typical.high <= margin:
        return EQUIVALENT
    if typical.low > 0:
        return BETTER
    if typical.high < 0:
        return WORSE
    return NOT_BETTER if typical.high < margin else UNDECIDED


def note(pair: Pair, kind: str, alpha: float, margin: float, typical: Estimate) -> str:
    """Return why there is no verdict, or that a clear one may not matter; or ""."""
    if kind == NO_VERDICT:
        return ALL_FAILED
    if kind == TOO_FEW:
        needed = units_needed(alpha)
        return f"{pair.units} of the {needed} {pair.fewer.unit}s it takes"
    is_small = kind in CLEAR and min(abs(typical.low), abs(typical.high)) < margin
    return "perhaps by less than the margin" * bool(is_small)


def in_words(kind: str, note: Any, margin: str) -> str:
    """Return a verdict with its note, as a table for people has it.

    `margin` has its units; without a note it may be nan, as read from a table.
    """
    words = f"{kind} within ±{margin}" if kind == EQUIVALENT else kind
    note = note if isinstance(note, str) else ""
    if kind in (TOO_FEW, NO_VERDICT):
        return f"{words}: {note}"
    return f"{words}; {note}" if note else words


def kind_of(verdict: str) -> str:
    """Return the kind of a verdict; builds before 0.1.0 wrote its note behind it."""
    kinds = (*ALL_KINDS, UNCLEAR_BEFORE)
    return next(kind for kind in kinds if verdict.startswith(kind))
