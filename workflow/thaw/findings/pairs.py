"""A variant and its reference: how they are matched, and which one beats the other.

Two variants that start from the same source models are compared source model by source
model, each repeat with each of the other's from it. Where the repeat is the unit on
both sides, they are compared repeat by repeat: repeat r of both has the same batches
(and, given one source model, the same start), and repeats correlate from -0.3 to +0.9,
so treating them as independent would be wrong either way. All others are independent.

A known value (see `thaw.findings.samples.Sample`) has no luck of its own: it is
compared with each unit of the other side, and only those are counted.
"""

import math

import numpy as np

from thaw.findings.samples import Sample

# Differences are known to so many digits, in units of the scores' samples; if scores
# are tiny, to as many of theirs.
DIGITS = 10
TINY = 1e-4

# Shares of pairs that differ by less are the same.
ROUNDING = 1e-9


class Pair:
    """A variant and its reference. Failed networks lose against all others.

    Networks are sorted by unit. `matched` is the unit by which the two are matched:
    "source model", "repeat", or "" where they are independent.
    """

    def __init__(self, variant: Sample, reference: Sample) -> None:
        if reference.is_known:
            reference = reference.repeated_like(variant)
        elif variant.is_known:
            variant = variant.repeated_like(reference)
        self.matched = _matched_by(variant, reference)
        self.variant, self.reference = variant.by_unit(), reference.by_unit()
        sides = (self.variant, self.reference)
        scores = np.concatenate([side.ranked[side.sound] for side in sides])
        size = float(np.median(np.abs(scores))) if len(scores) else 0.0
        extra = math.ceil(math.log10(TINY / size)) if 0 < size < TINY else 0
        self.digits = DIGITS + extra
        self._span = float(np.ptp(scores)) if len(scores) else 0.0
        self._weights = self.variant.weights
        self._ranked = [side.ranked for side in sides]
        if self.matched:
            self._tables = [self._rounded(_table(side)) for side in sides]
        else:
            self._lines = [
                _line(self._rounded(side.ranked), side.weights) for side in sides
            ]

    @property
    def units(self) -> int:
        """The number of units on the side that has fewer, of those that vary."""
        return self.fewer.units

    @property
    def fewer(self) -> Sample:
        """The side with fewer units, of those that vary."""
        sides = (self.variant, self.reference)
        vary = [sample for sample in sides if not sample.is_known]
        return min(vary or sides, key=lambda sample: sample.units)

    @property
    def has_known(self) -> bool:
        """Whether a side is known, and so not drawn like the other."""
        return self.variant.is_known or self.reference.is_known

    @property
    def is_known(self) -> bool:
        """Whether both sides are known, and so their difference."""
        return self.variant.is_known and self.reference.is_known

    @property
    def is_conditional(self) -> bool:
        """Whether all statements hold given one source model only."""
        return self.variant.is_conditional or self.reference.is_conditional

    def beaten(self, shift: float = 0.0) -> np.ndarray:
        """Return the share of the reference that each network of the variant beats.

        That is after `shift` is subtracted from the variant; ties count half. It is
        `[n]`, and where matched, the share of the reference's networks in its unit.
        """
        if not self.matched:
            shifted = self._rounded(self._ranked[0] - shift)
            return _below(shifted, *self._lines[1])
        return self._shares_of_wins(shift, 2)[~np.isnan(self._tables[0])]

    def lost(self, shift: float = 0.0) -> np.ndarray:
        """Return the share of the variant that beats each network of the reference."""
        if not self.matched:
            shifted = self._rounded(self._ranked[1] + shift)
            return 1 - _below(shifted, *self._lines[0])
        return self._shares_of_wins(shift, 1)[~np.isnan(self._tables[1])]

    def chance(self, shift: float = 0.0) -> float:
        """Return how often the variant beats the reference; units weigh equally."""
        return float(self._weights @ self.beaten(shift))

    @property
    def reach(self) -> float:
        """A shift after which one side wins against all that did not fail."""
        return self._span + min(max(self._span, 1) * 1e-6, self._span or 1)

    def last_shift(self, chance: float) -> float:
        """Return the last shift after which the variant wins more often than `chance`.

        It is infinite if it does after each shift that the scores allow, or after none.
        """
        return self._last_above(chance + ROUNDING)

    def first_shift(self, chance: float) -> float:
        """Return the first shift after which it wins less often than `chance`."""
        return self._last_above(chance - ROUNDING)

    def _last_above(self, chance: float) -> float:
        low, high = -self.reach, self.reach
        if self.chance(low) <= chance:
            return -np.inf
        if self.chance(high) > chance:
            return np.inf
        while high - low > 10.0 ** -(self.digits + 3):
            middle = (low + high) / 2
            if middle in (low, high):  # no number lies between the two
                break
            if self.chance(middle) > chance:
                low = middle
            else:
                high = middle
        return round(high, self.digits) + 0.0  # never -0.0

    def _rounded(self, scores: np.ndarray) -> np.ndarray:
        """Return scores without the last bits, so that ties stay ties when shifted."""
        return np.round(scores, self.digits + 2)

    def _shares_of_wins(self, shift: float, axis: int) -> np.ndarray:
        """Return how often each network wins or, along axis 1, loses in its unit."""
        ranks, reference_ranks = self._tables
        shifted, beside_each = (
            self._rounded(ranks[:, :, None] - shift),
            reference_ranks[:, None, :],
        )
        # Missing networks neither win nor tie.
        wins = ((shifted > beside_each) + (shifted == beside_each) / 2).sum(axis)
        beside = reference_ranks if axis == 2 else ranks
        return wins / (~np.isnan(beside)).sum(1)[:, None]


def units_needed(alpha: float) -> int:
    """Return how many units can reject anything: 2^-units is at most `alpha` / 2."""
    return math.ceil(1 - math.log2(alpha) - ROUNDING)


def _matched_by(variant: Sample, reference: Sample) -> str:
    if variant.is_nested and np.array_equal(variant.models, reference.models):
        return "source model"
    if variant.is_nested or reference.is_nested:
        return ""
    return "repeat" if variant.has_addresses_of(reference) else ""


def _table(sample: Sample) -> np.ndarray:
    """Return the ranks of each unit's networks, `[units, most]`, nan where fewer."""
    counts = np.bincount(sample.unit_numbers)
    table = np.full((len(counts), counts.max()), np.nan)
    table[np.arange(counts.max()) < counts[:, None]] = sample.ranked
    return table


def _line(ranked: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores in order, and the weight of all that come before, `[n + 1]`."""
    order = np.argsort(ranked)
    return ranked[order], np.concatenate([[0.0], np.cumsum(weights[order])])


def _below(scores: np.ndarray, line: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the weight of a line's scores below each score, those equal half."""
    ends = [np.searchsorted(line, scores, side) for side in ("left", "right")]
    return before[ends].mean(0)
