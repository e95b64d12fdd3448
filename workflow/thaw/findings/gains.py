"""A study's settings and tables, as the answer reads them, and comparisons in words."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.metrics import metric_of
from thaw.findings.shown import interval, number
from thaw.findings.verdicts import (
    BETTER,
    EQUIVALENT,
    TOO_FEW,
    WORSE,
    first_part,
    kind_of,
)

# A row of a table.
Row = Mapping[str, Any]


class Question(NamedTuple):
    """A study's settings, and its tables by the names of their files.

    `variants` are as in the config, sizes in order. `source` is "" for given scores, of
    which nothing else is known. `has_splits` says whether each source model has its own
    split of the target. `recipes` are the words for variants that do more than freeze
    their first layers.
    """

    source: str
    target: str
    variants: Mapping[str, Mapping[str, Any]]
    baseline: str
    target_sizes: Sequence[TargetSize]
    shown_size: TargetSize
    depths: Mapping[str, int]
    metric: Sequence[Mapping[str, Any]]
    margin: float
    tuned: Sequence[str]
    repeats: int
    source_models: int
    has_splits: bool
    recipes: Mapping[str, str]
    comparisons: pd.DataFrame
    best_depths: pd.DataFrame
    summary: pd.DataFrame
    training_time: pd.DataFrame
    overlap: pd.DataFrame

    @property
    def units(self) -> str:
        """The units of the metric after a number, with a space; "" if it has none."""
        units = metric_of(self.metric[0]).units
        return f" {units}" if units else ""

    @property
    def margin_in_units(self) -> str:
        """The margin in words, with its units."""
        return f"{self.margin:g}{self.units}"

    @property
    def is_given(self) -> bool:
        """Whether its scores are given, and were not made by Thaw."""
        return not self.source

    def is_from_scratch(self, variant: str) -> bool:
        """Whether it is known that a variant's networks start from nothing."""
        return not (self.is_given or self.is_pretrained(variant))

    def is_pretrained(self, variant: str) -> bool:
        """Whether a variant starts from source models."""
        return self.variants[variant].get("pretrained", True)

    @property
    def transferred(self) -> list[str]:
        """The pretrained variants that are compared."""
        return [
            name
            for name in self.variants
            if self.is_pretrained(name) and name != self.baseline
        ]

    @property
    def networks(self) -> list[str]:
        """The variants that are networks."""
        return [n for n, own in self.variants.items() if "estimator" not in own]

    @property
    def is_swept(self) -> bool:
        """Whether some repeats learn from fewer than all rows."""
        return list(self.target_sizes) != ["all"]

    def gains_at(self, size: TargetSize) -> dict[str, Row]:
        """Return the comparisons of networks with the baseline, by variant."""
        rows = rows_at(self.comparisons, size).to_dict("records")
        return {
            row["variant"]: row
            for row in rows
            if row["variant"] in self.networks and row["reference"] == self.baseline
        }

    def beats(self, one: str, other: str, size: TargetSize) -> bool:
        """Whether the study found one variant typically better than another."""
        depths = rows_at(self.best_depths, size).set_index("variant")
        rivals = depths["beaten_by"].fillna("").get(other, "").split()
        rows = rows_at(self.comparisons, size).to_dict("records")
        return one in rivals or any(
            {row["variant"], row["reference"]} == {one, other} and ahead_of(row) == one
            for row in rows
        )


def ahead_of(row: Row) -> str:
    """Return which side of a comparison is typically better; "" if neither is."""
    sides = {BETTER: row["variant"], WORSE: row["reference"]}
    return sides.get(kind_of(row["verdict"]), "")


