"""References: estimators that are no network, and where they make one unnecessary."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.gains import Question, enumerate_words, named, rows_at
from thaw.findings.verdicts import BETTER, kind_of

Row = Mapping[str, Any]


class Found(NamedTuple):
    """The comparison with the baseline of a size's best estimator, if that is ahead.

    best: that of the best pretrained variant. surely: whether the estimator's interval
    lies above those of all pretrained variants, or it beats each in a pair of the
    study. ahead: whether it typically gains more than they, by more than the margin.
    """

    estimator: Row
    best: Row | None
    surely: bool
    ahead: bool


def what_needs_no_network(study: Question) -> Iterator[str]:
    """Name the estimators that do as well as all networks; like sizes together.

    Such a one is typically better than the baseline, and no pretrained variant's
    typical gain is larger by more than the margin. It does better where its interval
    lies above those of all pretrained variants, which hold together.
    """
    at_sizes = ((size, _ahead(study, size)) for size in study.target_sizes)
    found = {size: ahead for size, ahead in at_sizes if ahead}

    def claim(size: TargetSize) -> str:
        row, best, surely, ahead = found[size]
        if ahead and not surely:
            return (
                f"a network may not be needed: {row['variant']} typically gains more "
                "than every pretrained variant, but the intervals overlap (pairs of "
                f"{row['variant']} with them may tell)"
            )
        if not surely:
            return (
                f"a network may not be needed: {row['variant']} does about as well as "
                "the best pretrained variant"
            )
        others = study.baseline + (" and all pretrained variants" if best else "")
        return f"no network is needed: {row['variant']} does better than {others}"

    for words, alike in itertools.groupby(found, claim):
        sizes = list(alike)
        rows = f" from {sizes[0]} rows" if study.is_swept else ""
        words = (
            f"From {enumerate_words(sizes)} rows, {words}"
            if study.is_swept
            else f"{words[0].upper()}{words[1:]}"
        )
        own, best, *_ = found[sizes[0]]
        gains = [named(row, study) for row in (own, best) if row is not None]
        yield f"{words}. Gains on {study.baseline}{rows}: {', '.join(gains)}."


def _ahead(study: Question, size: TargetSize) -> Found | None:
    """Return the best estimator of a size, unless networks do without it."""
    rows = rows_at(study.comparisons, size).to_dict("records")
    better = [
        row
        for row in rows
        if row["reference"] == study.baseline
        and "estimator" in study.variants.get(row["variant"], {})
        and kind_of(row["verdict"]) == BETTER
    ]
    if not better:
        return None
    row = max(better, key=lambda row: row["typical"])
    # Of networks that all failed there is no typical gain.
    gains = [own for own in study.gains_at(size) if own["typical"] == own["typical"]]
    if not gains:
        return Found(row, None, True, True)
    best = max(gains, key=lambda own: own["typical"])
    if row["typical"] < best["typical"] - study.margin:
        return None
    beaten = [
        own["reference"]
        for own in rows
        if own["variant"] == row["variant"] and kind_of(own["verdict"]) == BETTER
    ]
    surely = row["typical_low"] > max(own["typical_high"] for own in gains)
    surely |= {own["variant"] for own in gains} <= {*beaten}
    ahead = row["typical"] > best["typical"] + study.margin
    return Found(row, best, surely, ahead)
