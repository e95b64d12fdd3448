"""Which of several sources to use: a ranking's answer, in the words of a study's.

The comparisons of all sources with their common baseline are read as those of one
study, whose variants are the depths from each source ("fixed-0 from omega"). They name
what to do by the rules of every recommendation; which sources are tied is read off the
set of those that may be best.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from thaw.findings.answer import TO_DO, Part
from thaw.findings.arms import TargetSize
from thaw.findings.caveats import Caveat, overlapping, what_is_covered
from thaw.findings.gains import Question, Row, rows_at, size_of
from thaw.findings.recommendation import (
    UNDECIDED,
    USE,
    WORDS,
    Advice,
    advice,
    in_ranges,
    in_sentences,
    perhaps,
    undecided,
    worth,
)
from thaw.findings.shown import enumerate_words
from thaw.findings.verdicts import WORSE


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
        return [gains[arm] for arm, (name, _) in self.arms.items() if name == source]

    def may_be_best(self, size: TargetSize) -> list[str]:
        """Return the sources that may be the best, the largest gain first."""
        best = rows_at(self.best, size)
        return [*best["source"][best["may_be_best"] == "yes"]]

    @property
    def advices(self) -> list[list[Advice]]:
        """The recommendations, in ranges of sizes that agree.

        A source to use is one that may be the best; its ties are the other such
        sources, not variants.
        """
        by_size = []
        for size in self.question.target_sizes:
            item, best = advice(self.question, size), self.may_be_best(size)
            if item.kind == USE:
                named = (name for name in item.named if self.arms[name][0] in best)
                variant = next(named, item.variant)
                ties = [name for name in best if name != self.arms[variant][0]]
                item = item._replace(named=[variant, *ties])
            by_size.append(item)
        return [*in_ranges(by_size)]


def answer(ranking: Ranking, scores: list[str]) -> list[Part]:
    """Return the parts of the answer that are not empty.

    `scores` say what scores that need no training would have chosen.
    """
    covered = [*what_is_covered(ranking.question), *_not_compared(ranking)]
    parts = [
        Part(TO_DO, [*_recommended(ranking)], []),
        Part("What would tell sources apart", [*_rows_that_tell(ranking)], []),
        Part("Which sources hurt", [*_hurting(ranking)], []),
        Part("Without training", scores, []),
        _part("What to beware of", [*_overlapping(ranking.question)]),
        _part("What is covered", covered),
    ]
    return [part for part in parts if part.sentences]


def _part(heading: str, caveats: Sequence[Caveat]) -> Part:
    tags = dict.fromkeys(caveat.tag for caveat in caveats if caveat.tag)
    return Part(heading, [caveat.words for caveat in caveats], [*tags])


def _recommended(ranking: Ranking) -> Iterator[str]:
    """Give the advice, by target size."""
    question = ranking.question
    for alike in ranking.advices:
        kind = alike[0].kind
        if kind == USE:
            sentences = [*_use(alike, ranking)]
        elif kind == UNDECIDED:
            sentences = [*undecided(alike, question, "source")]
        else:
            sentences = [*WORDS[kind](alike, question)]
        yield from in_sentences(alike, question, sentences)


def _use(alike: list[Advice], ranking: Ranking) -> Iterator[str]:
    question, name = ranking.question, alike[0].variant
    source, variant = ranking.arms[name]
    words = f"use transfer from {source} and {question.words[name]} ({variant})"
    yield words + perhaps(alike, question)
    yield f"it typically gains {worth(alike, question)}"
    ties = alike[0].named[1:]
    if len(ties) == len(ranking.sources) - 1:
        yield "no source can be ruled out as the best"
    elif ties:
        yield f"it cannot be told apart from {enumerate_words(ties, 'or')}"
    else:
        yield "every other source is typically worse"


def _rows_that_tell(ranking: Ranking) -> Iterator[str]:
    """Say how many test rows would tell, where no source can be ruled out."""
    for size in ranking.question.target_sizes:
        best = rows_at(ranking.best, size)
        first, *rest = best.to_dict("records")
        known = [row for row in rest if math.isfinite(row["rows_to_tell"])]
        if (best["may_be_best"] == "yes").all() and known:
            soonest = min(known, key=lambda row: row["rows_to_tell"])
            place = ranking.question.place([size])
            yield (
                f"About {soonest['rows_to_tell']:,.0f} test rows would tell "
                f"{first['source']} from {soonest['source']}{place}, if gains are what "
                "they seem."
            )


def _hurting(ranking: Ranking) -> Iterator[str]:
    """Say which sources are worse than the baseline at every depth, by size."""
    question = ranking.question
    for size in question.target_sizes:
        worse = []
        for source in ranking.sources:
            rows = ranking.rows_of(source, size)
            if {row["verdict"] for row in rows} == {WORSE}:
                best = max(rows, key=lambda row: row["typical"])
                worse.append(f"{source} by {size_of(best, question)}")
        if worse:
            words = f"even the best depth of these is worse than {question.baseline}"
            yield question.sentence(f"{words}: {enumerate_words(worse)}", [size])


def _overlapping(question: Question) -> Iterator[Caveat]:
    """Say how many test rows have the same features as train rows, source by source."""
    table = question.overlap
    of_target = table["train_rows_of"] == question.target
    yield from overlapping(question._replace(overlap=table[of_target]))
    equal = table[~of_target & (table["equal"] > 0)]
    if len(equal):
        each = [f"{row.train_rows_of} {row.equal:,}" for row in equal.itertuples()]
        yield Caveat(
            f"Of {equal['test_rows'].iloc[0]:,} test rows, some have the same features "
            f"as train rows of a source: {enumerate_words(each)}. If they are the "
            "same samples, they flatter that source: leave them out of its file. "
            "overlap.csv of its study names them; other samples can share counts.",
            "test rows among train rows",
        )


def _not_compared(ranking: Ranking) -> Iterator[Caveat]:
    yield Caveat(
        f"Only these {len(ranking.sources)} sources and their depths are compared. The "
        "answer of each source's own study says what training time, tuning or more "
        "source models would change."
    )
