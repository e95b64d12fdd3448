"""Which source to start from: the sources that may be the best, and how likely each is.

A thin version, with the interface of the one that is to replace it.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from thaw.findings import best_depths
from thaw.findings.new_rows import drawn
from thaw.findings.samples import Sample

# The samples of each source's variants, at one target size.
Found = Mapping[str, Mapping[str, Sample]]


class Standing(NamedTuple):
    """A source beside all others, at one target size.

    `variant` is the one with the largest typical gain. `chance` is that of being the
    best, nan if the test rows are too few to tell.
    """

    source: str
    variant: str
    may_be_best: bool
    beaten_by: list[str]
    chance: float


def standings(
    found: Found,
    gains: Mapping[str, Mapping[str, float]],
    alpha: float,
    margin: float,
) -> list[Standing]:
    """Return where each source stands, in order.

    `gains` are the typical gains of each source's variants on the baseline; `alpha` and
    `margin` are as for `beaten`.
    """
    beaten_by, chance = beaten(found, alpha, margin), chances(found)
    none_stays = all(beaten_by.values())
    rows = []
    for source, rivals in beaten_by.items():
        own = {v: -math.inf if math.isnan(g) else g for v, g in gains[source].items()}
        best = max(own, key=own.__getitem__)
        stays = none_stays or not rivals
        rows.append(Standing(source, best, stays, rivals, chance[source]))
    return rows


def statements(found: Found) -> float:
    """Return by how many two-sided comparisons the error of `beaten` is divided."""
    variants = sum(len(own) for own in found.values())
    return max(1.0, variants * (len(found) - 1) / 2)


def beaten(found: Found, alpha: float, margin: float) -> dict[str, list[str]]:
    """Return, for each source, those that typically beat it at all of its variants."""
    arms = {
        f"{source}/{variant}": sample
        for source, own in found.items()
        for variant, sample in own.items()
    }
    rivals = best_depths.beaten(arms, alpha, margin)

    def beats(other: str, source: str) -> bool:
        own = (rivals[f"{source}/{variant}"] for variant in found[source])
        return all(any(r.startswith(f"{other}/") for r in some) for some in own)

    return {s: [o for o in found if o != s and beats(o, s)] for s in found}


def chances(found: Found) -> dict[str, float]:
    """Return how likely each source is the best, over draws of test rows alone."""
    best = {
        source: max(drawn.median.mean() for drawn in drawn(own).values())
        for source, own in found.items()
    }
    first = max(best, key=best.__getitem__)
    return {source: float(source == first) for source in best}
