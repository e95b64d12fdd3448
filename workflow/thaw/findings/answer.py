"""The answer: a study's result in a few sentences that anyone understands.

The advice comes first, then its grounds, what would decide or change it, and what it
does not cover. Everything is read off the tables; the answer adds nothing to them.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.caveats import (
    what_is_covered,
    what_spoils_it,
    what_would_change_it,
)
from thaw.findings.deciding import what_would_decide
from thaw.findings.gains import (
    Question,
    by_size_and_verdict,
    by_verdict,
    enumerate_words,
    rows_at,
    span,
)
from thaw.findings.metrics import metric_of
from thaw.findings.recommendation import NONE, advice, recommended


class Part(NamedTuple):
    """A part of an answer: its heading, its sentences, and tags for an overview."""

    heading: str
    sentences: list[str]
    tags: list[str]


def answer(study: Question) -> list[Part]:
    """Return the parts of the answer that are not empty."""
    told = [Part(words, [*about(study)], []) for words, about in PARTS.items()]
    for heading, about in CAVEATS.items():
        caveats = [*about(study)]
        tags = [caveat.tag for caveat in caveats if caveat.tag]
        told.append(Part(heading, [caveat.words for caveat in caveats], tags))
    return [part for part in told if part.sentences]


def what_to_do(study: Question) -> Iterator[str]:
    """Give the advice, and say where a study cannot show whether transfer helps."""
    yield from recommended(study)
    if not any(map(study.is_pretrained, study.variants)):
        if not study.is_given:
            yield (
                "No variant starts from a source model, so this study does not say "
                "whether transfer helps."
            )
    elif study.is_pretrained(study.baseline):
        yield (
            f"The baseline, {study.baseline}, is itself pretrained, so this study "
            "cannot say whether transfer helps: use a baseline trained from scratch."
        )
    elif len(study.target_sizes) > 1:
        yield from _up_to_how_much_data(study)


def _up_to_how_much_data(study: Question) -> Iterator[str]:
    """Say up to which target size the gain exceeds the margin, and where it is below.

    It exceeds the margin if any variant's does, and is below if all variants' are.
    """
    above: list[TargetSize] = []
    below: list[TargetSize] = []
    for size in study.target_sizes:
        if advice(study, size).kind == NONE:
            continue
        gains = study.gains_at(size)
        rows = [gains[name] for name in study.transferred if name in gains]
        if any(row["typical_low"] > study.margin for row in rows):
            above.append(size)
            below.clear()
        elif rows and all(row["typical_high"] < study.margin for row in rows):
            below.append(size)
    if not above:
        return
    surely = f"a pretrained variant surely gains more than {study.margin_in_units}"
    if above != [*study.target_sizes[: len(above)]]:
        yield f"Only with {enumerate_words(above)} rows {surely}."
    elif above[-1] == study.target_sizes[-1]:
        yield f"Up to the largest size, {above[-1]} rows, {surely}."
    elif below:
        yield f"Up to {above[-1]} rows {surely}, and with {below[0]} rows none does."
    else:
        yield (
            f"Up to {above[-1]} rows {surely}; where that ends cannot be read off "
            "these sizes."
        )


def what_was_compared(study: Question) -> Iterator[str]:
    """Give each comparison's verdict, with the difference and its interval."""
    random = [
        name
        for name in study.networks
        if not study.is_pretrained(name) and study.variants[name].get("freeze", 0)
    ]
    if len(study.comparisons):
        yield f"A gain is a {metric_of(study.metric[0]).gain}."
    for reference, own in study.comparisons.groupby("reference", sort=False):
        known = " (frozen random layers)" if reference in random else ""
        start = f"Compared with {reference}{known}"
        if not study.is_swept:
            yield f"{start}: {by_verdict(own.to_dict('records'), study)}."
            continue
        for variant, rows in own.groupby("variant", sort=False):
            said = by_size_and_verdict(rows.to_dict("records"), study)
            yield f"{start}, {variant}: {said}."


def how_many_layers(study: Question) -> Iterator[str]:
    """Say for each target size which of the depths tried may be the best."""
    if len(study.depths) < 2:
        return
    tried = f"Of {enumerate_words(sorted(study.depths.values()))} frozen layers"
    said: dict[TargetSize, str] = {}
    for size in study.target_sizes:
        if advice(study, size).kind == NONE:
            continue
        rows = rows_at(study.best_depths, size)
        kept = rows.loc[rows["may_be_best"] == "yes", "freeze"].tolist()
        if len(kept) == len(study.depths):
            said[size] = "no depth can be ruled out as the best"
        else:
            out = enumerate_words(sorted({*study.depths.values()} - {*kept}))
            said[size] = (
                f"{enumerate_words(sorted(kept), 'or')} may be best; freezing {out} is "
                "typically worse than another depth"
            )
    for words, alike in itertools.groupby(said, key=said.__getitem__):
        place = f", with {span([*alike])}" if study.is_swept else ""
        yield f"{tried}{place}, {words}."


TO_DO, COMPARED = "What to do", "What was compared"
PARTS = {
    TO_DO: what_to_do,
    "What would decide it": what_would_decide,
    COMPARED: what_was_compared,
    "How many layers to freeze": how_many_layers,
}
CAVEATS = {
    "What would change it": what_would_change_it,
    "What to beware of": what_spoils_it,
    "What is covered": what_is_covered,
}
