"""How many layers to freeze: the depths that may be the best.

A depth is dropped if another one beats it, at one-sided p < alpha / (number of depths -
1). So the set misses the best one with a probability of at most alpha (Gupta 1965; Hsu
1981). There are two sets, for what is typical and for the mean: a depth that gains a
little and fails now and then may be in one and not in the other.
"""

from collections.abc import Callable, Mapping
from typing import Any

from thaw.findings.evidence import p_more_often
from thaw.findings.mean import has_interval, mean_difference
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample


def best_depths(found: Mapping[str, Sample], alpha: float) -> list[str]:
    """Return those variants that none of the others typically beats, in order."""
    return _unbeaten(
        found, alpha, lambda pair, level: p_more_often(pair.placements()) < level
    )


def best_on_average(found: Mapping[str, Sample], alpha: float) -> list[str]:
    """Return those variants whose mean none of the others' is above, in order.

    Return none where means have no interval (see `thaw.findings.mean`).
    """
    if not all(map(has_interval, found.values())):
        return []
    return _unbeaten(
        found, alpha, lambda pair, level: mean_difference(pair, 2 * level).low > 0
    )


def _unbeaten(
    found: Mapping[str, Sample], alpha: float, beats: Callable[[Pair, float], Any]
) -> list[str]:
    """Return those variants that no other one beats, in order.

    All, if each is beaten: they may beat each other in a circle.
    """
    level = alpha / max(len(found) - 1, 1)
    unbeaten = [
        variant
        for variant, sample in found.items()
        if not any(
            beats(Pair(rival, sample), level)
            for other, rival in found.items()
            if other != variant
        )
    ]
    return unbeaten or list(found)
