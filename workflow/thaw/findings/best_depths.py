"""How many layers to freeze: the depths that are not clearly worse than the best.

A depth is dropped if another one typically beats it, at one-sided p < alpha / (number
of depths - 1). So the set misses the typically best one with a probability of at most
alpha (Gupta 1965; Hsu 1981).
"""

from collections.abc import Mapping

from thaw.findings.evidence import p_more_often
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample


def best_depths(found: Mapping[str, Sample], alpha: float) -> list[str]:
    """Return those variants that none of the others typically beats, in order."""
    return [
        variant
        for variant, sample in found.items()
        if not any(
            p_more_often(Pair(rival, sample).placements()) < alpha / (len(found) - 1)
            for other, rival in found.items()
            if other != variant
        )
    ]
