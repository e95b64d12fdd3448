"""The number of further units that would decide a comparison, if any would.

More source models (or repeats) narrow the interval given these test rows by the root of
their number; the part that comes from the rows stays. So one can compute the number at
which the interval would end on one side of 0, or lie within the margin, if the estimate
is right. The number should suffice in 80 % of such studies: beside the interval's own
half, the estimate may be off by 0.84 standard errors.
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

from scipy import special

from thaw.findings.gains import Question, Row, rows_at, span
from thaw.findings.recommendation import UNDECIDED, Advice, advice
from thaw.findings.shown import counted

# The numbers of source models, or of repeats where these vary, to choose from.
NUMBERS = (10, 20, 30, 50, 100, 150, 200, 300, 500, 1000)

POWER = 0.84  # the normal quantile of 80 %

# Intervals narrower by this share are worth a sentence.
WORTH_A_WORD = 0.1


class Needed(NamedTuple):
    """The units that would decide a comparison.

    `units` is their number, None if no number of `NUMBERS` will do. Then `rows` is the
    factor by which test rows are too few; 1 if more of them alone would not help.
    """

    units: int | None
    rows: float


def needed(row: Row, margin: float) -> Needed | None:
    """Return the units that would decide a comparison; None if unknown."""
    middle, alpha = row["typical"], 1 - row["level"]
    halves = middle - row["these_rows_low"], row["these_rows_high"] - middle
    # A single unit of rows shows no spread.
    if row["row_units"] == 1 or not all(map(math.isfinite, (middle, *halves))):
        return None
    of_rows = 0.0
    if row["row_units"]:
        quantile = -special.stdtrit(max(row["row_units"] - 1, 1), alpha / 2)
        of_rows = float(quantile * row["rows_error"])
    chance = POWER / -special.ndtri(alpha / 2)
    have = min(row["units"], row["reference_units"])
    for units in NUMBERS:
        if units <= have:
            continue
        shrunk = [half * math.sqrt(have / units) for half in halves]
        reach = [math.hypot(half, of_rows) + chance * half for half in shrunk]
        if _is_decided(middle, reach[0], reach[1], margin):
            return Needed(units, 1)
    # With no luck of the units left.
    if _is_decided(middle, of_rows, of_rows, margin):
        return Needed(None, 1)
    least = max(abs(middle), margin - abs(middle))
    return Needed(None, (of_rows / least) ** 2)


def _is_decided(middle: float, below: float, above: float, margin: float) -> bool:
    low, high = middle - below, middle + above
    return low > 0 or high < 0 or (-margin <= low and high <= margin)


def what_would_decide(study: Question) -> Iterator[str]:
    """Say what would decide the undecided comparisons, by target size."""
    found = [
        (own, *(_asked(study, own) if own.kind == UNDECIDED else (0, 0.0)))
        for own in (advice(study, size) for size in study.target_sizes)
    ]
    unit = "source model" if study.source_models > 1 else "repeat"
    # Sizes that need more test rows share a sentence.
    for _, alike in itertools.groupby(found, _told_with):
        (own, units, factor), *more = alike
        if units:
            words = (
                f"about {units:,} {unit}s would probably decide it, if differences are "
                f"what they seem: {fits(study, units):,} more networks to train"
            )
        elif factor > 1:
            factors = [factor, *(others for *_, others in more)]
            times = dict.fromkeys(_rounded(f) for f in (min(factors), max(factors)))
            tested = own.rows[own.named[0]]["tested"]
            words = (
                f"more {unit}s will not decide it: that takes more than "
                f"{' to '.join(times)} times as many test rows"
                + (f" as these {tested:,.0f}" if tested else "")
            )
        elif factor:
            words = f"not even {NUMBERS[-1]:,} {unit}s would decide it"
        else:
            continue
        if study.is_swept:
            words = f"with {span([own.size, *(o.size for o, *_ in more)])}, {words}"
        yield f"{words[0].upper()}{words[1:]}."
        if factor == 1:
            yield from _how_to_allocate(own, study)


def _told_with(one: tuple[Advice, int, float]) -> object:
    own, _, factor = one
    return "too few rows" if factor > 1 else own.size


def fits_to_decide(study: Question, own: Advice) -> int | None:
    """Return how many networks more would probably decide it, if known."""
    units = _asked(study, own)[0] if own.kind == UNDECIDED else 0
    return fits(study, units) if units else None


def _asked(study: Question, own: Advice) -> tuple[int, float]:
    """Return how many source models, or repeats, decide everything undecided.

    It is 0 if no number does, or if none is known. The second value is the factor by
    which test rows are too few: 1 if they suffice, 0 if unknown.
    """
    rows = [own.rows[name] for name in own.named]
    found = [needed(row, study.margin) for row in rows]
    known = [one for one in found if one]
    if len(known) < len(found):
        return 0, 0
    factor = max(one.rows for one in known)
    units = [
        # Repeats of variants without source models come with these.
        math.ceil(one.units / study.repeats)
        if study.source_models > 1 and row["unit"] == "repeat"
        else one.units
        for one, row in zip(known, rows, strict=True)
        if one.units
    ]
    return (max(units) if len(units) == len(known) else 0), factor


def _how_to_allocate(own: Advice, study: Question) -> Iterator[str]:
    """Say how many repeats of each source model would tell more at the same cost.

    A source model costs as much as a repeat, and serves all variants.
    """
    table = rows_at(study.summary, own.size).set_index("variant")
    parts = table.loc[[*own.named], ["std_between", "std_within"]] ** 2
    if parts.isna().any(axis=None):
        return
    between, within = parts.mean()
    arms = len(study.networks) * len(study.target_sizes)

    def error(repeats: int) -> float:
        return math.sqrt((between + within / repeats) * (1 + arms * repeats))

    best = min((1, 2, 3, 5, 10), key=error)
    if error(best) < (1 - WORTH_A_WORD) * error(study.repeats):
        cost = (1 + arms * study.repeats) / (1 + arms * best)
        models = int(study.source_models * cost)
        yield (
            f"As many networks as this study's tell more as {models:,} source models "
            f"with {counted(best, 'repeat')} of each."
        )


def fits(study: Question, units: int) -> int:
    """Return how many networks more a study trains with so many units."""
    arms = len(study.networks) * len(study.target_sizes)
    if study.source_models > 1:
        return (units - study.source_models) * (1 + arms * study.repeats)
    return (units - study.repeats) * arms


def _rounded(factor: float) -> str:
    return f"{math.ceil(factor * 10) / 10:g}" if factor < 10 else f"{math.ceil(factor)}"
