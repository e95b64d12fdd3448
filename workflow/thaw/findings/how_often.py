"""How often the variant beats the reference, from one unit to another.

The interval is Gaffke's (2005; Learned-Miller and Thomas 2019), which assumes only that
placements lie within 0 and 1: they, and the best one possible, get random weights that
add up to 1. So it allows for bad units that were not drawn; an interval from the spread
of the placements does not. If every placement is 0 or 1, it is that of Clopper and
Pearson (1934).
"""

import numpy as np

from thaw.findings.pairs import Pair, Placements
from thaw.findings.samples import Estimate

DRAWS = 5000


def how_often(pair: Pair, alpha: float) -> Estimate:
    """Return the probability that the variant beats the reference, ties counting half.

    The interval is at level 1 - `alpha`. Both sides add to it if they are independent.
    """
    # Whole percents are enough for readers, and few distinct values cost little.
    found = pair.placements()
    others = found.reference
    coarse = Placements(
        found.variant.round(2), None if others is None else others.round(2)
    )
    worst, best = draws(coarse, unseen=np.array([[0.0], [1.0]]))
    low, high = np.quantile(worst, alpha / 2), np.quantile(best, 1 - alpha / 2)
    chance = float(found.variant.mean())
    return Estimate(chance, max(0.0, float(low)), min(1.0, float(high)))


def draws(found: Placements, unseen: np.ndarray | float) -> np.ndarray:
    """Return draws of the probability, `[..., DRAWS]`.

    `unseen` is the placement of a unit that was not drawn: 1 if the variant always
    wins. Several, `[n, 1]`, share the random weights.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    chances = _means(found.variant, unseen, rng)
    if found.reference is not None:
        # The reference's placements are the shares that it wins; the rest it loses.
        lost = _means(1 - found.reference, unseen, rng)
        chances += lost - found.variant.mean(-1, keepdims=True)
    return chances


def _means(
    placements: np.ndarray, unseen: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    return random_means(placements, np.ones_like(placements, bool), unseen, rng)


def random_means(
    values: np.ndarray,
    where: np.ndarray,
    unseen: np.ndarray | float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws of the mean of the values `where` it is true, and of `unseen`.

    Each value and `unseen`, which stands for everything not drawn, get weights from the
    Dirichlet distribution with parameters of 1 (the Bayesian bootstrap, Rubin 1981).

    Values lie within [-1, 1]. Several samples may lie in leading axes: for values and
    `where` `[..., n]` it returns `[..., DRAWS]`, and `unseen` has that shape or is one
    number.
    """
    counts = np.ones(values.shape[-1], dtype=np.intp)
    if values.ndim == 1:
        # Values that agree to three digits share a weight, so that many cost little.
        values, counts = np.unique(values[where].round(3), return_counts=True)
        where = np.ones(len(values), dtype=bool)
    weights = rng.standard_gamma(np.append(counts, 1), (DRAWS, len(counts) + 1)).T
    seen = np.where(where, values, 0.0) @ weights[:-1]
    return (seen + unseen * weights[-1]) / (where @ weights[:-1] + weights[-1])
