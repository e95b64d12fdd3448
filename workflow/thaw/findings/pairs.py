"""A variant and its reference: how they are matched, and which one beats the other.

Two variants that start from the same source models are compared source model by source
model. Where the repeat is the unit on both sides, they are compared repeat by repeat:
repeat r of both has the same batches (and, given one source model, the same start), and
repeats correlate from -0.3 to +0.9, so treating them as independent would be wrong
either way. All others are independent.

A known value (see `thaw.findings.samples.Sample`) has no luck of its own: it is
compared with each unit of the other side, and only those are counted.

A *placement* is the share of the other side that a unit beats, ties counting half.
Their mean is the probability that the variant beats the reference (Brunner and Munzel
2000); a source model's placement is the mean of its repeats' (Obuchowski 1997).
"""

import functools
from typing import NamedTuple

import numpy as np

from thaw.findings.samples import Sample

# Scores beyond so many units, and so many times the median one, count as equal: finer
# differences would take the digits in which the others differ.
FURTHEST = 1000.0


class Placements(NamedTuple):
    """The placements of a variant's units and, unless matched, of the reference's.

    Several comparisons may lie in leading axes: `[..., units]`.
    """

    variant: np.ndarray
    reference: np.ndarray | None = None

    @property
    def units(self) -> int:
        """The number of units on the side that has fewer."""
        sizes = [side.shape[-1] for side in self if side is not None]
        return min(sizes)


class Pair:
    """A variant and its reference. Failed networks lose against all others.

    `matched` is the unit by which the two are matched: "source model", "repeat", or ""
    where they are independent. `span` bounds the differences: no two scores that did
    not fail are further apart. `size` is the median size of a score, in units.
    """

    def __init__(self, variant: Sample, reference: Sample) -> None:
        if reference.is_known:
            reference = reference.beside(variant)
        elif variant.is_known:
            variant = variant.beside(reference)
        self.variant = variant
        self.reference = reference
        self.matched = _matched_by(variant, reference)
        scores = np.concatenate([variant.ranked, reference.ranked])
        finite = scores[np.isfinite(scores)]
        self.size = float(np.median(np.abs(finite))) if len(finite) else 0.0
        self._bound = FURTHEST * max(self.size, 1.0)
        near = np.clip(finite, -self._bound, self._bound)
        self._lowest = near.min() if len(near) else 0.0
        self.span = float(np.ptp(near)) if len(near) else 0.0

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

    def placements(self, shift: float = 0.0) -> Placements:
        """Return the placements after `shift` is subtracted from the variant.

        The shift is at most slightly more than `span`.
        """
        ours, others = self._sides
        beaten = ours.placements(others, -shift)
        return Placements(
            beaten, None if self.matched else others.placements(ours, shift)
        )

    def chance(self, shift: float) -> float:
        """Return the mean of the variant's placements after the shift."""
        ours, others = self._sides
        return float(ours.placements(others, -shift).mean())

    @functools.cached_property
    def _sides(self) -> tuple["_Side", "_Side"]:
        width = self.span or 1.0
        ours, others = (
            _Side(
                sample,
                np.clip(sample.ranked, -self._bound, self._bound) - self._lowest,
                bool(self.matched),
                width,
            )
            for sample in (self.variant, self.reference)
        )
        return ours, others


def units_needed(alpha: float) -> int:
    """Return how many units can reject anything: 2^-units is at most `alpha` / 2."""
    units = 1
    while 2.0**-units > alpha / 2:
        units += 1
    return units


def _matched_by(variant: Sample, reference: Sample) -> str:
    if variant.is_nested and np.array_equal(variant.models, reference.models):
        return "source model"
    if variant.is_nested or reference.is_nested:
        return ""
    return "repeat" if variant.has_addresses_of(reference) else ""


class _Side:
    """A sample laid out on a line, sorted, so that ranks are found by bisection.

    Matched units are compared only within their own block of the line. A block is so
    long that shifted scores stay within it, above failed ones at its beginning.
    """

    def __init__(
        self, sample: Sample, scores: np.ndarray, matched: bool, width: float
    ) -> None:
        units = sample.unit_numbers
        self.counts = np.bincount(units)
        blocks = units if matched else np.zeros_like(units)
        within = np.where(sample.sound, scores + 3 * width, 0.0)
        line = 8 * width * blocks + within
        # Equal scores are looked up once.
        self.line, first, self.places = np.unique(
            line, return_index=True, return_inverse=True
        )
        self.units = units
        self.blocks = blocks[first]
        self.moves = sample.sound[first].astype(float)
        # Units weigh equally within a block, whatever their numbers of repeats.
        own: np.ndarray = 1 / self.counts[units]
        weights = np.bincount(self.places, own) / (1 if matched else len(self.counts))
        self.below = np.concatenate([[0.0], np.cumsum(weights)])

    def placements(self, others: "_Side", shift: float) -> np.ndarray:
        """Return, after a shift, the share of the others that each unit beats."""
        line = self.line + shift * self.moves
        left = np.searchsorted(others.line, line)
        ties = others.line[np.minimum(left, len(others.line) - 1)] == line
        right = left + ties
        # Each earlier block weighs 1.
        beaten = (others.below[left] + others.below[right]) / 2 - self.blocks
        shares = np.bincount(self.units, beaten[self.places]) / self.counts
        # Rounded, so that equal shares are equal to the last bit.
        return np.clip(np.round(shares, 9), 0, 1)
