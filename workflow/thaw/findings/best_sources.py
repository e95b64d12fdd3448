"""Which source to start from: the sources that may be the best, and how likely each is.

Repeats at one address learn from the same rows in the same order, whatever source model
they start from. So the source models of two sources are matched by number, although
they are different networks: a unit is the number, its luck on both sides comes with it,
and the numbers are independent of each other. Only if two sources have other numbers of
source models are they compared as if they were independent.
"""

import functools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from thaw.findings.best_depths import kind_of_pair
from thaw.findings.new_rows import DRAWS, Drawn, drawn, luck
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.verdicts import BETTER

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

    `gains` are the typical gains of each source's variants on the baseline, nan where
    unknown; `alpha` and `margin` are as for `beaten`.
    """
    beaten_by, chance = beaten(found, alpha, margin), chances(found)
    # They may beat each other in a circle.
    none_stays = all(beaten_by.values())
    rows = []
    for source, rivals in beaten_by.items():
        own = {
            variant: -math.inf if math.isnan(gain) else gain
            for variant, gain in gains[source].items()
        }
        best = max(own, key=own.__getitem__)
        stays = none_stays or not rivals
        rows.append(Standing(source, best, stays, rivals, chance[source]))
    return rows


def statements(found: Found) -> float:
    """Return by how many two-sided comparisons the error of `beaten` is divided.

    Each variant makes one statement on each other source, that it beats all variants of
    that one. If that is false, so is its verdict on a certain one of them, one that it
    does not beat; so their number does not count. A statement has one side, half a
    comparison.
    """
    variants = sum(len(own) for own in found.values())
    return max(1.0, variants * (len(found) - 1) / 2)


def beaten(found: Found, alpha: float, margin: float) -> dict[str, list[str]]:
    """Return, for each source, those that typically beat it.

    Another source does if one of its variants is typically better than each of the
    source's own, by the rule of all verdicts (see `thaw.findings.best_depths`). So a
    source as good as all others is rarely out. `alpha` is that of two variants: for all
    of this to hold at once, the error allowed to it over `statements`.
    """
    arms = {source: _from_the_best(own) for source, own in found.items()}

    def beats(theirs: list[_Arm], own: list[_Arm]) -> bool:
        return any(all(is_better(one, mine) for mine in own) for one in theirs)

    def is_better(one: _Arm, other: _Arm) -> bool:
        pair = Pair(one.sample, other.sample)
        # No interval is above 0 otherwise, and it takes forty times as long.
        if pair.chance(0) <= 0.5:
            return False
        rows = luck(one.on_new_rows, other.on_new_rows)
        return kind_of_pair(pair, rows, alpha, margin) == BETTER

    return {
        source: [
            other
            for other, theirs in arms.items()
            if other != source and beats(theirs, own)
        ]
        for source, own in arms.items()
    }


class _Arm(NamedTuple):
    sample: Sample
    on_new_rows: Drawn


def _from_the_best(own: Mapping[str, Sample]) -> list[_Arm]:
    """Return a source's variants by their medians: the hardest to beat comes first."""
    arms = map(_Arm, own.values(), drawn(own).values())
    return sorted(arms, key=lambda arm: -np.median(arm.sample.ranked))


def chances(found: Found) -> dict[str, float]:
    """Return, for each source, the probability that it is the best.

    It is the share of draws of units and of test rows, with replacement (Efron 1979),
    in which one of its variants has the best median; ties are shared. All sources are
    drawn together, by the same units and the same rows. Random numbers are fixed, and a
    chance of a half is known to ±.025. If nothing is known of rows only units are
    drawn; if the rows are too few to tell, all chances are nan.
    """
    best = []
    for own in found.values():
        on_new_rows = drawn(own)
        if any(rows.units == 1 for rows in on_new_rows.values()):
            return dict.fromkeys(found, math.nan)
        moved = [_moved(sample, on_new_rows[name]) for name, sample in own.items()]
        best.append(np.max(moved, axis=0))
    ahead = np.stack(best) == np.max(best, axis=0)
    chances = (ahead / ahead.sum(0)).mean(1)
    return dict(zip(found, chances.tolist(), strict=True))


def _moved(sample: Sample, on_new_rows: Drawn) -> np.ndarray:
    """Return a sample's median in each draw, moved by both lucks, `[draws]`.

    Units as the scores', but more is better.
    """
    order = np.argsort(sample.ranked)
    ranked = sample.ranked[order] * sample.scale
    counts = _times_drawn(sample.units)[:, sample.unit_numbers[order]].cumsum(1)
    # The middle one of the networks drawn, or the mean of the two middle ones.
    middle = [
        ranked[(2 * counts >= counts[:, -1:]).argmax(1)],
        ranked[(2 * counts > counts[:, -1:]).argmax(1)],
    ]
    with np.errstate(invalid="ignore"):  # of medians that failed
        by_rows = on_new_rows.median - np.median(ranked)
    return np.mean(middle, axis=0) + np.nan_to_num(by_rows)


@functools.lru_cache(maxsize=4)
def _times_drawn(units: int) -> np.ndarray:
    """Return how often each unit is drawn, `[draws, units]`."""
    rng = np.random.Generator(np.random.PCG64(1))  # not the test rows' numbers
    return rng.multinomial(units, np.full(units, 1 / units), DRAWS)
