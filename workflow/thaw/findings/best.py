"""Which of several may be the best: depths, or sources with several depths each.

A candidate is ruled out if a variant of another one is typically better than each of
its variants, by the rule of all verdicts. So one as good as all others is rarely ruled
out (as in Hsu's comparisons with the best, 1981), and every verdict agrees with the
set.

Repeats at one address learn from the same rows in the same order, whatever source model
they start from. So the source models of two sources are matched by number, although
they are different networks. Only if two sources have other numbers of source models are
they compared as if they were independent.
"""

from collections.abc import Mapping

import numpy as np

from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import BETTER, verdict

# The samples of each candidate's variants, at one target size.
Candidates = Mapping[str, Mapping[str, Sample]]


def statements(candidates: Candidates) -> float:
    """Return by how many two-sided comparisons the error of `beaten` is divided.

    Each variant makes one statement on each other candidate, that it beats all variants
    of that. If it is false, so is its verdict on a certain one of them; so their number
    does not count. A statement has one side, half a comparison.
    """
    variants = sum(map(len, candidates.values()))
    return max(1.0, variants * (len(candidates) - 1) / 2)


def beaten(candidates: Candidates, alpha: float, margin: float) -> dict[str, list[str]]:
    """Return, for each candidate, those that typically beat it.

    They may beat each other in a circle: then none is out. `alpha` is that of two
    variants: for all of this to hold at once, the error allowed to it over
    `statements`.
    """

    def is_better(sample: Sample, other: Sample) -> bool:
        pair = Pair(sample, other)
        # No interval is above 0 otherwise.
        if pair.chance() <= 0.5:
            return False
        typical = typical_difference(pair, alpha).estimate
        return verdict(pair, typical, alpha, margin) == BETTER

    # The hardest to beat comes first, which saves most comparisons.
    variants = {
        name: sorted(samples.values(), key=lambda sample: -np.median(sample.ranked))
        for name, samples in candidates.items()
    }
    return {
        name: [
            rival
            for rival, rivals in variants.items()
            if rival != name
            and any(all(is_better(best, each) for each in samples) for best in rivals)
        ]
        for name, samples in variants.items()
    }


def unbeaten(beaten_by: Mapping[str, list[str]]) -> list[str]:
    """Return those that may be the best, given by whom each is beaten."""
    names = [name for name, rivals in beaten_by.items() if not rivals]
    return names or [*beaten_by]


def rows_to_tell(pair: Pair, alpha: float) -> float:
    """Return how many test rows would tell two samples apart, if that is what it takes.

    The part of the interval that comes from rows shrinks with the root of their number,
    until the interval ends at 0, if the difference is what it seems. It is nan if
    nothing is known of rows, or if no number of them would do.
    """
    typical = typical_difference(pair, alpha)
    lead = abs(typical.value)
    # The ends on the side of 0.
    side = 1 if typical.value > 0 else 2
    with_rows, given_rows = (
        abs(ends[side] - typical.value)
        for ends in (typical.estimate, typical.given_rows)
    )
    if typical.rows.units < 2 or not given_rows < lead < np.inf:
        return np.nan
    of_rows = with_rows**2 - given_rows**2
    return pair.variant.tested * of_rows / (lead**2 - given_rows**2)
