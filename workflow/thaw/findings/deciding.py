"""The number of further units that would decide a comparison, if any would.

More source models (or repeats) narrow the interval given these test rows by the root of
their number; the part that comes from the rows stays. So one can compute the number at
which the interval would end on one side of 0, or lie within the margin, if the estimate
is right. The number should suffice in 80 % of such studies: beside the interval's own
half, the estimate may be off by 0.84 standard errors.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from scipy import special

from thaw.findings.arms import TargetSize
from thaw.findings.gains import Question, Row, rows_at
from thaw.findings.recommendation import advice
from thaw.findings.shown import enumerate_words
from thaw.findings.verdicts import UNDECIDED

# The numbers of source models, or of repeats where these vary, to choose from.
NUMBERS = (10, 20, 30, 50, 100, 150, 200, 300, 500, 1000)

POWER = 0.84  # the normal quantile of 80 %


class Needed(NamedTuple):
    """The units that would decide a comparison, or several.

    `units` is their number, None if no number of `NUMBERS` will do. Then `rows` are the
    test rows that might; 0 if these would not help.
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
            return Needed(units, 0)
    # With no luck of the units left.
    if _is_decided(middle, of_rows, of_rows, margin):
        return Needed(None, 0)
    least = max(abs(middle), margin - abs(middle))
    return Needed(None, row["tested"] * (of_rows / least) ** 2)


def _is_decided(middle: float, below: float, above: float, margin: float) -> bool:
    low, high = middle - below, middle + above
    return low > 0 or high < 0 or (-margin <= low and high <= margin)


def what_would_decide(study: Question) -> Iterator[str]:
    """Say what would decide the undecided comparisons, by target size."""
    yield from study.sentences({n: _deciding(study, n) for n in study.target_sizes})


def _undecided(study: Question, size: TargetSize) -> list[Row]:
    """Return the undecided comparisons that the study is about."""
    if not study.is_about_pairs:
        item = advice(study, size)
        return [item.rows[n] for n in item.named] if item.kind == UNDECIDED else []
    rows = rows_at(study.comparisons, size).to_dict("records")
    pairs = [row for row in rows if row["reference"] != study.baseline]
    return [row for row in pairs if row["verdict"] == UNDECIDED]


def _deciding(study: Question, size: TargetSize) -> str:
    """Return what would decide all that is undecided; "" if a number is unknown."""
    rows = _undecided(study, size)
    each = [needs for row in rows if (needs := needed(row, study.margin))]
    if not rows or len(each) < len(rows):
        return ""
    by_reference: dict[str, list[str]] = {}
    for row in rows:
        by_reference.setdefault(row["reference"], []).append(row["variant"])
    pairs = (f"{enumerate_words(v)} with {r}" for r, v in by_reference.items())
    comparisons = "comparison" if len(rows) == 1 else "comparisons"
    question = f"the {comparisons} of {enumerate_words(pairs)}"
    unit = "source model" if study.source_models > 1 else "repeat"
    units = [
        # Repeats of variants without source models come with these.
        math.ceil(needs.units / study.repeats)
        if study.source_models > 1 and _fewer(row) == "repeat"
        else needs.units
        for needs, row in zip(each, rows, strict=True)
        if needs.units
    ]
    if len(units) == len(each):
        return (
            f"about {max(units):,} {unit}s would probably decide {question}, if the "
            "gains are as estimated"
        )
    test_rows = max(needs.rows for needs in each)
    if not test_rows:
        return f"not even {NUMBERS[-1]:,} {unit}s would decide {question}"
    have, take = rows[0]["tested"], float(f"{test_rows:.2g}")
    return (
        f"deciding {question} (better, worse or equivalent) takes more {unit}s and at "
        f"least {take:,.0f} test rows (there are {have:,}), if the gains are as "
        "estimated"
    )


def _fewer(row: Row) -> str:
    """Return the unit of the side that has fewer of them, which `needed` counts."""
    is_first = row["units"] < row["reference_units"]
    return row["unit"] if is_first else row["reference_unit"]
