"""How many layers to freeze: the depths that may be the best.

A depth is out if another one is typically better, by the rule of all verdicts: the
interval of their difference, all pairs at once, is above 0 and not within the margin.
So a depth as good as all others is rarely out (as in Hsu's comparisons with the best,
1981), and every verdict on two depths agrees with the set.
"""

import itertools
from collections.abc import Mapping

from thaw.findings.new_rows import Luck, drawn, luck
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import BETTER, WORSE, kind_of, verdict


def beaten(
    found: Mapping[str, Sample], alpha: float, margin: float
) -> dict[str, list[str]]:
    """Return, for each depth, those that are typically better; `alpha` is a pair's."""
    on_new_rows = drawn(found)
    beaten_by: dict[str, list[str]] = {depth: [] for depth in found}
    for one, other in itertools.combinations(found, 2):
        pair = Pair(found[one], found[other])
        rows = luck(on_new_rows[one], on_new_rows[other])
        kind = kind_of_pair(pair, rows, alpha, margin)
        if kind == BETTER:
            beaten_by[other].append(one)
        elif kind == WORSE:
            beaten_by[one].append(other)
    return beaten_by


def kind_of_pair(pair: Pair, rows: Luck, alpha: float, margin: float) -> str:
    """Return which of `verdicts.KINDS` a pair's verdict on new test rows is."""
    typical = typical_difference(pair, alpha)
    typical = rows.widen(typical, rows.typical, alpha)
    return kind_of(verdict(pair, typical, alpha, margin))
