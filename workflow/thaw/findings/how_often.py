"""How often the variant beats the reference, from one unit to another.

The interval is Gaffke's (2005; Learned-Miller and Thomas 2019), which needs no more
than that placements lie within 0 and 1: they, and the best that there could be, get
random weights that add up to 1. So it knows that what was not drawn may be bad, which
an interval from the spread of the placements does not. Where every placement is 0 or 1,
it is that of Clopper and Pearson (1934).
"""

import numpy as np

from thaw.findings.estimate import Estimate
from thaw.findings.pairs import Pair, Placements
from thaw.findings.random_means import random_means


def how_often(pair: Pair, alpha: float) -> Estimate:
    """Return the probability that the variant beats the reference, ties counting half.

    The interval is at level 1 - `alpha`. Where the two sides are independent, both add
    to it.
    """
    found = pair.placements()
    chance = float(found.variant.mean())
    high = _bound(found, alpha / 2)
    low = 1 - _bound(_turned(found), alpha / 2)
    return Estimate(chance, low, high)


def _turned(found: Placements) -> Placements:
    return Placements(*(None if side is None else 1 - side for side in found))


def _bound(found: Placements, alpha: float) -> float:
    """Return the upper bound at level 1 - `alpha`."""
    rng = np.random.Generator(np.random.PCG64(0))
    # Whole percents are as much as anyone reads, and few values cost little.
    bound = random_means(found.variant.round(2), 1.0, rng)
    if found.reference is not None:
        # The reference's placements are its own shares won; the variant wins the rest.
        won = random_means(1 - found.reference.round(2), 1.0, rng)
        bound += won - found.variant.mean()
    return min(1.0, float(np.quantile(bound, 1 - alpha)))
