"""A study's settings and tables, as the answer reads them, and comparisons in words."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.metrics import metric_of
from thaw.findings.shown import capitalize, enumerate_words, gain, percent
from thaw.findings.verdicts import (
    BETTER,
    EQUIVALENT,
    KINDS,
    NOT_BETTER,
    TOO_FEW,
    UNDECIDED,
    WORSE,
)

# A row of a table.
Row = Mapping[str, Any]


# A table that a study does not have.
NOTHING = pd.DataFrame(columns=["variant", "target_size", "beaten_by"])


class Question(NamedTuple):
    """A study's settings, and its tables by the names of their files.

    `variants` are as in the config, sizes in order. `source` is "" for given scores, of
    which nothing else is known. `learning` says how the baseline's networks start and
    by which optimizer they learn, `words` what each variant does. `has_splits` says
    whether each source model has its own split of the target, `is_about_pairs` whether
    the pairs are the question. In `best_depths`, `beaten_by` holds lists.
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
    is_about_pairs: bool
    learning: Mapping[str, Any]
    words: Mapping[str, str]
    comparisons: pd.DataFrame
    best_depths: pd.DataFrame = NOTHING
    summary: pd.DataFrame = NOTHING
    training_time: pd.DataFrame = NOTHING
    learning_curves: pd.DataFrame = NOTHING
    overlap: pd.DataFrame = NOTHING

    @property
    def units(self) -> str:
        """The units of the metric after a number, with a space; "" if it has none."""
        return metric_of(self.metric[0]).suffix

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
        return not self.is_given and not self.is_pretrained(variant)

    def is_pretrained(self, variant: str) -> bool:
        """Whether a variant starts from source models."""
        return self.variants[variant].get("pretrained", True)

    def is_transferred(self, variant: str) -> bool:
        """Whether a variant starts from source models, and the baseline does not."""
        return self.is_pretrained(variant) and not self.is_pretrained(self.baseline)

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
        """Return at what neighbouring sizes something holds: " with 20 to 100 rows"."""
        return f" with {span(sizes)}" if self.is_swept else ""

    def sentences(self, by_size: Mapping[TargetSize, str]) -> Iterator[str]:
        """Yield words, if any, as sentences that begin with where they hold.

        Neighbouring sizes with the same words share a sentence.
        """
        for words, sizes in itertools.groupby(by_size, by_size.__getitem__):
            place = self.place([*sizes]).strip()
            if words:
                yield f"{capitalize(f'{place}, {words}' if place else words)}."

    def gains_at(self, size: TargetSize) -> dict[str, Row]:
        """Return the comparisons of variants with the baseline, by variant."""
        rows = rows_at(self.comparisons, size).to_dict("records")
        return {
            row["variant"]: row
            for row in rows
            if row["variant"] in self.variants and row["reference"] == self.baseline
        }

    def beats(self, variant: str, other: str, size: TargetSize) -> bool:
        """Whether the study found one variant typically better than another."""
        rows = self._seen_from(variant, size)
        better = {row["reference"] for row in rows if row["verdict"] == BETTER}
        closest = self.closest_network(variant, size)
        if closest and closest["verdict"] == BETTER:
            better |= {*self.networks} - {self.baseline}
        rivals = rows_at(self.best_depths, size).set_index("variant")["beaten_by"]
        return other in better or variant in rivals.get(other, ())

    def closest_network(self, name: str, size: TargetSize) -> Row | None:
        """Return how an estimator compares with the network it beats least surely.

        The baseline does not count. It is None for a network, and if there is none.
        """
        rivals = {*self.networks} - {self.baseline}
        rows = self._seen_from(name, size) if name not in self.networks else []
        pairs = [row for row in rows if row["reference"] in rivals]
        return min(pairs, key=lambda row: row["typical_low"], default=None)

    def _seen_from(self, variant: str, size: TargetSize) -> list[Row]:
        """Return a variant's comparisons; those where it is the reference, reversed."""
        rows = rows_at(self.comparisons, size).to_dict("records")
        rows += [seen_from_the_reference(row) for row in rows]
        return [row for row in rows if row["variant"] == variant]

    def name(self, variant: str) -> str:
        """Return a network in plain words with its name: "freeze 1 layer (fixed-1)".

        Of an estimator, and where scores are given, the name says all that is known.
        """
        is_known = variant in self.networks or variant not in self.variants
        words = self.words.get(variant) if is_known and not self.is_given else ""
        return f"{words} ({variant})" if words else variant


# How a variant compares with another one, by the verdict.
COMPARES = {
    BETTER: "is typically better than",
    WORSE: "is typically worse than",
    EQUIVALENT: "is typically equivalent to",
    NOT_BETTER: "is not better than",
    UNDECIDED: "is not clearly better or worse than",
}


