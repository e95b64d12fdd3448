"""The gains of a study's transferred variants, read off its tables and put into words.

The answer is made of these: what a study asked, what its comparisons with the baseline
show at a target size, and an estimate as a reader sees it.
"""

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
    UNCLEAR,
    WORSE,
    first_part,
    kind_of,
)


class Question(NamedTuple):
    """A study's settings, and its tables, by the names of their files.

    `variants` are as the config describes them, sizes in order.
    """

    source: str
    target: str
    variants: Mapping[str, Mapping[str, Any]]
    baseline: str
    target_sizes: Sequence[TargetSize]
    depths: Mapping[str, int]
    metric: Sequence[Mapping[str, Any]]
    margin: float
    tuned: Sequence[str]
    repeats: int
    source_models: int
    comparisons: pd.DataFrame
    best_depths: pd.DataFrame
    summary: pd.DataFrame
    gains_by_epoch: pd.DataFrame
    overlap: pd.DataFrame

    @property
    def units(self) -> str:
        """The units of the metric after a number, with a space; "" if it has none."""
        units = metric_of(self.metric[0]).units
        return f" {units}" if units else ""

    @property
    def margin_in_units(self) -> str:
        """The margin as a reader sees it."""
        return f"{self.margin:g}{self.units}"

    def is_pretrained(self, variant: str) -> bool:
        """Whether a variant starts from source models."""
        return self.variants[variant].get("pretrained", True)

    @property
    def transferred(self) -> list[str]:
        """The variants that start from source models and are compared."""
        return [
            name
            for name in self.variants
            if self.is_pretrained(name) and name != self.baseline
        ]

    @property
    def is_swept(self) -> bool:
        """Whether repeats learn from less than all rows."""
        return list(self.target_sizes) != ["all"]

    @property
    def gains(self) -> pd.DataFrame:
        """The comparisons of transferred variants with the baseline."""
        table = self.comparisons
        ours = table["variant"].isin(self.transferred)
        return table[ours & (table["reference"] == self.baseline)]

    def gains_at(self, size: TargetSize) -> list[Mapping[str, Any]]:
        """Return those of one target size."""
        return rows_at(self.gains, size).to_dict("records")

    def effect(self, size: TargetSize) -> str:
        """Return what the verdicts of one size say together."""
        kinds = {kind_of(row["verdict"]) for row in self.gains_at(size)}
        if {BETTER, WORSE} <= kinds:
            return "both"
        if BETTER in kinds:
            return "better"
        if WORSE in kinds:
            return "worse" if kinds == {WORSE} else "some"
        if kinds == {EQUIVALENT}:
            return "same"
        return "unclear" if kinds & {UNCLEAR, EQUIVALENT} else "none"


def details(rows: Sequence[Mapping[str, Any]], study: Question) -> str:
    """Return the typical difference of each variant, verdict by verdict."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(first_part(row["verdict"]), []).append(named(row, study))
    said = "; ".join(
        f"{verdict}: {', '.join(variants)}" for verdict, variants in parts.items()
    )
    return said[:1].upper() + said[1:]


def named(row: Mapping[str, Any], study: Question) -> str:
    """Return a variant with its typical difference."""
    return f"{row['variant']}{estimate(row, study)}"


def estimate(row: Mapping[str, Any], study: Question) -> str:
    """Return a typical difference and its interval, as far as there are any."""
    margin = study.margin
    middle, low, high = (row[f"typical{end}"] for end in ("", "_low", "_high"))
    if pd.isna(middle):
        return ""
    if math.isinf(middle):
        return " without a size, for so many networks failed"
    said = f" {number(middle, margin, '+')}{study.units}"
    if math.isinf(low) and math.isinf(high):
        return said
    if math.isinf(low):
        return f"{said} (at most {number(high, margin, '+')})"
    if math.isinf(high):
        return f"{said} (at least {number(low, margin, '+')})"
    return f"{said} ({interval(low, high, margin, '+')})"


def layers(numbers: Sequence[int]) -> str:
    """Return numbers of layers as words: "0 or 1 layers"."""
    return f"{enumerate_words(numbers, 'or')} {'layer' if numbers == [1] else 'layers'}"


def enumerate_words(words: Iterable[Any], last: str = "and") -> str:
    """Return words as an enumeration: "1, 2 and 3"."""
    texts = list(map(str, words))
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def rows_at(table: pd.DataFrame, size: TargetSize) -> pd.DataFrame:
    """Return a table's rows of one target size, of which a CSV gives back text."""
    return table[table["target_size"].astype(str) == str(size)]


def by_size(table: pd.DataFrame, sizes: Sequence[TargetSize]) -> pd.DataFrame:
    """Return a table with a row a size in the order of `sizes`; none if it has none."""
    named = table.set_index(table["target_size"].astype(str))
    return named.loc[[str(size) for size in sizes]] if len(table) else table
