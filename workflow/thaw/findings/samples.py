"""Samples, the scores of a variant, and the estimates made from them.

Repeats that start from one source model share that model's luck, so they are not
independent draws of "transfer". If a variant has several source models, the independent
unit is the source model. If it has one, the unit is the repeat and every statement is
conditional on that model. If it has none (standalone), the unit is the repeat; unless
each source model has its own split of the target's rows, which standalone's repeats
share, and which is then the unit of all.

Values by test row (`by_rows`) extend statements to other rows of the same kind. All
statements are conditional on the rows to learn from.

Free of SciPy, so that figures need not wait for it.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

# The condition on every statement about a variant with one source model.
CONDITION = "given one source model"

# How means count, if a metric has no bound.
BEYOND = "scores beyond the best constant prediction's count as that"


class Estimate(NamedTuple):
    """A value and its interval; nan if the data do not allow one.

    An end of the interval is infinite if the data do not bound it.
    """

    value: float
    low: float
    high: float

    def columns(self, name: str) -> dict[str, float]:
        """Return it as the columns of a table: the value's, and `_low` and `_high`."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


class Sample(NamedTuple):
    """The scores of one variant, in the order of the repeats, `[n]`.

    `source_models` `[n]` is None if the variant is not pretrained, unless it
    `has_splits`. `failed` `[n]` says which networks failed: they rank below all others,
    and a mean counts them as their value. None if none did. `lower_is_better` is as in
    `Metric`. `constant` is the score of the best constant prediction, nan if unknown.
    `addresses` `[n, 2]` say which random numbers the repeats drew; None if all samples
    have the same. Statistics count in units of `scale`: the constant's error, if the
    metric has no bound (see `Metric.unit`). `worst` is the score beyond which a mean
    tells no difference: the metric's bound or, without one, the constant's score,
    because the constant would then do better; nan if it is unknown, or if nothing is
    better than the constant. `is_known` says that all repeats are one and the same: a
    deterministic estimator's score from all rows, whose only luck is that of the rows.
    `by_rows` `[n, units]` and `constant_by_rows` `[units]` are the parts of each unit
    of test rows in the scores and the constant's (see `thaw.findings.rows_luck`); None
    if unknown. `has_splits` says that each source model has its own split, so that all
    repeats have one; by rows, a network is then nan where it has no test row. `tested`
    is the number of test rows, or groups of them; 0 if unknown. `decisive` are those on
    which a bounded metric rests (see `decisive_rows`); 0 if unknown, or unbounded.
    """

    values: np.ndarray
    source_models: np.ndarray | None = None
    failed: np.ndarray | None = None
    lower_is_better: bool = False
    constant: float = np.nan
    addresses: np.ndarray | None = None
    scale: float = 1.0
    worst: float = 0.0
    is_known: bool = False
    by_rows: np.ndarray | None = None
    constant_by_rows: np.ndarray | None = None
    has_splits: bool = False
    tested: int = 0
    decisive: int = 0

    def has_addresses_of(self, other: Self) -> bool:
        """Whether each repeat drew the same random numbers as the other's."""
        addresses, other_addresses = self.addresses, other.addresses
        if addresses is None or other_addresses is None:
            return len(self.values) == len(other.values)
        return np.array_equal(addresses, other_addresses)

    @property
    def sound(self) -> np.ndarray:
        """Which networks did not fail and have a score `[n]`."""
        finite = np.isfinite(self.values)
        return finite if self.failed is None else finite & ~self.failed

    @property
    def ranked(self) -> np.ndarray:
        """The values in units, more is better, with -inf for failed networks `[n]`."""
        return np.where(self.sound, self.in_units(self.values), -np.inf)

    @property
    def ranked_constant(self) -> float:
        """The best constant prediction's score, on the scale of `ranked`."""
        return float(self.in_units(self.constant))

    def in_units(self, values: ArrayLike) -> np.ndarray:
        """Return scores in units, so that more is better."""
        sign = -1 if self.lower_is_better else 1
        return sign * np.asarray(values) / self.scale

    @property
    def models(self) -> np.ndarray:
        """The distinct source models, in order; empty if there are none."""
        return np.unique([] if self.source_models is None else self.source_models)

    @property
    def is_nested(self) -> bool:
        """Whether there are several source models, so that they are the units."""
        return len(self.models) > 1

    @property
    def is_conditional(self) -> bool:
        """Whether every statement holds given the one source model only."""
        return len(self.models) == 1

    @property
    def unit(self) -> str:
        """The name of the independent unit."""
        if self.is_known:
            return "draw of rows"
        return "source model" if self.is_nested else "repeat"

    @property
    def units(self) -> int:
        """The number of independent units."""
        return 1 if self.is_known else len(self.unit_means())

    def repeated_like(self, other: Self) -> Self:
        """Return a known value as if each repeat of the other's had reached it."""
        count = len(other.values)
        rows = self.by_rows
        return self._replace(
            values=np.full(count, self.values[0]),
            failed=np.full(count, not self.sound[0]),
            source_models=other.source_models,
            addresses=other.addresses,
            by_rows=None if rows is None else np.repeat(rows[:1], count, axis=0),
        )

    @property
    def unit_numbers(self) -> np.ndarray:
        """The number of the unit to which each value belongs, from 0, `[n]`."""
        if self.source_models is not None and self.is_nested:
            return np.searchsorted(self.models, self.source_models)
        return np.arange(len(self.values))

    @property
    def piles_up(self) -> bool:
        """Whether the worst that a mean tells apart is the constant prediction."""
        return self.worst == self.constant

    @property
    def has_worst(self) -> bool:
        """Whether there is a worst that a mean tells apart."""
        return bool(np.isfinite(self.worst))

    @property
    def above_worst(self) -> np.ndarray:
        """The values in units above the worst that a mean tells apart `[n]`."""
        if not self.has_worst:
            return self.in_units(self.values)
        return np.maximum(self.in_units(self.values) - self.in_units(self.worst), 0)

    def score_of(self, above_worst: ArrayLike) -> np.ndarray:
        """Return the scores that lie so many units above the worst."""
        sign = -1 if self.lower_is_better else 1
        lowest = self.in_units(self.worst) if self.has_worst else 0
        units = np.asarray(above_worst) + lowest
        return sign * units * self.scale + 0.0  # never -0.0

    @property
    def weights(self) -> np.ndarray:
        """The weights of the values `[n]`, which add up to 1; units weigh equally."""
        counts = np.bincount(self.unit_numbers)
        return 1 / (counts[self.unit_numbers] * len(counts))

    def by_unit(self) -> Self:
        """Return the sample with its values sorted by unit."""
        order = np.argsort(self.unit_numbers, kind="stable")

        def ordered(column: np.ndarray | None) -> np.ndarray | None:
            return None if column is None else column[order]

        return self._replace(
            values=self.values[order],
            source_models=ordered(self.source_models),
            failed=ordered(self.failed),
            addresses=ordered(self.addresses),
            by_rows=ordered(self.by_rows),
        )

    def unit_means(self, values: np.ndarray | None = None) -> np.ndarray:
        """Return the mean of each unit's values `[units]`.

        `values` `[n]` may replace the scores.
        """
        values = self.values if values is None else values
        numbers = self.unit_numbers
        return np.bincount(numbers, values) / np.bincount(numbers)
