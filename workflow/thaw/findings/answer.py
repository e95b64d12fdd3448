"""The answer: what a study says, in a few sentences that anyone understands.

Everything is read off the tables: verdicts and intervals from the comparisons, the set
of depths that may be the best, the shares of failed networks. Nothing is said here that
does not stand there.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from thaw.findings.arms import TargetSize
from thaw.findings.failures import FEW, WEAK
from thaw.findings.metrics import METRICS
from thaw.findings.sizes import rows_at
from thaw.findings.verdicts import BETTER, EQUIVALENT, UNCLEAR, WORSE
from thaw.output.paths import CHECKPOINTS


class Study(NamedTuple):
    """What a study asked; `variants` as the config describes them, sizes in order."""

    source: str
    target: str
    variants: Mapping[str, Mapping[str, Any]]
    baseline: str
    target_sizes: Sequence[TargetSize]
    depths: Mapping[str, int]
    metric: str
    margin: float
    tuned: Sequence[str]
    repeats: int
    source_models: int

    def is_pretrained(self, variant: str) -> bool:
        """Whether a variant starts from source models."""
        return self.variants[variant].get("pretrained", True)

    @property
    def transferred(self) -> list[str]:
        """The variants that start from source models and are compared."""
        return [
            name
            for name in self.variants
            if self.is_pretrained(name) and name != self.baseline
        ]

    @property
    def is_swept(self) -> bool:
        """Whether repeats learn from less than all rows."""
        return list(self.target_sizes) != ["all"]


def answer(
    study: Study,
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


def does_transfer_help(study: Study, comparisons: pd.DataFrame) -> Iterator[str]:
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
        study.target_sizes, lambda size: kind_of(gains(study, comparisons, size))
    ):
        own = list(sizes)
        margin = f"{study.margin:g}"
        if not study.is_swept:
            found = details(gains(study, comparisons, own[0]))
            yield f"{WORDS[kind].format(margin=margin)}. {found}."
            continue
        words = WORDS[kind].format(margin=margin)
        words = f"From {enumerate_words(own)} rows: {words[0].lower()}{words[1:]}"
        # One size as an example: the one with the fewest rows.
        place = f"from {own[0]}, " if len(own) > 1 else ""
        rows = [
            row
            for row in gains(study, comparisons, own[0])
            if kind in SAID and row["verdict"].startswith(SAID[kind])
        ]
        if rows:
            most = max(rows, key=lambda row: abs(_typical(row)))
            lead = f"; {place}" if place else ", "
            words += f"{lead}most with {most['variant']}:{estimate(most)}"
        if kind == "both":
            rows = gains(study, comparisons, own[0])
            ends = [max(rows, key=_typical), min(rows, key=_typical)]
            named = [f"{row['variant']}{estimate(row)}" for row in ends]
            words += f": {place}{enumerate_words(named)}"
        if kind == "none":
            rows = gains(study, comparisons, own[0])
            reasons = {row["verdict"].partition(";")[0] for row in rows}
            words += f" ({', '.join(sorted(reasons))})"
        yield f"{words}."


# What is said of a size, by the kinds of verdicts of its variants.
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


def gains(
    study: Study, comparisons: pd.DataFrame, size: TargetSize
) -> list[Mapping[str, Any]]:
    """Return the comparisons with the baseline of what is transferred, at a size."""
    rows = rows_at(comparisons, size)
    rows = rows[
        rows["variant"].isin(study.transferred) & (rows["reference"] == study.baseline)
    ]
    return rows.to_dict("records")


def _typical(row: Mapping[str, Any]) -> float:
    return row["typical"]


def kind_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the verdicts of one size say together."""
    better = any(row["verdict"].startswith(BETTER) for row in rows)
    worse = any(row["verdict"].startswith(WORSE) for row in rows)
    if better and worse:
        return "both"
    if better:
        return "better"
    if worse:
        return (
            "worse" if all(row["verdict"].startswith(WORSE) for row in rows) else "some"
        )
    if rows and all(row["verdict"].startswith(EQUIVALENT) for row in rows):
        return "same"
    if any(row["verdict"].startswith((UNCLEAR, EQUIVALENT)) for row in rows):
        return "unclear"
    return "none"


