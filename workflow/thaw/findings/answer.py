"""The answer: what a study says, in a few sentences that anyone understands.

Everything is read off the tables: verdicts and intervals from the comparisons, the set
of depths that may be the best, the shares of failed networks. The answer adds nothing
to them.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.caveats import given_what, hangs_on_the_budget, what_spoils_it
from thaw.findings.gains import (
    Question,
    details,
    enumerate_words,
    estimate,
    layers,
    named,
    rows_at,
)
from thaw.findings.references import what_needs_no_network
from thaw.findings.verdicts import BETTER, WORSE, first_part, kind_of


def answer(study: Question) -> list[str]:
    """Return the answer's paragraphs."""
    paragraphs = (
        what_needs_no_network,
        does_transfer_help,
        how_many_layers,
        up_to_how_much_data,
        what_spoils_it,
        hangs_on_the_budget,
        given_what,
    )
    return list(filter(None, (" ".join(about(study)) for about in paragraphs)))


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


def does_transfer_help(study: Question) -> Iterator[str]:
    """Say for each target size whether transfer helps; like sizes together."""
    if not any(map(study.is_pretrained, study.variants)):
        yield (
            "No variant starts from a source model, so this study does not say whether "
            "transfer helps."
        )
    elif study.is_pretrained(study.baseline):
        yield (
            f"The variants are compared with {study.baseline}, which starts from "
            "source models itself; whether transfer helps takes one that starts from "
            "scratch."
        )
    else:
        for kind, sizes in itertools.groupby(study.target_sizes, study.effect):
            yield f"{_effect(study, kind, list(sizes))}."


def _effect(study: Question, kind: str, sizes: Sequence[TargetSize]) -> str:
    """Say what transfer does at these sizes, by the one with the fewest rows."""
    rows = study.gains_at(sizes[0])
    words = WORDS[kind].format(margin=study.margin_in_units)
    if not study.is_swept:
        return f"{words}. {details(rows, study)}"
    words = f"From {enumerate_words(sizes)} rows: {words[0].lower()}{words[1:]}"
    place = f"from {sizes[0]}, " if len(sizes) > 1 else ""
    if kind in SAID:
        most = max(
            (row for row in rows if kind_of(row["verdict"]) == SAID[kind]),
            key=lambda row: abs(row["typical"]),
        )
        lead = f"; {place}" if place else ", "
        words += f"{lead}most with {most['variant']}:{estimate(most, study)}"
    elif kind == "both":
        ends = (find(rows, key=lambda row: row["typical"]) for find in (max, min))
        words += f": {place}{enumerate_words(named(e, study) for e in ends)}"
    elif kind == "none":
        reasons = {first_part(row["verdict"]) for row in rows}
        words += f" ({', '.join(sorted(reasons))})"
    return words


def how_many_layers(study: Question) -> Iterator[str]:
    """Say for each target size which depths may be the best.

    Where rows were held out to validate on, the depth that is best by them is named.
    """
    if len(study.depths) < 2:
        return
    typically, by_the_mean, validated = {}, {}, {}
    for size in study.target_sizes:
        if study.effect(size) == "none":
            continue
        kept = _may_be_best(study, size, "not_worse_than_best")
        typically[size] = (
            "how many layers to freeze is not clear: no depth is out"
            if len(kept) == len(study.depths)
            else f"to freeze {layers(kept)} is not typically worse than the best depth,"
            " and all others are"
        )
        on_average = _may_be_best(study, size, "not_worse_on_average")
        if on_average not in ([], kept):
            said = f"only to freeze {layers(on_average)} may be the best"
            if len(on_average) == len(study.depths):
                said = "no depth is out"
            by_the_mean[size] = f"on average, on which the worst networks weigh, {said}"
        validated[size] = _when_validated(study, size)
    yield from _placed(study, typically)
    yield from _placed(study, by_the_mean)
    if not (study.is_swept or by_the_mean):
        yield from _best_on_average(study)
    yield from _placed(study, validated)


def _may_be_best(study: Question, size: TargetSize, column: str) -> list[int]:
    rows = rows_at(study.best_depths, size)
    return rows.loc[rows[column] == "yes", "freeze"].tolist()


def _when_validated(study: Question, size: TargetSize) -> str:
    """Name the depth of the least validation loss; "" if a depth has none."""
    rows = rows_at(study.summary, size).set_index("variant")
    losses = rows["validation_loss"].reindex(list(study.depths))
    if losses.isna().any() or losses.isin([math.inf]).all():
        return ""
    return (
        "by the loss on validation rows (median over repeats), to freeze "
        f"{layers([study.depths[losses.idxmin()]])} is best"
    )


def _placed(study: Question, said: Mapping[TargetSize, str]) -> Iterator[str]:
    """Yield sentences, each once for like sizes; a sweep's say from how many rows."""
    for words, sizes in itertools.groupby(said, key=said.__getitem__):
        if words and study.is_swept:
            yield f"From {enumerate_words(sizes)} rows, {words}."
        elif words:
            yield f"{words[0].upper()}{words[1:]}."


def _best_on_average(study: Question) -> Iterator[str]:
    """Say where the typically best depth and the best by the mean differ."""
    rows = [
        row
        for row in study.gains_at(study.target_sizes[0])
        if row["variant"] in study.depths
        and math.isfinite(row["typical"])
        and pd.notna(row["mean"])
    ]
    if len(rows) < 2:
        return
    typically, on_average = (
        max(rows, key=lambda row: row[column]) for column in ("typical", "mean")
    )
    if typically["mean"] < on_average["mean"]:
        ahead = typically["variant"], on_average["variant"]
        yield "(Typically {} is ahead, by the mean {}.)".format(*ahead)


def up_to_how_much_data(study: Question) -> Iterator[str]:
    """Say up to which target size the gain is above the margin, and from which below.

    It is above where that of any variant is, and below where those of all are.
    """
    sizes = [size for size in study.target_sizes if study.effect(size) != "none"]
    if len(study.target_sizes) == 1 or study.is_pretrained(study.baseline) or not sizes:
        return
    above: list[TargetSize] = []
    below: list[TargetSize] = []
    for size in sizes:
        rows = study.gains_at(size)
        if any(row["typical_low"] > study.margin for row in rows):
            above.append(size)
            below.clear()
        elif all(row["typical_high"] < study.margin for row in rows):
            below.append(size)
    margin = f"the margin of {study.margin_in_units}"
    if not above:
        yield f"At no size is the gain surely above {margin}."
    elif above[-1] == study.target_sizes[-1]:
        yield (
            f"The gain is surely above {margin} up to the largest size, {above[-1]} "
            "rows."
        )
    elif below:
        yield (
            f"The gain falls below {margin} between {above[-1]} rows, where it is "
            f"still surely above, and {below[0]}, where it is surely below."
        )
    else:
        yield (
            f"The gain is surely above {margin} up to {above[-1]} rows; where it falls "
            "below, these sizes do not tell."
        )
