"""A study's settings and tables, as the answer reads them, and comparisons in words."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.metrics import metric_of
from thaw.findings.shown import counted, enumerate_words, gain
from thaw.findings.verdicts import BETTER, EQUIVALENT, TOO_FEW, WORSE

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
        return [n for n, variant in self.variants.items() if "estimator" not in variant]

    @property
    def is_swept(self) -> bool:
        """Whether some repeats learn from fewer than all rows."""
        return list(self.target_sizes) != ["all"]

    def place(self, sizes: Sequence[TargetSize]) -> str:
        """Return where something holds: " with 20 to 100 rows"; "" if there is one."""
        return f" with {span(sizes)}" if self.is_swept else ""

    def gains_at(self, size: TargetSize) -> dict[str, Row]:
        """Return the comparisons of networks with the baseline, by variant."""
        rows = rows_at(self.comparisons, size).to_dict("records")
        return {
            row["variant"]: row
            for row in rows
            if row["variant"] in self.networks and row["reference"] == self.baseline
        }

    def beats(self, variant: str, other: str, size: TargetSize) -> bool:
        """Whether the study found one variant typically better than another."""
        depths = rows_at(self.best_depths, size).set_index("variant")
        rivals = depths["beaten_by"].astype(object).fillna("").get(other, "").split()
        rows = rows_at(self.comparisons, size).to_dict("records")
        return variant in rivals or any(
            {row["variant"], row["reference"]} == {variant, other}
            and ahead_of(row) == variant
            for row in rows
        )

    def name(self, variant: str) -> str:
        """Return a variant in plain words with its name: "freeze 1 layer (fixed-1)"."""
        if recipe := self.recipes.get(variant):
            return f"{recipe} ({variant})"
        if variant not in self.depths:
            return variant
        depth = self.depths[variant]
        frozen = counted(depth, "layer") if depth else "nothing"
        return f"freeze {frozen} ({variant})"

    @property
    def baseline_in_words(self) -> str:
        """What the baseline does: "training from scratch"."""
        if self.is_from_scratch(self.baseline):
            return "training from scratch"
        return self.baseline


def ahead_of(row: Row) -> str:
    """Return which side of a comparison is typically better; "" if neither is."""
    sides = {BETTER: row["variant"], WORSE: row["reference"]}
    return sides.get(row["verdict"], "")


def estimate(row: Row, margin: float, units: str, name: str = "typical") -> str:
    """Return a difference of a row and its interval, if there are any."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return "" if pd.isna(value) else gain(value, low, high, margin, units)


def size_of(row: Row, study: Question) -> str:
    """Return the size of a difference, without its sign: "0.034 (0.018 to 0.050)"."""
    ends = [row[f"typical{end}"] for end in ("", "_low", "_high")]
    value, low, high = ends if ends[0] >= 0 else [-ends[0], -ends[2], -ends[1]]
    if math.isinf(value):
        return "more than can be said, because too many networks failed"
    return gain(value, low, high, study.margin, study.units, "-")


def perhaps_less(row: Row, study: Question) -> str:
    """Return that a clear difference may be smaller than the margin, if it may."""
    nearest = min(abs(row["typical_low"]), abs(row["typical_high"]))
    return f", perhaps less than the margin ({study.margin_in_units})" * bool(
        ahead_of(row) and nearest < study.margin
    )


def is_riskier(row: Row) -> bool:
    """Whether a variant surely fails, or is weak, more often than its reference."""
    return row["verdict"] != TOO_FEW and any(
        row[f"{kind}_low"] > 0 for kind in ("failed", "weak")
    )


def more_networks(row: Row) -> str:
    """Return how many more or fewer networks surely fail or are weak."""
    words = []
    for kind in ("failed", "weak"):
        low, high = row[f"{kind}_low"], row[f"{kind}_high"]
        if row["verdict"] == TOO_FEW or not (low > 0 or high < 0):
            continue
        ends = sorted(abs(end) for end in (low, high))
        change = percent_of(abs(row[f"{kind}_difference"]))
        more = "more" if low > 0 else "fewer"
        does = "fail" if kind == "failed" else "are weak"
        words.append(
            f"{change} % {more} of its networks {does} "
            f"({percent_of(ends[0])} to {percent_of(ends[1])} %)"
        )
    return f", and {enumerate_words(words)}" if words else ""


def apart_from_typical(row: Row, study: Question) -> str:
    """Return mean and weak networks of an equivalent variant, where the mean is not."""
    if row["verdict"] != EQUIVALENT or not abs(row["mean"]) > study.margin:
        return ""
    mean = estimate(row, study.margin, study.units, "mean")
    words = f"{row['variant']} is typically equivalent, with a mean of {mean}"
    if row["weak"] > 0 or row["reference_weak"] > 0:
        weak = percent_of(row["weak"]), percent_of(row["reference_weak"])
        words += f"; {weak[0]} against {weak[1]} % of networks are weak"
    return words


def percent_of(share: float) -> str:
    """Return a share in percent, with a decimal if it is less than one."""
    if 0 < share < 0.001:
        return "more than 0"
    return f"{100 * share:.{0 if share >= 0.01 or share == 0 else 1}f}"


def span(sizes: Sequence[TargetSize]) -> str:
    """Return neighbouring target sizes as words: "20 to 100 rows"."""
    first, last = sizes[0], sizes[-1]
    if len(sizes) == 1:
        return f"{first} rows"
    return f"{first} rows to all" if last == "all" else f"{first} to {last} rows"


def rows_at(table: pd.DataFrame, size: TargetSize) -> pd.DataFrame:
    """Return a table's rows of one target size, which a CSV holds as text."""
    return table[table["target_size"].astype(str) == str(size)]


def by_size(table: pd.DataFrame, sizes: Sequence[TargetSize]) -> pd.DataFrame:
    """Return a table with a row for each of `sizes`, in order, or an empty one."""
    named = table.set_index(table["target_size"].astype(str))
    return named.loc[[str(size) for size in sizes]] if len(table) else table
