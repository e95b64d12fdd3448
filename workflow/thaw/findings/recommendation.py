"""The recommendation: an answer's advice to its reader.

It is read off the comparisons with the baseline at a target size, whose intervals hold
together, and says no more than they do. Its kinds:

- use an estimator: it is surely better than all networks (`thaw.findings.references`);
- use a variant: among those typically better than the baseline and not beaten by
  another of them, the one that gains most and fails or is weak no more often than the
  baseline. The others are its ties;
- keep the baseline: no interval reaches the margin;
- no difference: all networks are equivalent to the baseline;
- undecided: some interval reaches the margin;
- none: there is no verdict.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.gains import (
    Question,
    Row,
    enumerate_words,
    is_riskier,
    more_networks,
    size_of,
    span,
    verdict_of,
)
from thaw.findings.references import Found, best_estimator
from thaw.findings.shown import counted, number
from thaw.findings.verdicts import (
    BETTER,
    EQUIVALENT,
    NO_VERDICT,
    TOO_FEW,
    UNCLEAR,
    WORSE,
    kind_of,
)

ESTIMATOR, USE, KEEP = "use an estimator", "use a variant", "keep the baseline"
SAME, UNDECIDED, NONE = "no difference", "undecided", "none"


class Advice(NamedTuple):
    """The recommendation at a target size.

    `rows` are the comparisons behind it, by variant. `named` are the variants that it
    names: the one to use and its ties, or the undecided ones.
    """

    size: TargetSize
    kind: str
    rows: dict[str, Row]
    named: Sequence[str] = ()
    estimator: Found | None = None

    @property
    def variant(self) -> str:
        """The variant to use; "" if there is none."""
        return self.named[0] if self.kind in (USE, ESTIMATOR) else ""


def advice(study: Question, size: TargetSize) -> Advice:
    """Return the recommendation at a size."""
    rows = study.gains_at(size)
    kinds = {name: kind_of(row["verdict"]) for name, row in rows.items()}
    estimator = best_estimator(study, size)
    if estimator and estimator.surely:
        name = estimator.estimator["variant"]
        return Advice(size, ESTIMATOR, {name: estimator.estimator}, [name], estimator)
    if not kinds or {*kinds.values()} <= {TOO_FEW, NO_VERDICT}:
        return Advice(size, NONE, rows)
    better = [name for name, kind in kinds.items() if kind == BETTER]
    if better:
        unbeaten = [
            name
            for name in better
            if not any(_is_behind(name, other, rows, study) for other in better)
        ]
        # They may beat each other in a circle.
        named = unbeaten or better
        named.sort(key=lambda n: (is_riskier(rows[n]), -rows[n]["typical"]))
        return Advice(size, USE, rows, named, estimator)
    if {*kinds.values()} == {EQUIVALENT}:
        return Advice(size, SAME, rows, (), estimator)
    unclear = [
        name
        for name, kind in kinds.items()
        if kind in (UNCLEAR, TOO_FEW) and rows[name]["typical_high"] >= study.margin
    ]
    if unclear:
        return Advice(size, UNDECIDED, rows, unclear, estimator)
    return Advice(size, KEEP, rows, (), estimator)


def advices(study: Question) -> list[list[Advice]]:
    """Return the recommendations at all sizes, in ranges of those that agree."""
    return [*in_ranges([advice(study, size) for size in study.target_sizes])]


def _is_behind(name: str, other: str, rows: dict[str, Row], study: Question) -> bool:
    """Whether a variant is surely worse than another, by a verdict or by intervals."""
    apart = rows[name]["typical_high"] < rows[other]["typical_low"]
    return apart or study.beats(other, name, rows[other]["target_size"])


def in_ranges(found: Sequence[Advice]) -> Iterator[list[Advice]]:
    """Yield the recommendations of neighbouring sizes that agree, as one.

    They name the same variant if one may be named at all of the sizes.
    """
    own: list[Advice] = []
    common: list[str] = []
    for one in found:
        shared = [name for name in common if name in one.named]
        agree = own and one.kind == own[0].kind
        if agree and (shared or one.kind not in (USE, ESTIMATOR)):
            common = shared
        else:
            if own:
                yield _named_alike(own, common)
            own, common = [], list(one.named)
        own.append(one)
    if own:
        yield _named_alike(own, common)


def _named_alike(own: list[Advice], common: list[str]) -> list[Advice]:
    """Return recommendations with one variant named at all sizes, the best in all."""
    if own[0].kind != USE:
        return own
    risks = {name: any(is_riskier(one.rows[name]) for one in own) for name in common}
    gains = {name: sum(one.rows[name]["typical"] for one in own) for name in common}
    best = min(common, key=lambda name: (risks[name], -gains[name]))
    return [
        one._replace(named=[best, *(n for n in one.named if n != best)]) for one in own
    ]


def recommended(study: Question) -> Iterator[str]:
    """Give the advice, by target size."""
    for own in advices(study):
        words = [*WORDS[own[0].kind](own, study), *_without_network(own, study)]
        if study.is_swept:
            words[0] = f"with {span([one.size for one in own])}: {words[0]}"
        yield from (f"{said[0].upper()}{said[1:]}." for said in words)


def act(own: list[Advice], study: Question) -> str:
    """Return the advice in a few words."""
    said = next(iter(WORDS[own[0].kind](own, study)))
    return f"{said[0].upper()}{said[1:]}"


def _without_network(own: list[Advice], study: Question) -> Iterator[str]:
    """Name an estimator that may be as good as all networks."""
    some = [one for one in own if one.estimator and not one.estimator.surely]
    found = some[0].estimator if some else None
    if found and found.best is not None:
        place = f" with {span([one.size for one in some])}" if study.is_swept else ""
        than = f"{found.best['variant']}, the best of the networks"
        does = (
            f"typically gains more than {than}, but their intervals overlap"
            if found.ahead
            else f"may do as well as {than}"
        )
        gain = size_of(found.estimator, study)
        name = found.estimator["variant"]
        yield (
            f"A network may not be needed{place}: {name}, which gains {gain} on "
            f"{study.baseline}, {does}"
        )


# Each yields sentences without their capital and full stop, the advice first.


def _use(own: list[Advice], study: Question) -> Iterator[str]:
    name = own[0].variant
    yield _how(name, study)
    yield f"it typically gains {worth(own, study)}"
    ties = [n for n in own[0].named if n != name and all(n in o.named for o in own)]
    if ties:
        yield f"it cannot be told apart from {enumerate_words(ties, 'or')}"


def worth(own: list[Advice], study: Question) -> str:
    """Return the gain of the variant to use, at the first and at the last size."""
    name = own[0].variant
    first, last = own[0].rows[name], own[-1].rows[name]
    words = f"{size_of(first, study)} on {study.baseline}"
    if len(own) > 1:
        words += f" with {own[0].size} rows{more_networks(first)}, and "
        words += f"{size_of(last, study)} with {own[-1].size}"
    return words + more_networks(last)


def _how(name: str, study: Question) -> str:
    """Return the advice to use a variant."""
    if study.is_from_scratch(name) and study.transferred:
        return f"use {name}, which is not pretrained"
    recipe = study.recipes.get(name)
    if study.is_pretrained(study.baseline) or not study.is_pretrained(name):
        return f"use {name}: {recipe}" if recipe else f"use {name}"
    if recipe:
        return f"use transfer: {recipe} ({name})"
    if name not in study.depths:
        return f"use {name}"
    return f"use transfer and {how(name, study.depths[name])}"


def how(name: str, depth: int) -> str:
    """Return the words for freezing so many layers, as a variant does."""
    return f"freeze {counted(depth, 'layer') if depth else 'nothing'} ({name})"


def _use_estimator(own: list[Advice], study: Question) -> Iterator[str]:
    name = own[0].variant
    row = own[0].rows[name]
    found = own[0].estimator
    others = study.baseline
    if found and found.best is not None:
        others += " and all other networks"
    place = f" from {own[0].size} rows" if len(own) > 1 else ""
    yield f"use {name}, no network is needed"
    yield (
        f"it is better than {others}: it typically gains {size_of(row, study)}{place} "
        f"on {study.baseline}"
    )


def _keep(own: list[Advice], study: Question) -> Iterator[str]:
    rows = [row for one in own for row in one.rows.values()]
    most = max(rows, key=lambda row: row["typical_high"])
    worst = min(rows, key=lambda row: row["typical"])
    yield _baseline(study)
    if {kind_of(row["verdict"]) for row in rows} == {WORSE}:
        best = max(rows, key=lambda row: row["typical"])
        words = (
            "all other networks are typically worse, the best of them, "
            f"{best['variant']}, by {size_of(best, study)}"
        )
    else:
        said = number(max(most["typical_high"], 0.0), study.margin)
        if said == number(study.margin, study.margin):
            said = f"just below {said}"
        words = (
            f"no other network typically gains the margin ({study.margin_in_units}): "
            f"at most {said}{study.units}"
        )
    if worst["typical_high"] < 0 and len(rows) > 1:
        words += f", and {worst['variant']} costs {size_of(worst, study)}"
        words += more_networks(worst)
    yield words


def _baseline(study: Question) -> str:
    if study.is_from_scratch(study.baseline):
        return f"train from scratch ({study.baseline})"
    return f"keep {study.baseline}"


def _same(own: list[Advice], study: Question) -> Iterator[str]:
    yield f"it makes no difference that matters (±{study.margin_in_units})"
    words = f"all networks are equivalent to {study.baseline}"
    apart = []
    for one in own:
        place = f" with {span([one.size])}" if len(own) > 1 else ""
        for name, row in one.rows.items():
            if said := more_networks(row):
                risk = "riskier" if is_riskier(row) else "safer"
                apart.append(f"{name} is {risk}{place}{said}")
    yield f"{words}, but {enumerate_words(apart)}" if apart else words


def _undecided(own: list[Advice], study: Question) -> Iterator[str]:
    names = dict.fromkeys(name for one in own for name in one.named)
    yield from undecided(own, study, enumerate_words(names, "or"))


def undecided(own: list[Advice], study: Question, named: str) -> Iterator[str]:
    """Say what the variants may gain or lose, `named` in these words."""
    rows = [one.rows[name] for one in own for name in one.named]
    high = max(row["typical_high"] for row in rows)
    low = min(row["typical_low"] for row in rows)
    yield "undecided"
    yield (
        f"compared with {study.baseline}, {named} may gain {end(high, study)} or lose "
        f"{end(-low, study)}"
    )
    if study.is_from_scratch(study.baseline):
        yield "until it is decided, training from scratch is the cheapest"


def end(value: float, study: Question) -> str:
    """Return the words for how large a gain or loss may be."""
    if not math.isfinite(value):
        return "without a limit"
    return f"up to {number(max(value, 0.0), study.margin)}{study.units}"


def _none(own: list[Advice], study: Question) -> Iterator[str]:
    reasons = {verdict_of(row, study) for one in own for row in one.rows.values()}
    why = "; ".join(sorted(reasons)) or "nothing is compared"
    yield f"no recommendation: {why.removeprefix(f'{NO_VERDICT}: ')}"


WORDS = {
    ESTIMATOR: _use_estimator,
    USE: _use,
    KEEP: _keep,
    SAME: _same,
    UNDECIDED: _undecided,
    NONE: _none,
}
