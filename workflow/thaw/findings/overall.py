"""All studies in short: whether transfer helps, and what freezing costs.

Only studies count that can tell: their baseline learns from scratch, their source is
another problem than their target, and their question is not about other pairs.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from thaw.findings.gains import Row
from thaw.findings.metrics import metric_of
from thaw.findings.shown import capitalize, counted, enumerate_words, gain
from thaw.findings.verdicts import BETTER, EQUIVALENT, NOT_BETTER, WORSE

# The title of a report, unless it has one of its own: a question that the studies
# answer by yes or no.
TITLE = "Does transfer learning pay off?"


class Compared(NamedTuple):
    """A study: what is known of it, and the rows of its comparisons.

    `settings` are those of its tables.
    """

    settings: Mapping[str, Any]
    comparisons: Sequence[Row]

    @property
    def gains(self) -> list[Row]:
        """The comparisons of pretrained variants with a baseline from scratch."""
        known, baseline = self.settings, self.settings["baseline"]
        is_control = known["source"] == known["target"] or known["is_about_pairs"]
        if baseline in known["pretrained"] or is_control:
            return []
        rows = (row for row in self.comparisons if row["reference"] == baseline)
        return [row for row in rows if row["variant"] in known["pretrained"]]


def in_short(studies: Sequence[Compared], title: str) -> str:
    """Return what the studies say together; "" unless several of them can tell."""
    telling = [study for study in studies if study.gains]
    if len(telling) < 2:
        return ""
    helped = [s for s in telling if BETTER in {row["verdict"] for row in s.gains}]
    no_gain = {WORSE, EQUIVALENT, NOT_BETTER}
    out = [s for s in telling if {row["verdict"] for row in s.gains} <= no_gain]
    undecided = [s for s in telling if s not in helped and s not in out]
    short = "not here" if out else "not clear"
    words = f"in none of the {len(telling)} studies that ask it does a transferred"
    words += " network clearly beat"
    if helped:
        short = "yes, here" if helped == telling else "at times"
        words = f"in {_names(helped)}, a transferred network clearly beats"
    words += " training from scratch"
    if out:
        rule = "rules" if len(out) == 1 else "rule"
        words += f"; {_names(out)} {rule} out a gain that matters"
    if undecided:
        words += (
            f"; {_names(undecided)} {'is' if len(undecided) == 1 else 'are'} undecided"
        )
    words = f"{short}: {words}" if title == TITLE else words
    return " ".join([f"{capitalize(words)}.", *_costs(telling)])


def _names(studies: Sequence[Compared]) -> str:
    return enumerate_words(study.settings["study"] for study in studies)


def _costs(studies: Sequence[Compared]) -> Iterator[str]:
    """Say what freezing most layers costs where that is clear, in one unit."""
    losses = sorted(
        (
            study.settings["depths"].get(row["variant"], 0),
            *(-row[f"typical{end}"] for end in ("", "_high", "_low")),
            study.settings["study"],
        )
        for study in studies
        for row in study.gains
        if row["verdict"] == WORSE and math.isfinite(row["typical"])
    )
    scales = {
        (metric_of(s.settings["metric"][0]), s.settings["margin"]) for s in studies
    }
    depth = losses[-1][0] if losses else 0
    if not depth or len(scales) > 1:
        return
    ((metric, margin),) = scales
    of_depth = [loss for loss in losses if loss[0] == depth]
    words = [
        f"{gain(loss, low, high, margin, metric.suffix, '-')} in {name}"
        for _, loss, low, high, name in dict.fromkeys([of_depth[0], of_depth[-1]])
    ]
    ranges = "ranges from" if len(words) > 1 else "is"
    yield (
        f"Where freezing {counted(depth, 'layer')} is clearly worse, the cost {ranges} "
        f"{' to '.join(words)}."
    )
