"""Which sources scores without training would choose, and what that costs."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.findings.typical import typical_difference


class Judged(NamedTuple):
    """The source that a score would choose at a target size.

    chosen: the source with the highest score. cost: what typically is lost by it
    against the best source, in the metric's units; more than 0 is a loss.
    """

    chosen: str
    cost: Estimate


def judged(
    scores: Mapping[str, np.ndarray],
    samples: Mapping[str, Sample],
    best: str,
    alpha: float,
) -> Judged:
    """Return how well a score does at a target size.

    scores: of each source's models, in order; nan for those that failed. found: each
    source's sample, that of its best depth. best: the source that the study found best.
    The cost's interval is at level 1 - `alpha`.
    """
    means = {source: np.nanmean(values) for source, values in scores.items()}
    chosen = max(means, key=lambda source: means[source])
    cost = Estimate(0.0, 0.0, 0.0)
    if chosen != best:
        pair = Pair(samples[best], samples[chosen])
        cost = typical_difference(pair, alpha).estimate
    return Judged(chosen, cost)
