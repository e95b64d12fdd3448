"""The answer: what a study says, in a few sentences that anyone understands.

Everything is read off the tables: verdicts and intervals from the comparisons, the set
of depths that may be the best, the shares of failed networks. The answer adds nothing
to them.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.caveats import given_what, hangs_on_the_budget, what_spoils_it
from thaw.findings.gains import (
    Question,
    details,
    effect,
    enumerate_words,
    estimate,
    gains,
    layers,
    named,
    rows_at,
)
from thaw.findings.verdicts import BETTER, WORSE, first_part, kind_of


def answer(
    study: Question,
    comparisons: pd.DataFrame,
    depths: pd.DataFrame,
    summary: pd.DataFrame,
    by_epoch: pd.DataFrame,
) -> list[str]:
    """Return the answer's paragraphs, from the study's tables."""
    paragraphs = [
        " ".join(does_transfer_help(study, comparisons)),
        " ".join(how_many_layers(study, comparisons, depths, summary)),
        " ".join(up_to_how_much_data(study, comparisons)),
        " ".join(what_spoils_it(study, comparisons, summary)),
        " ".join(hangs_on_the_budget(study, by_epoch)),
        " ".join(given_what(study)),
    ]
    return list(filter(None, paragraphs))


# The sentence on a size, by the effect of its variants.
WORDS = {
    "better": "Transfer typically helps",
    "worse": "Transfer typically hurts",
    "some": "Transfer is not found to help, and hurts with some variants",
    "both": "Whether transfer helps depends on the variant",
    "same": "Transfer makes no difference that matters (±{margin})",
    "unclear": "Whether transfer helps is not clear",
    "none": "There is no verdict on whether transfer helps",
}
SAID = {"better": BETTER, "worse": WORSE, "some": WORSE}


def does_transfer_help(study: Question, comparisons: pd.DataFrame) -> Iterator[str]:
    """Say for each target size whether transfer helps; like sizes together."""
    if not any(map(study.is_pretrained, study.variants)):
        yield (
            "No variant starts from a source model, so this study does not say whether "
            "transfer helps."
        )
        return
    if study.is_pretrained(study.baseline):
        yield (
            f"The variants are compared with {study.baseline}, which starts from "
            "source models itself; whether transfer helps takes one that starts from "
            "scratch."
        )
        return
    for kind, sizes in itertools.groupby(
        study.target_sizes, lambda size: effect(gains(study, comparisons, size))
    ):
        own = list(sizes)
        # One size as an example: the one with the fewest rows.
        rows = gains(study, comparisons, own[0])
        words = WORDS[kind].format(margin=f"{study.margin:g}")
        if not study.is_swept:
            yield f"{words}. {details(rows)}."
            continue
        words = f"From {enumerate_words(own)} rows: {words[0].lower()}{words[1:]}"
        place = f"from {own[0]}, " if len(own) > 1 else ""
        if kind in SAID:
            most = max(
                (row for row in rows if kind_of(row["verdict"]) == SAID[kind]),
                key=lambda row: abs(row["typical"]),
            )
            lead = f"; {place}" if place else ", "
            words += f"{lead}most with {most['variant']}:{estimate(most)}"
        elif kind == "both":
            ends = (find(rows, key=lambda row: row["typical"]) for find in (max, min))
            words += f": {place}{enumerate_words(map(named, ends))}"
        elif kind == "none":
            reasons = {first_part(row["verdict"]) for row in rows}
            words += f" ({', '.join(sorted(reasons))})"
        yield f"{words}."


def how_many_layers(
    study: Question,
    comparisons: pd.DataFrame,
    depths: pd.DataFrame,
    summary: pd.DataFrame,
) -> Iterator[str]:
    """Say for each target size which depths may be the best.

    Where rows were held out to validate on, the depth that is best by them is named.
    """
    if len(study.depths) < 2:
        return

    def may_be_best(size: TargetSize, column: str = "not_worse_than_best") -> list[int]:
        own = rows_at(depths, size)
        return own.loc[own[column] == "yes", "freeze"].tolist()

    def on_average(size: TargetSize) -> list[int]:
        return may_be_best(size, "not_worse_on_average")

    def sentences(
        sizes: Sequence[TargetSize],
        find: Callable[[TargetSize], Any],
        say: Callable[[Any], str],
    ) -> Iterator[str]:
        for found, alike in itertools.groupby(sizes, find):
            words = say(found)
            if words:
                yield _placed(study, alike, words)

    def typically(kept: list[int]) -> str:
        if len(kept) == len(study.depths):
            return "how many layers to freeze is not clear: no depth is out"
        return (
            f"to freeze {layers(kept)} is not typically worse than the best depth, and "
            "all others are"
        )

    def by_the_mean(kept: list[int]) -> str:
        said = f"only to freeze {layers(kept)} may be the best"
        if len(kept) == len(study.depths):
            said = "no depth is out"
        return f"on average, on which the worst networks weigh, {said}"

    def when_validated(best: int | None) -> str:
        if best is None:
            return ""
        return (
            "by the loss on validation rows (median over repeats), to freeze "
            f"{layers([best])} is best"
        )

    bearing = [
        size
        for size in study.target_sizes
        if effect(gains(study, comparisons, size)) != "none"
    ]
    others = [
        size for size in bearing if on_average(size) not in ([], may_be_best(size))
    ]
    yield from sentences(bearing, may_be_best, typically)
    yield from sentences(others, on_average, by_the_mean)
    if not (study.is_swept or others):
        yield from _best_on_average(study, comparisons, study.target_sizes[0])
    yield from sentences(
        bearing,
        lambda size: best_when_validated(study, summary, size),
        when_validated,
    )


def best_when_validated(
    study: Question, summary: pd.DataFrame, size: TargetSize
) -> int | None:
    """Return the depth of the least validation loss; None if a depth has none."""
    rows = rows_at(summary, size).set_index("variant")
    losses = rows["validation_loss"].reindex(list(study.depths))
    if losses.isna().any() or losses.isin([math.inf]).all():
        return None
    return study.depths[losses.idxmin()]


def _placed(study: Question, sizes: Iterable[TargetSize], words: str) -> str:
    """Return a sentence that says from how many rows it is so, in a sweep."""
    if study.is_swept:
        return f"From {enumerate_words(list(sizes))} rows, {words}."
    return f"{words[0].upper()}{words[1:]}."


def _best_on_average(
    study: Question, comparisons: pd.DataFrame, size: TargetSize
) -> Iterator[str]:
    """Say where the typically best depth and the best by the mean differ."""
    rows = [
        row
        for row in gains(study, comparisons, size)
        if row["variant"] in study.depths
        and math.isfinite(row["typical"])
        and pd.notna(row["mean"])
    ]
    if len(rows) < 2:
        return
    typically = max(rows, key=lambda row: row["typical"])
    on_average = max(rows, key=lambda row: row["mean"])
    if typically["variant"] != on_average["variant"]:
        yield (
            f"(Typically {typically['variant']} is ahead, by the mean "
            f"{on_average['variant']}.)"
        )


def up_to_how_much_data(study: Question, comparisons: pd.DataFrame) -> Iterator[str]:
    """Say up to which target size the gain is above the margin, and from which below.

    It is above where that of any variant is, and below where those of all are.
    """
    if len(study.target_sizes) == 1 or not study.transferred:
        return
    if study.is_pretrained(study.baseline):
        return
    above: list[TargetSize] = []
    below: list[TargetSize] = []
    told = False
    for size in study.target_sizes:
        rows = gains(study, comparisons, size)
        if effect(rows) == "none":
            continue
        told = True
        if any(row["typical_low"] > study.margin for row in rows):
            above.append(size)
            below.clear()
        elif all(row["typical_high"] < study.margin for row in rows):
            below.append(size)
    margin = f"the margin of {study.margin:g}"
    if not above:
        if told:
            yield f"At no size is the gain surely above {margin}."
        return
    last = above[-1]
    if last == study.target_sizes[-1]:
        yield f"The gain is surely above {margin} up to the largest size, {last} rows."
    elif below:
        yield (
            f"The gain falls below {margin} between {last} rows, where it is still "
            f"surely above, and {below[0]}, where it is surely below."
        )
    else:
        yield (
            f"The gain is surely above {margin} up to {last} rows; where it falls "
            "below, these sizes do not tell."
        )
