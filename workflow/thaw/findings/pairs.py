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
        self.sides = self.variant, self.reference
        scores = np.concatenate([side.ranked[side.sound] for side in self.sides])
        size = float(np.median(np.abs(scores))) if len(scores) else 0.0
        extra = math.ceil(math.log10(TINY / size)) if 0 < size < TINY else 0
        self.digits = DIGITS + extra
        # The weights of all pairs `[n, n]`, 0 if they are not compared.
        weights = np.outer(*(side.weights for side in self.sides))
        if self.matched:
            weights *= np.equal.outer(*(side.unit_numbers for side in self.sides))
        self._places = first, second = np.nonzero(weights)
        self._weights = weights[self._places] / weights.sum()
        with np.errstate(invalid="ignore"):  # nan where both failed
            differences = self.variant.ranked[first] - self.reference.ranked[second]
        # Without the last bits, so that ties stay ties.
        self._differences = np.round(differences, self.digits + 2)
        # How often the variant wins before each difference is subtracted.
        both_failed = np.isnan(differences)
        falling = np.argsort(-self._differences)[: (~both_failed).sum()]
        shifts = np.round(differences[falling], self.digits) + 0.0  # never -0.0
        self._shifts = np.concatenate([[np.inf], shifts, [-np.inf]])
        before = np.cumsum([0.0, *self._weights[falling]])
        self._chances = before + self._weights[both_failed].sum() / 2

    @property
    def units(self) -> int:
        """The number of units on the side that has fewer, of those that vary."""
        return self.fewer.units

    @property
    def fewer(self) -> Sample:
        """The side with fewer units, of those that vary."""
        vary = [sample for sample in self.sides if not sample.is_known]
        return min(vary or self.sides, key=lambda sample: sample.units)

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

    def wins(self, shift: float) -> list[np.ndarray]:
        """Return how often networks of the variant win, and of the reference lose.

        That is after `shift` is subtracted from the variant; ties count half. They are
        `[n]`, and where matched, against the other side's networks in the same unit.
        """
        # 1 or 0, or half where they tie or both failed.
        wins = (1 + np.nan_to_num(np.sign(self._differences - shift))) / 2
        return [
            np.bincount(places, self._weights * wins) / side.weights
            for places, side in zip(self._places, self.sides, strict=True)
        ]

    def chance(self) -> float:
        """Return how often the variant beats the reference; units weigh equally."""
        return float(self.variant.weights @ self.wins(0.0)[0])

    def last_shift(self, chance: float) -> float:
        """Return the last shift after which the variant wins more often than `chance`.

        It is infinite if it does after each shift that the scores allow, or after none.
        """
        place = np.searchsorted(self._chances, chance + ROUNDING, "right")
        return float(self._shifts[place])

    def first_shift(self, chance: float) -> float:
        """Return the first shift after which it wins less often than `chance`."""
        return self.last_shift(chance - 2 * ROUNDING)


def units_needed(alpha: float) -> int:
    """Return how many units can reject anything: 2^-units is at most `alpha` / 2."""
    return math.ceil(1 - math.log2(alpha) - ROUNDING)


def _matched_by(variant: Sample, reference: Sample) -> str:
    if variant.is_nested and np.array_equal(variant.models, reference.models):
        return "source model"
    if variant.is_nested or reference.is_nested:
        return ""
    return "repeat" if variant.has_addresses_of(reference) else ""
