"""References: estimators that are no network, and where they make one unnecessary."""

import math
from typing import NamedTuple

from thaw.findings.arms import TargetSize
from thaw.findings.gains import Question, Row, ahead_of, rows_at


class Reference(NamedTuple):
    """The comparison with the baseline of a size's best estimator, if that is ahead.

    row: that comparison; best: that of the best network. surely: whether the
    estimator's interval lies above those of all networks, or it beats each in a pair of
    the study. ahead: whether it typically gains more than they, by more than the
    margin.
    """

    row: Row
    best: Row | None
    surely: bool
    ahead: bool


def best_estimator(study: Question, size: TargetSize) -> Reference | None:
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
    networks = study.gains_at(size).values()
    gains = [network for network in networks if not math.isnan(network["typical"])]
    if not gains:
        return Reference(row, None, surely=True, ahead=True)
    best = max(gains, key=lambda network: network["typical"])
    behind = study.beats(best["variant"], row["variant"], size)
    if behind or row["typical"] < best["typical"] - study.margin:
        return None
    beaten = {
        network["variant"]
        for network in gains
        if study.beats(row["variant"], network["variant"], size)
    }
    surely = row["typical_low"] > max(network["typical_high"] for network in gains)
    surely |= len(beaten) == len(gains)
    ahead = row["typical"] > best["typical"] + study.margin
    return Reference(row, best, surely, ahead)
