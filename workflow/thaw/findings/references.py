"""References: estimators that are no network, and where they make one unnecessary."""

from typing import NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.gains import Question, Row, ahead_of, rows_at


class Found(NamedTuple):
    """The comparison with the baseline of a size's best estimator, if that is ahead.

    best: that of the best network. surely: whether the estimator's interval lies above
    those of all networks, or it beats each in a pair of the study. ahead: whether it
    typically gains more than they, by more than the margin.
    """

    estimator: Row
    best: Row | None
    surely: bool
    ahead: bool


def best_estimator(study: Question, size: TargetSize) -> Found | None:
    """Return the best estimator of a size, unless networks do without it.

    It is typically better than the baseline, and no network's typical gain is larger by
    more than the margin.
    """
    rows = rows_at(study.comparisons, size).to_dict("records")
    better = [
        row
        for row in rows
        if row["reference"] == study.baseline
        and "estimator" in study.variants.get(row["variant"], {})
        and ahead_of(row) == row["variant"]
    ]
    if not better:
        return None
    row = max(better, key=lambda row: row["typical"])
    # If all networks failed there is no typical gain.
    found = study.gains_at(size).values()
    gains = [own for own in found if own["typical"] == own["typical"]]
    if not gains:
        return Found(row, None, surely=True, ahead=True)
    best = max(gains, key=lambda own: own["typical"])
    behind = study.beats(best["variant"], row["variant"], size)
    if behind or row["typical"] < best["typical"] - study.margin:
        return None
    beaten = {
        own["variant"]
        for own in gains
        if study.beats(row["variant"], own["variant"], size)
    }
    surely = row["typical_low"] > max(own["typical_high"] for own in gains)
    surely |= beaten == {own["variant"] for own in gains}
    ahead = row["typical"] > best["typical"] + study.margin
    return Found(row, best, surely, ahead)
