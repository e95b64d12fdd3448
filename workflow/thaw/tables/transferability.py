"""Compare scores that need no training with the gains that sources brought."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, TargetSize, alpha_of_each, in_order
from thaw.findings.gains import Question, rows_at
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.findings.shown import enumerate_words, gain
from thaw.findings.typical import typical_difference
from thaw.output.inputs import Inputs
from thaw.output.tables import frame

# The scores that `thaw.findings.logme` makes, in words.
NAMES = {"logme": "LogME", "linear_probe": "a linear probe"}

COLUMNS = (
    *("target_size", "score", "sources"),
    *("chosen", "variant", "best", "best_variant", "cost", "cost_low", "cost_high"),
)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each size and score that more than one source has, as CSV.

    A source has none where its source models failed, where the rows have one label, or
    where what the layers pass on to the output is not known (a trainer's networks, or a
    module that runs other than its groups in order).
    """
    settings, sources = inputs.settings, dict(inputs.settings["sources"])
    target, sizes = settings["target"], in_order(settings["target_sizes"])
    values = pd.DataFrame(
        [
            (source, row["score"], str(row["target_size"]), row["value"])
            for study, source in sources.items()
            for row in inputs.check("transferability", target, study)
        ],
        columns=["source", "score", "target_size", "value"],
    )
    by_place = {(n, score): known(values, score, n) for n in sizes for score in NAMES}
    by_place = {place: scores for place, scores in by_place.items() if len(scores) > 1}
    # The best source at its best depth is that of the largest gain, so each of these
    # might have been in its place.
    count = len(by_place) * (len(sources) - 1) * len(settings["depths"])
    best_sources, rows = inputs.table("best-sources.csv"), []
    for (size, score), scores in by_place.items():
        best = rows_at(best_sources, size).set_index("source")
        arms = best["study"] + "/" + best["variant"]
        samples = inputs.samples(arms, size, inputs.metric)
        gains = {source: samples[arm] for source, arm in arms.items()}
        first, variant = best.index[0], best["variant"]
        chosen, cost = judged(scores, gains, first, alpha_of_each(count, ALPHA))
        choices = chosen, variant[chosen], first, variant[first]
        rows.append((size, score, len(scores), *choices, *cost))
    return {"transferability.csv": frame(pd.DataFrame(rows, columns=COLUMNS))}


def judged(
    scores: Mapping[str, np.ndarray],
    samples: Mapping[str, Sample],
    best: str,
    alpha: float,
) -> tuple[str, Estimate]:
    """Return the source with the highest mean score, and its cost at 1 - `alpha`.

    scores: of each source's models; nan for those that failed. samples: each source's,
    at its best depth. The cost is the typical loss against the `best` source, in the
    metric's units.
    """
    means = {source: np.nanmean(values) for source, values in scores.items()}
    chosen = max(means, key=means.__getitem__)
    if chosen == best:
        return chosen, Estimate(0.0, 0.0, 0.0)
    pair = Pair(samples[best], samples[chosen])
    return chosen, typical_difference(pair, alpha).estimate


def known(values: pd.DataFrame, score: str, size: TargetSize) -> dict[str, np.ndarray]:
    """Return the values of the sources that have such a score at a size."""
    rows = values[(values["score"] == score) & (values["target_size"] == str(size))]
    by_source = rows.groupby("source", sort=False)["value"]
    scores = {str(source): group.to_numpy(float) for source, group in by_source}
    return {name: array for name, array in scores.items() if np.isfinite(array).any()}


def choices(table: pd.DataFrame, study: Question) -> Iterator[str]:
    """Say which sources scores would have chosen, and at what cost."""
    by_size = {}
    for size in study.target_sizes:
        words = []
        for chosen, rows in rows_at(table, size).groupby("chosen", sort=False):
            row, names = rows.iloc[0], [NAMES[score] for score in rows["score"]]
            cost = "the best source there"
            if chosen != row["best"]:
                ends = row["cost_low"], row["cost_high"]
                cost = gain(row["cost"], *ends, study.margin, study.units, "-")
                cost = f"which costs {cost} against {row['best']}"
            words.append(f"{enumerate_words(names)} would have chosen {chosen}, {cost}")
        by_size[size] = f"without training, {'; '.join(words)}" if words else ""
    return study.sentences(by_size)
