"""The recommendation: an answer's advice to its reader.

It is read off the comparisons with the baseline at a target size, whose intervals hold
together, and says no more than they do. Its kinds:

- use a variant: among those typically better than the baseline and not beaten by
  another of them, the one that gains most and fails or is weak no more often than the
  baseline. The others are its ties. Readers take the margin for what is worth doing, so
  a gain that may be smaller is said to be;
- keep the baseline: no network gains the margin;
- no difference: all networks are equivalent to the baseline;
- undecided: some network may gain the margin;
- none: there is no verdict.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.baseline import Caveat
from thaw.findings.gains import (
    Question,
    Row,
    estimate,
    is_riskier,
    qualifiers,
    size_of,
    span,
)
from thaw.findings.shown import capitalize, enumerate_words, interval
from thaw.findings.verdicts import (
    BETTER,
    EQUIVALENT,
    NO_VERDICT,
    TOO_FEW,
    UNDECIDED,
    WORSE,
)

USE, KEEP, SAME = "use a variant", "keep the baseline", "no difference"
NONE = "none"


class Advice(NamedTuple):
    """The recommendation at a target size.

    `rows` are the comparisons behind it, by variant. `named` are the variants that it
    names: the one to use and its ties, or the undecided ones. `lead` compares an
    estimator that is typically better than every network with the best of them.
    """

    size: TargetSize
    kind: str
    rows: dict[str, Row]
    named: Sequence[str] = ()
    lead: Row | None = None

    @property
    def variant(self) -> str:
        """The variant to use; "" if there is none."""
        return self.named[0] if self.kind == USE else ""


def advice(study: Question, size: TargetSize) -> Advice:
    """Return the recommendation at a size."""
    every = study.gains_at(size)
    better = [name for name, row in every.items() if row["verdict"] == BETTER]
    if better:
        unbeaten = [
            name
            for name in better
            if not any(_is_behind(every[name], every[other], study) for other in better)
        ]
        # They may beat each other in a circle.
        named = unbeaten or better
        named.sort(key=lambda n: (is_riskier(every[n]), -every[n]["typical"]))
        return Advice(size, USE, every, named, _lead(every[named[0]], study))
    rows = {name: row for name, row in every.items() if name in study.networks}
    kinds = {row["verdict"] for row in rows.values()}
    if kinds <= {TOO_FEW, NO_VERDICT}:
        return Advice(size, NONE, rows)
    if kinds == {EQUIVALENT}:
        return Advice(size, SAME, rows)
    open_kinds = (UNDECIDED, TOO_FEW)
    unclear = [name for name, row in rows.items() if row["verdict"] in open_kinds]
    return Advice(size, UNDECIDED if unclear else KEEP, rows, unclear)


def _lead(row: Row, study: Question) -> Row | None:
    """Return the lead of an estimator, typically better than the baseline, if any."""
    if row["variant"] in study.networks:
        return None
    closest = study.closest_network(row["variant"], row["target_size"]) or row
    if closest["verdict"] != BETTER:
        return None
    return min(row, closest, key=lambda row: row["typical"])


def _is_behind(row: Row, other: Row, study: Question) -> bool:
    """Whether a variant is surely worse than another, by a verdict or by intervals."""
    apart = row["typical_high"] < other["typical_low"]
    return apart or study.beats(other["variant"], row["variant"], row["target_size"])


def advices(study: Question) -> list[list[Advice]]:
    """Return the recommendations at all sizes, those of neighbours that agree as one.

    Variants to use have the same ties at all of them: a range would hide others.
    """

    def agreed(item: Advice) -> tuple[Any, ...]:
        if not item.variant:
            return (item.kind,)
        return item.kind, item.variant, sorted(item.named), item.lead is None

    every = [advice(study, size) for size in study.target_sizes]
    return [[*alike] for _, alike in itertools.groupby(every, agreed)]


def recommended(study: Question) -> Iterator[str]:
    """Give the advice, by target size."""
    for alike in advices(study):
        words = [*WORDS[alike[0].kind](alike, study)]
        if study.is_swept:
            words[0] = f"with {span([item.size for item in alike])}: {words[0]}"
        yield from (f"{capitalize(sentence)}." for sentence in words)


def act(alike: list[Advice], study: Question) -> str:
    """Return the advice in a few words."""
    return capitalize(next(iter(WORDS[alike[0].kind](alike, study))))


# Each yields sentences without their capital and full stop, the advice first.


def _use(alike: list[Advice], study: Question) -> Iterator[str]:
    name, ties = alike[0].variant, alike[0].named[1:]
    is_network, rows = name in study.networks, [item.rows[name] for item in alike]
    words = f"use {name}"
    if leads := [item.lead for item in alike if item.lead]:
        words += f": {_ahead(leads, study)}"
    elif not is_network:
        words += ", which is no network"
    elif study.is_from_scratch(name) and study.transferred:
        words += ", which is not pretrained"
    elif study.is_transferred(name) and study.name(name) != name:
        words = f"use transfer and {study.name(name)}"
    if not leads and min(row["typical_low"] for row in rows) < study.margin:
        words += ", perhaps for less than the margin"
    yield words
    # The gain at the first and at the last size.
    words = f"it typically gains {size_of(rows[0], study)} on {study.baseline}"
    if len(alike) > 1:
        words += f" with {alike[0].size} rows{qualifiers(rows[0], study)}, and "
        words += f"{size_of(rows[-1], study)} with {alike[-1].size}"
    yield words + qualifiers(rows[-1], study)
    if ties:
        words = f"of those better than {study.baseline}, it cannot be told apart from "
        words += enumerate_words(ties, "or")
        is_optional = is_network and {*ties} - {*study.networks}
        yield words + ": a network may not be needed" * bool(is_optional)


def _ahead(leads: Sequence[Row], study: Question) -> str:
    """Return by how much an estimator is better than the best network of each size."""
    low = min(row["typical_low"] for row in leads)
    high = max(row["typical_high"] for row in leads)
    words = f"{interval(low, high, study.margin)}{study.units} better"
    if math.isinf(low):
        words = "typically better"
    best = {row["reference"] for row in leads}
    name = f" ({best.pop()})" if len(best) == 1 else ""
    return f"{words} than the best network{name}"


def _keep(alike: list[Advice], study: Question) -> Iterator[str]:
    rows = [row for item in alike for row in item.rows.values()]
    known = [row for row in rows if not math.isnan(row["typical"])]
    best = max(known, key=lambda row: row["typical"])
    worst = min(known, key=lambda row: row["typical"])
    if study.is_from_scratch(study.baseline):
        yield f"train from scratch ({study.baseline})"
    else:
        yield f"keep {study.baseline}"
    kind = _variant(study)
    if {row["verdict"] for row in rows} == {WORSE}:
        words = f"every other {kind} is typically worse, the best of them"
        words += f", {study.name(best['variant'])}, by {size_of(best, study)}"
    else:
        words = f"no {kind} typically gains {study.margin_in_units} or more"
    if worst["verdict"] == WORSE and len(known) > 1:
        words += f"; {study.name(worst['variant'])} costs {size_of(worst, study)}"
        if worst["typical_high"] > -study.margin:
            words += f", perhaps less than the margin ({study.margin_in_units})"
        words += qualifiers(worst, study)
    apart = {
        row["variant"]
        for row in rows
        if row["verdict"] != EQUIVALENT or qualifiers(row, study)
    }
    if ties := [study.name(name) for name in alike[0].rows if name not in apart]:
        words += f"; {enumerate_words(ties)} {'is' if len(ties) == 1 else 'are'} "
        words += "typically equivalent, and a tie goes to the baseline"
    yield words


def _same(alike: list[Advice], study: Question) -> Iterator[str]:
    yield f"it typically makes no difference that matters (±{study.margin_in_units})"
    words = f"every {_variant(study)} is typically equivalent to the baseline"
    yield f"{words} ({study.baseline})"


def _variant(study: Question) -> str:
    """Return "network" where some variants are none."""
    return "variant" if len(study.networks) == len(study.variants) else "network"


def _undecided(alike: list[Advice], study: Question) -> Iterator[str]:
    kinds = {row["verdict"] for item in alike for row in item.rows.values()}
    clear = "better" if WORSE in kinds else "better or worse"
    is_scratch = study.is_from_scratch(study.baseline)
    baseline = "training from scratch" if is_scratch else study.baseline
    yield "undecided"
    yield f"no {_variant(study)} is clearly {clear} than {baseline}"
    row = largest_gain(alike[0])
    gains = {
        item.size: estimate(item.rows[row["variant"]], study.margin, study.units)
        for item in (alike[0], alike[-1])
    }
    if len(gains) > 1:
        gains = {size: f"{gains[size]}{study.place([size])}" for size in gains}
    words = enumerate_words(gains.values())
    best = "least bad" if row["typical"] < 0 else "best"
    yield f"the {best} estimate is {words}, of {study.name(row['variant'])}"


def largest_gain(item: Advice) -> Row:
    """Return the row of the variant to use or, without one, of the largest gain.

    It is empty if no gain is known.
    """
    if item.variant:
        return item.rows[item.variant]
    known = [row for row in item.rows.values() if not math.isnan(row["typical"])]
    return max(known, key=lambda row: row["typical"], default={})


def _none(alike: list[Advice], study: Question) -> Iterator[str]:
    reasons = {
        f"{TOO_FEW}: {row['note']}" if row["verdict"] == TOO_FEW else row["note"]
        for item in alike
        for row in item.rows.values()
    }
    why = "; ".join(sorted(reasons)) or "no other network is compared"
    yield f"no recommendation: {why}"


WORDS = {
    USE: _use,
    KEEP: _keep,
    SAME: _same,
    UNDECIDED: _undecided,
    NONE: _none,
}


def beside_equivalence(study: Question) -> Iterator[Caveat]:
    """Say where a typical network is equivalent, but mean or weak networks are not."""
    for size in study.target_sizes:
        for name, row in study.gains_at(size).items():
            words = qualifiers(row, study, ", but with")
            if row["verdict"] == EQUIVALENT and words:
                words = f"{study.name(name)} is typically equivalent{words}"
                for sentence in study.sentences({size: words}):
                    tag = f"{name} equivalent by the median only"
                    yield Caveat(sentence, tag)
