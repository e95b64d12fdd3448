"""Compare scores that need no training with the gains that sources brought."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, TargetSize, alpha_of_each, in_order
from thaw.findings.gains import rows_at, span
from thaw.findings.metrics import metric_of
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.findings.shown import capitalize, counted, enumerate_words, gain, title
from thaw.findings.typical import typical_difference
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, paragraph

# The scores that `thaw.findings.logme` makes, in words.
NAMES = {"logme": "LogME", "linear_probe": "a linear probe"}

UNKNOWN = (
    "what the layers pass on to the output is not found (a trainer's networks, or a "
    "module that runs other than its groups in order), the source models failed, or "
    "the rows have one label or are too few"
)

COLUMNS = (
    *("target_size", "score", "sources"),
    *("chosen", "variant", "best", "best_variant", "cost", "cost_low", "cost_high"),
)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each size and score, as CSV and for people."""
    settings, sources = inputs.settings, dict(inputs.settings["sources"])
    target, sizes = settings["target"], in_order(settings["target_sizes"])
    values = pd.DataFrame(
        [
            (source, row["score"], str(row["target_size"]), row["value"])
            for study, source in sources.items()
            for row in inputs.files.check("transferability", target, study)
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
    table = pd.DataFrame(rows, columns=COLUMNS)
    words = for_people(table, [*missing(values, sources.values())], settings)
    return {"transferability.csv": frame(table), "transferability.md": words.encode()}


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


def missing(values: pd.DataFrame, sources: Iterable[str]) -> Iterator[str]:
    """Say which sources lack a score that others have, or that all lack both."""
    finite = values[np.isfinite(values["value"].astype(float))]
    lacking: dict[str, list[str]] = {}
    for score in [name for name in NAMES if name in {*values["score"]}] or NAMES:
        having = {*finite.loc[finite["score"] == score, "source"]}
        names = enumerate_words([name for name in sources if name not in having])
        lacking.setdefault(names, []).append(NAMES[score])
    for names, scores in lacking.items():
        if names:
            words = f"{enumerate_words(scores)} {'say' if scores[1:] else 'says'}"
            yield f"{capitalize(words)} nothing of {names}: {UNKNOWN}."


def for_people(
    table: pd.DataFrame, more: Sequence[str], settings: Mapping[str, Any]
) -> str:
    """Return the table, at most 80 columns wide, and what it says, as Markdown."""
    parts = [paragraph(f"**{title(settings)}**")]
    margin = settings["margin"]
    if len(table):
        models = counted(settings["source_models"], "source model")
        parts.append(
            paragraph(
                "Scores of source models that need no training, on the rows that "
                f"repeats learn from; {models}. Cost: what typically is lost by the "
                "source that it would choose, against the best one; all intervals of "
                "costs hold together with 95 %."
            )
        )
        header = ("score", "rows", "would choose", "cost")
        rows = [
            (
                NAMES[row.score],
                str(row.target_size),
                row.chosen,
                "" if row.chosen == row.best else _cost(row, margin, ""),
            )
            for row in table.itertuples()
        ]
        parts.append(markdown(header, rows))
    return "\n".join([*parts, *map(paragraph, more)])


def choices(table: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[str]:
    """Say which sources scores would have chosen, and at what cost."""
    metric, margin = metric_of(settings["metric"][0]), settings["margin"]
    alike = dict[str, list[str]]()
    for score, rows in table.groupby("score", sort=False):
        # With neighbouring sizes it is often the same source, and the best one.
        places = rows["chosen"].where(rows["chosen"] == rows["best"], rows.index)
        runs = [run for _, run in rows.groupby((places != places.shift()).cumsum())]
        words = "; ".join(_choice(run, margin, metric.suffix) for run in runs)
        alike.setdefault(words, []).append(NAMES[score])
    for words, names in alike.items():
        yield f"Without training, {enumerate_words(names)} would have chosen {words}."


def _choice(run: pd.DataFrame, margin: float, units: str) -> str:
    """Return the source that a score chooses at some sizes, and what that costs."""
    row = run.iloc[0]
    words = f"{row['chosen']} with {span([*run['target_size']])}"
    if row["chosen"] == row["best"]:
        return f"{words}, the best source there"
    return f"{words}, which costs {_cost(row, margin, units)} against {row['best']}"


def _cost(row: Any, margin: float, units: str) -> str:
    """Return a cost and its interval in words."""
    if not np.isfinite(row.cost):
        return "more than can be said, because too many networks failed"
    return gain(row.cost, row.cost_low, row.cost_high, margin, units, "-")