def by_verdict(rows: Sequence[Row], study: Question) -> str:
    """Return variants with their typical differences, verdict by verdict."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(verdict_of(row, study), []).append(named(row, study))
    return "; ".join(
        f"{verdict}: {', '.join(variants)}" for verdict, variants in parts.items()
    )


def by_size_and_verdict(rows: Sequence[Row], study: Question) -> str:
    """Return the verdicts on one comparison by size, equal ones joined."""
    said = []
    for verdict, alike in itertools.groupby(rows, lambda row: verdict_of(row, study)):
        own = list(alike)
        ends = []
        for row in own if len(own) == 1 else [own[0], own[-1]]:
            gain = estimate(row, study.margin, study.units)
            place = f" with {row['target_size']}" if len(own) > 1 else ""
            ends.append(f"{gain}{place}{more_networks(row)}")
        sizes = span([row["target_size"] for row in own])
        gains = f":{' and'.join(ends)}" if ends[0] else ""
        said.append(f"{verdict} with {sizes}{gains}")
    return "; ".join(said)


def verdict_of(row: Row, study: Question) -> str:
    """Return the verdict on the typical difference, with the margin in its units."""
    if kind_of(row["verdict"]) == EQUIVALENT:
        return f"{EQUIVALENT} within ±{study.margin_in_units}"
    return first_part(row["verdict"])


def named(row: Row, study: Question) -> str:
    """Return a variant with its typical difference, and whether it fails more often."""
    gain = estimate(row, study.margin, study.units)
    return f"{row['variant']}{gain}{more_networks(row)}"


def estimate(row: Row, margin: float, units: str, name: str = "typical") -> str:
    """Return a difference and its interval, if there are any, after a space."""
    middle, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if pd.isna(middle):
        return ""
    if math.isinf(middle):
        return " of unknown size, because too many networks failed"
    said = f" {number(middle, margin, '+')}{units}"
    if math.isinf(low) and math.isinf(high):
        return f"{said} (without a limit)"
    if math.isinf(low):
        return f"{said} (at most {number(high, margin, '+')}, without a lower limit)"
    if math.isinf(high):
        return f"{said} (at least {number(low, margin, '+')}, without an upper limit)"
    return f"{said} ({interval(low, high, margin, '+')})"


def size_of(row: Row, study: Question) -> str:
    """Return the size of a difference, without its sign: "0.034 (0.018 to 0.050)"."""
    ends = [row[f"typical{end}"] for end in ("", "_low", "_high")]
    middle, low, high = ends if ends[0] >= 0 else [-ends[0], -ends[2], -ends[1]]
    if math.isinf(middle):
        return "more than can be said, because too many networks failed"
    said = f"{number(middle, study.margin)}{study.units}"
    if math.isinf(low):
        return f"{said} (without a limit)"
    if math.isinf(high):
        return f"{said} (at least {number(low, study.margin)})"
    return f"{said} ({interval(low, high, study.margin)})"


def is_riskier(row: Row) -> bool:
    """Whether a variant surely fails, or is weak, more often than its reference."""
    return kind_of(row["verdict"]) != TOO_FEW and any(
        row[f"{kind}_low"] > 0 for kind in ("failed", "weak")
    )


def more_networks(row: Row) -> str:
    """Return by how many points more or fewer networks surely fail or are weak."""
    said = []
    if kind_of(row["verdict"]) != TOO_FEW:
        for kind in ("failed", "weak"):
            value, low, high = (row[f"{kind}_{end}"] for end in SHARES)
            if low > 0 or high < 0:
                word = "more" if low > 0 else "fewer"
                ends = sorted(abs(end) for end in (low, high))
                said.append(
                    f"{points(abs(value))} points {word} {kind} networks "
                    f"({points(ends[0])} to {points(ends[1])})"
                )
    return f", with {enumerate_words(said)}" if said else ""


def points(share: float) -> str:
    """Return a share in points, with a decimal if it is less than one."""
    if 0 < share < 0.001:
        return "more than 0"
    return f"{100 * share:.{0 if share >= 0.01 else 1}f}"


# The endings of the columns of a difference of shares and its interval.
SHARES = ("difference", "low", "high")


def layers(numbers: Sequence[int]) -> str:
    """Return numbers of layers as words: "0 or 1 layers"."""
    return f"{enumerate_words(numbers, 'or')} {'layer' if numbers == [1] else 'layers'}"


def span(sizes: Sequence[TargetSize]) -> str:
    """Return neighbouring target sizes as words: "20 to 100 rows"."""
    first, last = sizes[0], sizes[-1]
    if len(sizes) == 1:
        return f"{first} rows"
    return f"{first} rows to all" if last == "all" else f"{first} to {last} rows"


def enumerate_words(words: Iterable[Any], last: str = "and") -> str:
    """Return words as an enumeration: "1, 2 and 3"."""
    texts = list(map(str, words))
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def rows_at(table: pd.DataFrame, size: TargetSize) -> pd.DataFrame:
    """Return a table's rows of one target size, which a CSV holds as text."""
    return table[table["target_size"].astype(str) == str(size)]


def by_size(table: pd.DataFrame, sizes: Sequence[TargetSize]) -> pd.DataFrame:
    """Return a table with a row for each of `sizes`, in order, or an empty one."""
    named = table.set_index(table["target_size"].astype(str))
    return named.loc[[str(size) for size in sizes]] if len(table) else table
