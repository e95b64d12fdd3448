"""Rank several sources: the gain from each at each depth, and those that may be best.

All sources share the target, its repeats' rows and the baseline. Their comparisons with
it are one family, so that all intervals of the ranking hold at once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import OF_DEPTHS
from thaw.findings.best import Candidates, beaten, rows_to_tell, statements, unbeaten
from thaw.findings.gains import rows_at
from thaw.findings.metrics import metric_of
from thaw.findings.pairs import Pair
from thaw.findings.shown import counted, coverage, gain, number, title
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, paragraph
from thaw.tables.comparisons import comparisons, without_verdict


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the gains and the sources that may be best as CSV, and both for people."""
    settings, margin = inputs.settings, inputs.settings["margin"]
    names, depths = dict(settings["sources"]), settings["depths"]
    reference = f"{settings['sources'][0][0]}/{settings['baseline']}"
    arms = [f"{study}/{variant}" for study in names for variant in depths]
    samples = {
        size: inputs.samples([reference, *arms], size, inputs.metric)
        for size in settings["target_sizes"]
    }
    table = comparisons(samples, [(arm, reference) for arm in arms], reference, margin)
    parts = table["variant"].str.partition("/")
    table.insert(0, "study", parts[0])
    table.insert(1, "source", parts[0].map(names))
    table["variant"], table["reference"] = parts[2], settings["baseline"]
    for study in names:
        without_verdict(table, table["study"] == study, inputs.histories(study))
    best = pd.concat(
        best_sources(
            {
                source: {depth: of_size[f"{study}/{depth}"] for depth in depths}
                for study, source in names.items()
            },
            rows_at(table, size),
            depths,
            margin,
            len(samples),
        )
        for size, of_size in samples.items()
    )
    return {
        "sources.csv": frame(table),
        "sources.md": for_people(table, best, settings).encode(),
        "best-sources.csv": frame(best),
    }


def best_sources(
    candidates: Candidates,
    table: pd.DataFrame,
    depths: Mapping[str, int],
    margin: float,
    sizes: int,
) -> pd.DataFrame:
    """Return a row for each source at a size, the largest gain first.

    Its best depth (`variant`, which freezes so many layers) with the gain, whether the
    source may be the best, by what others it is typically beaten, and how many test
    rows would tell it from the first. What is said of beaten sources holds at 1 less
    `OF_DEPTHS`, for all `sizes` together.
    """
    alpha = OF_DEPTHS / (statements(candidates) * sizes)
    beaten_by = beaten(candidates, alpha, margin)
    rows = table.assign(rank=table["typical"].fillna(-np.inf))
    best = rows.loc[rows.groupby("source", sort=False)["rank"].idxmax()]
    best = best.sort_values("rank", ascending=False, kind="stable")
    columns = ["target_size", "study", "source", "variant", "freeze", "typical"]
    columns += ["typical_low", "typical_high", "verdict"]
    best = best.assign(freeze=best["variant"].map(depths))[columns]
    kept, sources = unbeaten(beaten_by), best["source"]
    best["may_be_best"] = ["yes" if name in kept else "no" for name in sources]
    best["beaten_by"] = [" ".join(beaten_by[name]) for name in sources]
    first, *rest = [
        candidates[source][variant]
        for source, variant in zip(sources, best["variant"], strict=True)
    ]
    tell = [rows_to_tell(Pair(first, other), alpha) for other in rest]
    return best.assign(rows_to_tell=[np.nan, *tell])


def for_people(
    table: pd.DataFrame, best: pd.DataFrame, settings: Mapping[str, Any]
) -> str:
    """Return a table for each size, at most 80 columns wide."""
    metric, margin = metric_of(settings["metric"][0]), settings["margin"]
    about = (
        f"The typical (median) {metric.gain} on {settings['baseline']}, of each source "
        f"at its best of {counted(len(settings['depths']), 'depth')}. "
        f"{coverage(table, settings['has_splits'])} A source may be best unless "
        "another one is typically better than each of its depths, even if it gains "
        f"nothing. The margin is {number(margin, margin)}{metric.suffix}."
    )
    parts = [paragraph(f"**{title(settings)}**"), paragraph(about)]
    for size, of_size in best.groupby("target_size", sort=False):
        if len(settings["target_sizes"]) > 1:
            parts.append(paragraph(f"From {size} rows:"))
        rows = [
            (
                row.source,
                row.variant,
                gain(row.typical, row.typical_low, row.typical_high, margin),
                "yes" if row.may_be_best == "yes" else "",
            )
            for row in of_size.itertuples()
        ]
        parts.append(markdown(("source", "best depth", "gain", "may be best"), rows))
    return "\n".join(parts)