def details(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the typical difference of each variant, verdict by verdict."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        verdict = row["verdict"].partition(";")[0]
        parts.setdefault(verdict, []).append(f"{row['variant']}{estimate(row)}")
    said = "; ".join(
        f"{verdict}: {', '.join(variants)}" for verdict, variants in parts.items()
    )
    return said[:1].upper() + said[1:]


def estimate(row: Mapping[str, Any]) -> str:
    """Return a typical difference and its interval, as far as there are any."""
    middle, low, high = (row[f"typical{end}"] for end in ("", "_low", "_high"))
    if pd.isna(middle):
        return ""
    if math.isinf(middle):
        return " without a size, for so many networks failed"
    if math.isinf(low) and math.isinf(high):
        return f" {middle:+.3f}"
    return f" {middle:+.3f} ({low:+.3f} to {high:+.3f})".replace("inf", "∞")


def how_many_layers(
    study: Study,
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

    bearing = [
        size
        for size in study.target_sizes
        if kind_of(gains(study, comparisons, size)) != "none"
    ]
    for kept, sizes in itertools.groupby(bearing, may_be_best):
        if len(kept) == len(study.depths):
            words = "how many layers to freeze is not clear: no depth is out"
        else:
            words = (
                f"to freeze {layers(kept)} is not typically worse than the best depth, "
                "and all others are"
            )
        yield _placed(study, sizes, words)
    others = [
        size for size in bearing if on_average(size) not in ([], may_be_best(size))
    ]
    for kept, sizes in itertools.groupby(others, on_average):
        said = (
            "no depth is out"
            if len(kept) == len(study.depths)
            else f"only to freeze {layers(kept)} may be the best"
        )
        words = f"on average, on which the worst networks weigh, {said}"
        yield _placed(study, sizes, words)
    if not (study.is_swept or others):
        yield from _best_on_average(study, comparisons, study.target_sizes[0])
    for best, sizes in itertools.groupby(
        bearing, lambda size: best_when_validated(study, summary, size)
    ):
        if best is not None:
            words = (
                "by the loss on validation rows (median over repeats), to freeze "
                f"{layers([best])} is best"
            )
            yield _placed(study, sizes, words)


def best_when_validated(
    study: Study, summary: pd.DataFrame, size: TargetSize
) -> int | None:
    """Return the depth of the least validation loss; None if a depth has none."""
    rows = rows_at(summary, size).set_index("variant")
    losses = rows["validation_loss"].reindex(list(study.depths))
    if losses.isna().any() or losses.isin([math.inf]).all():
        return None
    return study.depths[losses.idxmin()]


def layers(numbers: Sequence[int]) -> str:
    """Return numbers of layers as words: "0 or 1 layers"."""
    return f"{enumerate_words(numbers, 'or')} {'layer' if numbers == [1] else 'layers'}"


def _placed(study: Study, sizes: Iterable[TargetSize], words: str) -> str:
    """Return a sentence that says from how many rows it is so, in a sweep."""
    if study.is_swept:
        return f"From {enumerate_words(list(sizes))} rows, {words}."
    return f"{words[0].upper()}{words[1:]}."


def _best_on_average(
    study: Study, comparisons: pd.DataFrame, size: TargetSize
) -> Iterator[str]:
    """Say where the typically best depth and the best by the mean differ."""
    rows = [
        row for row in gains(study, comparisons, size) if row["variant"] in study.depths
    ]
    rows = [
        row for row in rows if math.isfinite(row["typical"]) and pd.notna(row["mean"])
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


def up_to_how_much_data(study: Study, comparisons: pd.DataFrame) -> Iterator[str]:
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
        if kind_of(rows) == "none":
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


def what_spoils_it(
    study: Study, comparisons: pd.DataFrame, summary: pd.DataFrame
) -> Iterator[str]:
    """Name what qualifies the answer: failures, controls, longer training."""
    failed = [
        f"{row['failed']:.0%} of {row['variant']}'s".replace("%", " %")
        + _from_rows(study, [row["target_size"]])
        for row in summary[summary["failed"] > FEW].to_dict("records")
    ]
    if failed:
        yield (
            f"Networks failed ({', '.join(failed)}): scale the inputs, lower the "
            "learning rate or train longer before you rely on this."
        )
    for words, what in (
        ("fails more often", "fail more often"),
        (
            "is weak more often",
            f"are weak (more than {WEAK:g} below the baseline's median) more often",
        ),
    ):
        rows = comparisons[
            comparisons["verdict"].str.contains(words, regex=False)
            & comparisons["variant"].isin(study.transferred)
        ]
        names = [
            variant + _from_rows(study, own["target_size"])
            for variant, own in rows[rows["reference"] == study.baseline].groupby(
                "variant", sort=False
            )
        ]
        if names:
            variants = enumerate_words(names)
            yield f"Networks of {variants} {what} than {study.baseline}'s."
    yield from _random_layers(study, comparisons)
    yield from _other_studies(study, comparisons)
    if study.source == study.target and study.transferred:
        yield (
            "Source and target are the same problem: nothing foreign is transferred, "
            "and a gain says that longer training helps."
        )


def _from_rows(study: Study, sizes: Sequence[TargetSize]) -> str:
    return f" from {enumerate_words(sizes)} rows" if study.is_swept else ""


def hangs_on_the_budget(study: Study, by_epoch: pd.DataFrame) -> Iterator[str]:
    """Name the variants of which another verdict was due half-way through training."""
    other = []
    for variant in study.transferred:
        rows = by_epoch[by_epoch["variant"] == variant]
        if len(rows) < 3:
            continue
        half_way, last = rows.iloc[len(rows) // 2], rows.iloc[-1]
        if half_way["verdict"] != last["verdict"]:
            epoch = half_way["epoch"]
            other.append(f"{variant} {half_way['verdict']}{estimate(half_way)}")
    # The table is of the largest size.
    place = f" from {study.target_sizes[-1]} rows" if study.is_swept else ""
    if other:
        yield (
            f"The verdict{place} hangs on how long networks learn: half-way, after "
            f"{epoch} epochs, it was {'; '.join(other)}."
        )


def _random_layers(study: Study, comparisons: pd.DataFrame) -> Iterator[str]:
    """Say how frozen transferred layers compare with frozen random ones, if asked."""
    random = {
        name
        for name, variant in study.variants.items()
        if not study.is_pretrained(name) and variant.get("freeze", 0)
    }
    rows = comparisons[
        comparisons["variant"].isin(study.depths)
        & comparisons["reference"].isin(random)
    ]
    for (variant, reference), own in rows.groupby(["variant", "reference"], sort=False):
        yield (
            f"Beside frozen random layers ({reference}), {variant}: "
            f"{_said(study, own)}."
        )


def _other_studies(study: Study, comparisons: pd.DataFrame) -> Iterator[str]:
    """Say how variants compare with those of other studies, if asked."""
    foreign = comparisons["reference"].str.contains("/", regex=False)
    rows = comparisons[foreign]
    for (variant, reference), own in rows.groupby(["variant", "reference"], sort=False):
        yield f"Beside {reference}, {variant}: {_said(study, own)}."


def _said(study: Study, rows: pd.DataFrame) -> str:
    """Return the verdicts of one pair, of like sizes together."""
    said = []
    for verdict, alike in itertools.groupby(
        rows.to_dict("records"), lambda row: row["verdict"].partition(";")[0]
    ):
        found = [
            _from_rows(study, [row["target_size"]]) + estimate(row) for row in alike
        ]
        said.append(verdict + ",".join(found))
    return "; ".join(said)


def given_what(study: Study) -> Iterator[str]:
    """Say over what the uncertainty is, and what everything is conditional on."""
    starts = any(map(study.is_pretrained, study.variants))
    models = study.source_models if starts else 0
    what = CHECKPOINTS if study.source == CHECKPOINTS else "source models"
    varied = [
        *([f"{models} {what}"] if models > 1 else []),
        f"{study.repeats} repeat{'s' if study.repeats > 1 else ''}",
        *(["the rows that each repeat drew"] if study.is_swept else []),
    ]
    metric = METRICS[study.metric]
    if study.metric != "accuracy":
        yield f"All differences are a {metric.gain}: more than 0 is better."
    if study.tuned:
        yield (
            "What was chosen on rows held out of each network's own train rows: "
            f"learning rate or epoch of {enumerate_words(study.tuned)}."
        )
    else:
        yield "How networks learn was tuned for no variant."
    words = f"What varied: {enumerate_words(varied)}. Given: these data and this split"
    if models == 1 and study.source == CHECKPOINTS:
        yield (
            f"{words}, and the one checkpoint: nothing is said of others, even of one "
            "that was pretrained alike."
        )
    elif models == 1:
        yield (
            f"{words}, and the one source model that was drawn; another one may turn "
            "the answer round."
        )
    else:
        yield f"{words}."


def enumerate_words(words: Sequence[Any], last: str = "and") -> str:
    """Return words as an enumeration: "1, 2 and 3"."""
    texts = list(map(str, words))
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"