def pairs_in_words(table: pd.DataFrame, study: Question) -> Iterator[tuple[Row, str]]:
    """Yield what each pair of a table shows, with its first row, by target size."""
    for pair, rows in table.groupby(["variant", "reference"], sort=False):
        names = [n if n == study.baseline else study.name(n) for n in pair]
        in_order = (rows_at(rows, size) for size in study.target_sizes)
        records = itertools.chain(*(at.to_dict("records") for at in in_order))
        for verdict, group in itertools.groupby(records, lambda row: row["verdict"]):
            if verdict not in COMPARES:
                continue
            alike = [*group]
            gains = [
                f"{estimate(row, study.margin, study.units)}{qualifiers(row, study)}"
                for row in alike
            ]
            place = study.place([row["target_size"] for row in alike])
            words = f"{names[0]} {COMPARES[verdict]} {names[1]}{place}"
            if names[0] != pair[0]:  # it does not begin with a name
                words = capitalize(words)
            yield alike[0], f"{words}: {enumerate_words(gains)}."


def seen_from_the_reference(row: Row) -> Row:
    """Return a typical difference as that of the reference on the variant."""
    verdicts = {BETTER: WORSE, WORSE: BETTER}
    return {
        **row,
        "variant": row["reference"],
        "reference": row["variant"],
        "verdict": verdicts.get(row["verdict"], row["verdict"]),
        "typical": -row["typical"],
        "typical_low": -row["typical_high"],
        "typical_high": -row["typical_low"],
    }


def estimate(row: Row, margin: float, units: str, name: str = "typical") -> str:
    """Return a difference of a row and its interval, if there are any."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return "" if pd.isna(value) else gain(value, low, high, margin, units)


def size_of(row: Row, study: Question) -> str:
    """Return the size of a difference, without its sign: "0.034 (0.018 to 0.050)"."""
    if row["typical"] < 0:
        row = seen_from_the_reference(row)
    ends = row["typical_low"], row["typical_high"]
    return gain(row["typical"], *ends, study.margin, study.units, "-")


def is_riskier(row: Row) -> bool:
    """Whether a variant surely fails, or is weak, more often than its reference."""
    return any(_surely_differ(row, kind) and row[f"{kind}_low"] > 0 for kind in KINDS)


def _surely_differ(row: Row, kind: str) -> bool:
    """Whether surely more or fewer networks are of a kind than of the reference's."""
    differ = row[f"{kind}_low"] > 0 or row[f"{kind}_high"] < 0
    return differ and row["verdict"] != TOO_FEW


def qualifiers(row: Row, study: Question, link: str = ", with") -> str:
    """Return, after the `link`, what a typical difference does not show, if anything.

    That is the mean, where a variant is equivalent and its mean surely is not, and its
    failed and weak networks where their share surely differs.
    """
    words = []
    moved = row["mean_low"] > 0 or row["mean_high"] < 0
    if row["verdict"] == EQUIVALENT and moved and abs(row["mean"]) > study.margin:
        mean = estimate(row, study.margin, study.units, "mean")
        words = [f"a mean gain of {mean}"]
    for kind in KINDS:
        if _surely_differ(row, kind):
            words.append(
                f"{percent(row[kind])} of its networks {kind}, against "
                f"{percent(row[f'reference_{kind}'])} of {row['reference']}'s"
            )
    return f"{link} {enumerate_words(words)}" if words else ""


def shares(row: Row) -> str:
    """Return shares of networks, in brackets the reference's, and their difference
    in percentage points: "weak 9 % (3 %): +6 (+1 to +12)".
    """
    words = []
    for kind in KINDS:
        if row[kind] + row[f"reference_{kind}"] > 0:
            sides = f"{percent(row[kind])} ({percent(row[f'reference_{kind}'])})"
            middle, low, high = (
                f"{100 * row[f'{kind}_{end}']:+z.0f}"
                for end in ("difference", "low", "high")
            )
            words.append(f"{kind} {sides}: {middle} ({low} to {high})")
    return "; ".join(words) or "none"


def span(sizes: Sequence[TargetSize]) -> str:
    """Return neighbouring target sizes as words: "20 to 100 rows"."""
    first, last = sizes[0], sizes[-1]
    if len(sizes) == 1:
        return f"{first} rows"
    return f"{first} rows to all" if last == "all" else f"{first} to {last} rows"


def rows_at(table: pd.DataFrame, size: TargetSize) -> pd.DataFrame:
    """Return a table's rows of one target size, which a CSV holds as text."""
    return table[table["target_size"].astype(str) == str(size)]
