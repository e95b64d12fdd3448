"""Which of several sources to use: a ranking's answer, in the words of a study's.

The comparisons of all sources with their common baseline are read as those of one
study, whose variants are the depths from each source ("fixed-0 from omega"). They name
what to do by the rules of every recommendation; which sources are tied is read off the
set of those that may be best.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from thaw.findings.answer import TO_DO, Part
from thaw.findings.arms import TargetSize
from thaw.findings.caveats import Caveat, overlapping, what_is_covered
from thaw.findings.gains import (
    Question,
    Row,
    enumerate_words,
    rows_at,
    size_of,
    span,
    verdict_of,
)
from thaw.findings.recommendation import (
    NONE,
    UNDECIDED,
    USE,
    WORDS,
    Advice,
    advice,
    end,
    how,
    in_ranges,
    undecided,
    worth,
)
from thaw.findings.verdicts import (
    BETTER,
    EQUIVALENT,
    NO_VERDICT,
    TOO_FEW,
    WORSE,
    kind_of,
)

# The verdict on a source at a size, over all of its depths.
HELPS, UNKNOWN, NO_MATTER, OPEN, HURTS = range(5)
DO_NOT_HELP = {
    HURTS: "these are typically worse than {0} at every depth",
    OPEN: "these are not found to gain on {0}, but may",
    UNKNOWN: "there is no verdict on these",
    NO_MATTER: "these gain less than the margin on {0}",
}


class Ranking(NamedTuple):
    """The comparisons of all sources as one study's, and where each source stands.

    `arms` are the source and the variant by the name that the question gives them;
    `best` is the table `best-sources.csv`.
    """

    question: Question
    arms: dict[str, tuple[str, str]]
    best: pd.DataFrame

    @property
    def sources(self) -> list[str]:
        """The sources, in the config's order."""
        return [*dict.fromkeys(source for source, _ in self.arms.values())]

    def rows_of(self, source: str, size: TargetSize) -> list[Row]:
        """Return the comparisons of a source's depths with the baseline."""
        gains = self.question.gains_at(size)
        return [gains[arm] for arm, (own, _) in self.arms.items() if own == source]

    def may_be_best(self, sizes: Sequence[TargetSize]) -> list[str]:
        """Return the sources that may be the best at all of these sizes."""
        at_each = [rows_at(self.best, size) for size in sizes]
        kept = [{*own["source"][own["may_be_best"] == "yes"]} for own in at_each]
        return [s for s in self.sources if all(s in own for own in kept)]

    @property
    def advices(self) -> list[list[Advice]]:
        """The recommendations, in ranges of sizes that agree.

        A source to use is one that may be the best. By their gains on the baseline
        alone, others could be named, too.
        """
        found = []
        for size in self.question.target_sizes:
            one, best = advice(self.question, size), self.may_be_best([size])
            if one.kind == USE:
                kept = [name for name in one.named if self.arms[name][0] in best]
                one = one._replace(named=kept or one.named)
            found.append(one)
        return [*in_ranges(found)]

    @property
    def known(self) -> list[TargetSize]:
        """The sizes with verdicts."""
        return [one.size for own in self.advices for one in own if one.kind != NONE]


def answer(ranking: Ranking, scores: list[str]) -> list[Part]:
    """Return the parts of the answer that are not empty.

    `scores` say what scores that need no training would have chosen.
    """
    caveats = [*_overlapping(ranking.question)]
    covered = [*what_is_covered(ranking.question), *_not_told(ranking)]
    told = [
        Part(TO_DO, [*_recommended(ranking)], []),
        Part("Which sources do not help", [*_others(ranking)], []),
        Part("How likely each is the best", [*_chances(ranking)], []),
        Part("Without training", scores, []),
        _part("What to beware of", caveats),
        _part("What is covered", covered),
    ]
    return [part for part in told if part.sentences]


def _part(heading: str, caveats: Sequence[Caveat]) -> Part:
    tags = dict.fromkeys(caveat.tag for caveat in caveats if caveat.tag)
    return Part(heading, [caveat.words for caveat in caveats], [*tags])


def _recommended(ranking: Ranking) -> Iterator[str]:
    """Give the advice, by target size."""
    question = ranking.question
    for own in ranking.advices:
        kind = own[0].kind
        if kind in OWN_WORDS:
            words = [*OWN_WORDS[kind](own, ranking)]
        else:
            words = [*WORDS[kind](own, question)]
        if question.is_swept:
            words[0] = f"with {span([one.size for one in own])}: {words[0]}"
        yield from (f"{said[0].upper()}{said[1:]}." for said in words)


