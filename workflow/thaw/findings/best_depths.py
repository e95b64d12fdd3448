"""How many layers to freeze: the depths that may be the best.

A depth is out if another one is typically better, by the rule of all verdicts: the
interval of their difference, all pairs at once, lies above 0 and not within the margin.
So rarely is a depth out that is as good as all others (Hsu 1981 compares with the best
in this way), and whatever is said of two depths holds beside it.
"""

import itertools
from collections.abc import Mapping

from thaw.findings.new_rows import drawn, luck
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import BETTER, WORSE, kind_of, verdict


def beaten(
    found: Mapping[str, Sample], alpha: float, margin: float
) -> dict[str, list[str]]:
    """Return, by depth, those that are typically better; `alpha` is that of all."""
    on_new_rows = drawn(found)
    pairs = [*itertools.combinations(found, 2)]
    beaten_by: dict[str, list[str]] = {depth: [] for depth in found}
    for one, other in pairs:
        pair, level = Pair(found[one], found[other]), alpha / len(pairs)
        rows = luck(on_new_rows[one], on_new_rows[other])
        typical = typical_difference(pair, level)
        typical = rows.widen(typical, rows.typical, level)
        kind = kind_of(verdict(pair, typical, level, margin))
        if kind == BETTER:
            beaten_by[other].append(one)
        elif kind == WORSE:
            beaten_by[one].append(other)
    return beaten_by
