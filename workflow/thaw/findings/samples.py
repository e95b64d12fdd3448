"""Samples, the scores of a variant, and the estimates made from them.

Repeats that start from one source model share that model's luck; they are no
independent draws of "transfer". So where a variant has several source models, the
independent unit is the source model. Where it has one, the unit is the repeat and every
statement is conditional on that model. Where it has none (standalone), the unit is the
repeat; unless each source model has a split of the target's rows of its own, which
standalone's repeats share, and which is then the unit of all.

What is known of the test rows (`by_rows`) lets statements hold for other rows of the
same kind. All of them are conditional on the rows that were there to learn from.

Without SciPy, so that figures need not wait for it.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

# The condition on every statement where a variant has one source model.
CONDITION = "given one source model"

# What means count, where a metric has no bound.
BEYOND = "scores beyond the best constant prediction's count as that"


class Estimate(NamedTuple):
    """A value and its interval; nan where the data do not allow one.

    An end of the interval is infinite where the data do not bound it.
    """

    value: float
    low: float
    high: float


class Sample(NamedTuple):
    """The scores of one variant, in the order of the repeats, `[n]`.

    `source_models` `[n]` is None where the variant is not pretrained, unless it
    `has_splits`. `failed` `[n]`
    says which networks failed: they rank below all others, and their value is what a
    mean counts them as. None if none did. `lower_is_better` is as for `Metric`.
    `constant` is the score of the best constant prediction, nan if it is not known.
    `addresses` `[n, 2]` say which random numbers the repeats drew; None if all samples
    have the same. Statistics count in units of `scale`: the constant's error, where
    the metric has no bound (see `Metric.unit`). `worst` is the score beyond which a
    mean tells no difference: the metric's bound or, where it has none, the constant's
    score, since whoever has such a network does better without; nan where it is not
    known, or where nothing is better than the constant. `is_known` says that
    all repeats are one and the same: what a deterministic estimator reaches from all
    rows, in which there is no luck but that of the rows. `by_rows` `[n, units]` and
    `constant_by_rows` `[units]` are what each unit of test rows adds to the scores and
    to the constant's (see `thaw.findings.rows_luck`); None where it is not known.
    `has_splits` says that each source model has a split of its own, so that all repeats
    have one; by rows, a network is then nan where it has no test row. `tested` is how
    many test rows, or groups of them, there are; 0 where it is not known.
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

    def has_addresses_of(self, other: Self) -> bool:
        """Whether each repeat has drawn the same random numbers as the other's."""
        ours, theirs = self.addresses, other.addresses
        if ours is None or theirs is None:
            return len(self.values) == len(other.values)
        return np.array_equal(ours, theirs)

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
        """Whether everything said holds given the one source model only."""
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

    def beside(self, other: Self) -> Self:
        """Return what is known as if each repeat of the other's had reached it."""
        count = len(other.values)
        return self._replace(
            values=np.full(count, self.values[0]),
            failed=np.full(count, not self.sound[0]),
            source_models=other.source_models,
            addresses=other.addresses,
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
    def is_bounded(self) -> bool:
        """Whether no two scores are further apart than one unit."""
        return self.has_worst and not self.piles_up

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

    def unit_means(self, values: np.ndarray | None = None) -> np.ndarray:
        """Return the mean of each unit's values `[units]`.

        `values` `[n]` are other numbers than the scores, by default the scores.
        """
        values = self.values if values is None else values
        numbers = self.unit_numbers
        return np.bincount(numbers, values) / np.bincount(numbers)

    def groups(self) -> list[np.ndarray]:
        """Return the values of each source model; all, where there are not several."""
        if not self.is_nested:
            return [self.values]
        numbers = self.unit_numbers
        by_model = self.values[np.argsort(numbers, kind="stable")]
        return np.split(by_model, np.cumsum(np.bincount(numbers))[:-1])