def _use(own: list[Advice], ranking: Ranking) -> Iterator[str]:
    name = own[0].variant
    source, variant = ranking.arms[name]
    depth = how(variant, ranking.question.depths[name])
    yield f"use transfer from {source} and {depth}"
    yield f"it typically gains {worth(own, ranking.question)}"
    ties = [o for o in ranking.may_be_best([one.size for one in own]) if o != source]
    if ties:
        yield f"it cannot be told apart from {enumerate_words(ties, 'or')}"
    elif len(own) == 1:
        yield "every other source is typically worse"


def _undecided(own: list[Advice], ranking: Ranking) -> Iterator[str]:
    sources = dict.fromkeys(ranking.arms[name][0] for one in own for name in one.named)
    named = f"transfer from {enumerate_words(sources, 'or')}"
    yield from undecided(own, ranking.question, named)


OWN_WORDS = {USE: _use, UNDECIDED: _undecided}


def _standing(rows: Sequence[Row]) -> int:
    kinds = {kind_of(row["verdict"]) for row in rows}
    if BETTER in kinds:
        return HELPS
    if kinds <= {TOO_FEW, NO_VERDICT}:
        return UNKNOWN
    if kinds == {WORSE}:
        return HURTS
    return NO_MATTER if kinds <= {EQUIVALENT, WORSE} else OPEN


def _others(ranking: Ranking) -> Iterator[str]:
    """Say which sources hurt, do not matter, or are not found to help, by size."""
    question, found = ranking.question, dict[tuple, list[str]]()
    for source in ranking.sources:
        at = [
            (_standing(ranking.rows_of(source, size)), size) for size in ranking.known
        ]
        for standing, alike in itertools.groupby(at, lambda one: one[0]):
            if standing != HELPS:
                sizes = tuple(size for _, size in alike)
                found.setdefault((standing, sizes), []).append(source)
    for (standing, sizes), sources in sorted(found.items(), key=lambda one: -one[0][0]):
        words = DO_NOT_HELP[standing].format(question.baseline)
        if question.is_swept:
            words = f"with {span(sizes)}, {words}"
        said = "; ".join(_how_much(source, sizes, ranking) for source in sources)
        yield f"{words[0].upper()}{words[1:]}: {said}."


def _how_much(source: str, sizes: Sequence[TargetSize], ranking: Ranking) -> str:
    """Return a source with the most that it may gain, or its best depth's loss."""
    question = ranking.question
    rows = [row for size in sizes for row in ranking.rows_of(source, size)]
    if _standing(rows) == UNKNOWN:
        reason = verdict_of(rows[0], question).removeprefix(f"{NO_VERDICT}: ")
        return f"{source} ({reason})"
    if all(kind_of(row["verdict"]) == WORSE for row in rows):
        best = max(rows, key=lambda row: row["typical"])
        return f"{source}, at its best depth by {size_of(best, question)}"
    return f"{source}, {end(max(row['typical_high'] for row in rows), question)}"


def _chances(ranking: Ranking) -> Iterator[str]:
    """Name the sources with a chance to be the best that rounds to a percent."""
    found = []
    for size in ranking.known:
        own = rows_at(ranking.best, size).sort_values(
            "chance", ascending=False, kind="stable"
        )
        said = [
            f"{row.source} {100 * row.chance:.0f} %"
            for row in own.itertuples()
            if row.chance >= 0.005
        ]
        if said:
            place = f"with {span([size])}, " if ranking.question.is_swept else ""
            found.append(f"{place}{', '.join(said)}")
    if found:
        yield f"The chance of being the best: {'; '.join(found)}."


def _overlapping(question: Question) -> Iterator[Caveat]:
    """Say how many test rows have the same features as train rows, source by source."""
    table = question.overlap
    of_target = table["train_rows_of"] == question.target
    yield from overlapping(question._replace(overlap=table[of_target]))
    found = table[~of_target & (table["equal"] > 0)]
    if len(found):
        each = [f"{row.train_rows_of} {row.equal:,}" for row in found.itertuples()]
        yield Caveat(
            f"Of {found['test_rows'].iloc[0]:,} test rows, some have the same features "
            f"as train rows of a source: {enumerate_words(each)}. Those that are the "
            "same samples flatter that source and should be left out; overlap.csv of "
            "its study names them.",
            "test rows among train rows",
        )


def _not_told(ranking: Ranking) -> Iterator[Caveat]:
    yield Caveat(
        f"Only these {len(ranking.sources)} sources and their depths are compared. The "
        "answer of each source's own study says what training time, tuning or more "
        "source models would change."
    )
