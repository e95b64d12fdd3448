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

from thaw.findings.gains import Question, Row
from thaw.findings.recommendation import UNDECIDED, Advice, advice

# The numbers of source models, or of repeats where these vary, to choose from.
NUMBERS = (10, 20, 30, 50, 100, 150, 200, 300, 500, 1000)

POWER = 0.84  # the normal quantile of 80 %


class Needed(NamedTuple):
    """The units that would decide a comparison, or several.

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


def needed_for_all(study: Question, undecided: Advice) -> Needed | None:
    """Return the source models, or repeats, that decide everything undecided.

    It is None if something is decided already, or if a number is unknown.
    """
    if undecided.kind != UNDECIDED:
        return None
    rows = [undecided.rows[name] for name in undecided.named]
    each = [needed(row, study.margin) for row in rows]
    known = [needs for needs in each if needs]
    if len(known) < len(each):
        return None
    units = [
        # Repeats of variants without source models come with these.
        math.ceil(needs.units / study.repeats)
        if study.source_models > 1 and _fewer(row) == "repeat"
        else needs.units
        for needs, row in zip(known, rows, strict=True)
        if needs.units
    ]
    most = max(units) if len(units) == len(known) else None
    return Needed(most, max(needs.rows for needs in known))


def _fewer(row: Row) -> str:
    """Return the unit of the side that has fewer of them, which `needed` counts."""
    is_first = row["units"] < row["reference_units"]
    return row["unit"] if is_first else row["reference_unit"]


def what_would_decide(study: Question) -> Iterator[str]:
    """Say what would decide the undecided comparisons, by target size."""
    advices = [advice(study, size) for size in study.target_sizes]
    pairs = [(item, needed_for_all(study, item)) for item in advices]
    unit = "source model" if study.source_models > 1 else "repeat"

    # Sizes that need as many rows share a sentence.
    def sentence(pair: tuple[Advice, Needed | None]) -> str:
        _, needs = pair
        if needs is None:
            return ""
        if needs.units:
            return (
                f"about {needs.units:,} {unit}s would probably decide it, if gains "
                "are what they seem: "
                f"{fits(study, needs.units):,} more networks to train"
            )
        if needs.rows == 1:
            return f"not even {NUMBERS[-1]:,} {unit}s would decide it"
        return (
            f"more {unit}s would not decide it, but {needs.rows:.2g} times as many "
            "test rows might, if gains are what they seem"
        )

    for words, group in itertools.groupby(pairs, sentence):
        if words:
            yield study.sentence(words, [item.size for item, _ in group])


def fits_to_decide(study: Question, undecided: Advice) -> int | None:
    """Return how many networks more would probably decide it, if known."""
    needs = needed_for_all(study, undecided)
    return fits(study, needs.units) if needs and needs.units else None


def fits(study: Question, units: int) -> int:
    """Return how many networks more a study trains with so many units."""
    arms = len(study.networks) * len(study.target_sizes)
    if study.source_models > 1:
        return (units - study.source_models) * (1 + arms * study.repeats)
    return (units - study.repeats) * arms
