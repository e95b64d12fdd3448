"""Differences between the results of two runs, and whether they exceed chance."""

from collections.abc import Iterator

import numpy as np

from thaw.api.results import Results
from thaw.findings.arms import ALPHA, Arm, alpha_of_each
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.shown import counted, gain, number
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import NOT_BETTER, UNCLEAR_BEFORE, UNDECIDED, kind_of
from thaw.output.tables import cell, markdown
from thaw.plan.changes import changes

# The columns that tell one comparison from another.
COMPARED = ["target_size", "variant", "reference"]


def difference(before: Results, after: Results) -> Iterator[str]:
    """Yield in words what differs between the results of a study before and after.

    First settings, code and versions, then scores, then verdicts. Both runs must have
    the same metric for the latter.
    """
    differences = changes(before.folder / "study.json", after.description)
    names = dict.fromkeys((before.name, after.name))
    words = ", ".join(differences) or "same settings, code and versions"
    yield f"{' → '.join(names)}: {words}."
    if before.metric != after.metric:
        yield "The metric differs, so scores and verdicts are not compared."
        return
    margin = after.description["settings"]["margin"]
    yield from _scores(before, after, margin)
    yield from _verdicts(before, after, margin)


def _scores(before: Results, after: Results, margin: float) -> Iterator[str]:
    """Yield the variants whose scores moved, each compared with itself.

    They are compared as variants of a study are, on these test rows: matched where both
    have the same source models or repeats, at a level that holds for all of them.
    """
    pairs: dict[Arm, tuple[Sample, Sample]] = {}
    both = [arm for arm in after.arms if arm in before.arms]
    was, now = (results.samples(both) for results in (before, after))
    for arm, new in now.items():
        # Both in the same units: one without a bound has its own.
        old = was[arm]._replace(scale=new.scale)
        if not np.array_equal(old.ranked, new.ranked):
            pairs[arm] = new, old
    if not pairs:
        same = f"Same scores of {counted(len(both), 'variant')}."
        yield same if both else "No variant is in both."
        return
    if before.target != after.target:
        yield "The target's data differ, too; intervals do not cover that."
    alpha, rows = alpha_of_each(len(pairs), ALPHA), []
    for arm, (new, old) in pairs.items():
        value, low, high = typical_difference(Pair(new, old), alpha).given_rows
        medians = (number(float(np.median(side.values)), margin) for side in (old, new))
        rows.append(
            [
                cell(arm.name),
                *medians,
                gain(value, low, high, margin),
                "yes" if low > 0 or high < 0 else "no",
            ]
        )
    header = ["variant", "median before", "now", "typical change", "beyond chance"]
    yield markdown(header, rows)
    yield "Beyond chance: the interval of the typical (median) change excludes 0.\n"


def _verdicts(before: Results, after: Results, margin: float) -> Iterator[str]:
    """Yield the comparisons whose verdict moved, with the gains."""
    old, new = (results.comparisons for results in (before, after))
    both = old.merge(new, on=COMPARED, suffixes=("_old", "_new"))
    was, now = (both[f"verdict{which}"].map(kind_of) for which in ("_old", "_new"))
    split = (was == UNCLEAR_BEFORE) & now.isin([NOT_BETTER, UNDECIDED])
    moved = both[(was != now) & ~split]
    if not len(moved):
        yield f"Same verdicts of {counted(len(both), 'comparison')}."
        return
    rows = []
    for row in moved.to_dict("records"):
        size = "" if row["target_size"] == "all" else f" @{row['target_size']}"
        line = [f"{cell(row['variant'])} - {cell(row['reference'])}{size}"]
        for which in ("_old", "_new"):
            value, low, high = (
                row[f"typical{end}{which}"] for end in ("", "_low", "_high")
            )
            line += [row[f"verdict{which}"], gain(value, low, high, margin)]
        rows.append(line)
    header = ["comparison", "verdict before", "gain before", "verdict now", "gain now"]
    yield markdown(header, rows)
