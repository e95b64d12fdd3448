"""The answer: a study's result in a few sentences that anyone understands.

The advice comes first, then what the study's pairs say, what would decide or change it,
and what it does not cover. It is read off the tables; only how many units or rows would
decide, and the limit of weak networks, are computed here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.baseline import Caveat, how_strong_it_is
from thaw.findings.caveats import (
    what_is_covered,
    what_spoils_it,
    what_would_change_it,
)
from thaw.findings.deciding import what_would_decide
from thaw.findings.gains import Question, pairs_in_words, rows_at
from thaw.findings.recommendation import (
    NONE,
    advice,
    beside_equivalence,
    recommended,
)
from thaw.findings.shown import enumerate_words
from thaw.findings.verdicts import BETTER


class Part(NamedTuple):
    """A part of an answer: its heading, its sentences, and tags for an overview."""

    heading: str
    sentences: list[str]
    tags: list[str]


def make_part(heading: str, about: Iterable[Caveat | str]) -> Part:
    """Return a part of sentences, some of which are caveats."""
    caveats = [Caveat(words) if isinstance(words, str) else words for words in about]
    tags = [caveat.tag for caveat in caveats if caveat.tag]
    return Part(heading, [caveat.words for caveat in caveats], tags)


def answer(study: Question) -> list[Part]:
    """Return the parts of the answer; some may be empty."""
    parts = [make_part(heading, about(study)) for heading, about in PARTS.items()]
    if study.is_about_pairs:
        parts.sort(key=lambda part: part.heading != COMPARED)
    return parts


def what_to_do(study: Question) -> Iterator[Caveat | str]:
    """Give the advice, and say where a study cannot show whether transfer helps."""
    yield from recommended(study)
    yield from beside_equivalence(study)
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


def what_was_compared(study: Question) -> Iterator[str]:
    """Say what each pair shows that the study compares beside the baseline's.

    An estimator that is not better than the best network is left to the table.
    """
    table = study.comparisons[study.comparisons["reference"] != study.baseline]
    is_ahead = table["verdict"] == BETTER
    table = table[is_ahead | table["variant"].isin(study.networks)]
    yield from (words for _, words in pairs_in_words(table, study))


def how_many_layers(study: Question) -> Iterator[str]:
    """Say for each target size which of the depths tried may be the best."""
    if study.is_about_pairs or len(study.depths) < 2:
        return
    by_size = {}
    for size in study.target_sizes:
        has_advice = advice(study, size).kind != NONE
        by_size[size] = _best_of_depths(study, size) if has_advice else ""
        if by_size[size] and 0 not in study.depths.values():
            by_size[size] += " (freezing none was not tried)"
    yield from study.sentences(by_size)


def _best_of_depths(study: Question, size: TargetSize) -> str:
    rows = rows_at(study.best_depths, size).sort_values("freeze")
    stays = rows["may_be_best"] == "yes"
    if stays.all():
        return "no depth can be ruled out as the best"
    kept, out = rows[stays], rows[~stays]
    # Those that beat all that are out.
    rivals = set.intersection(*(set(names) for names in out["beaten_by"]))
    ahead = [*rows.loc[rows["variant"].isin(rivals), "freeze"]]
    than = f"freezing {_layers(ahead)}" if ahead else "another depth"
    words = f"freezing {_layers([*out['freeze']])} is typically worse than {than}"
    if ahead == [*kept["freeze"]]:
        return words
    return f"freezing {_layers([*kept['freeze']])} may be best; {words}"


def _layers(depths: list[int]) -> str:
    """Return numbers of frozen layers as words: "none", "1 or 2 layers"."""
    words = ["none" if depth == 0 else str(depth) for depth in depths]
    unit = "" if depths == [0] else " layer" if depths[-1] == 1 else " layers"
    return f"{enumerate_words(words, 'or')}{unit}"


TO_DO, COMPARED = "What to do", "What was compared"
PARTS: dict[str, Callable[[Question], Iterator[Caveat | str]]] = {
    TO_DO: what_to_do,
    COMPARED: what_was_compared,
    "What would decide it": what_would_decide,
    "How many layers to freeze": how_many_layers,
    "How strong the baseline is": how_strong_it_is,
    "What would change it": what_would_change_it,
    "What to beware of": what_spoils_it,
    "What is covered": what_is_covered,
}
