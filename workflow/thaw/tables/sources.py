"""Rank several sources: the gain from each at each depth, and those that may be best.

All sources share the target, its repeats' rows and the baseline. Their comparisons with
it are one family, so that all intervals of the ranking hold at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from thaw.findings.arms import OF_DEPTHS, TargetSize
from thaw.findings.best_sources import standings, statements
from thaw.findings.gains import enumerate_words, rows_at
from thaw.findings.metrics import metric_of
from thaw.findings.samples import CONDITION
from thaw.findings.shown import counted, gain, number, title, units
from thaw.findings.verdicts import MODELS_FAILED
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, paragraph, percent
from thaw.tables.comparisons import comparisons


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the gains and the sources that may be best as CSV, and both for people."""
    settings, margin = inputs.settings, inputs.settings["margin"]
    names, depths = dict(settings["sources"]), settings["depths"]
    reference = f"{settings['sources'][0][0]}/{settings['baseline']}"
    arms = [f"{study}/{variant}" for study in names for variant in depths]
    found = {
        size: inputs.samples([reference, *arms], size, inputs.metric)
        for size in settings["target_sizes"]
    }
    pairs = [(arm, reference) for arm in arms]
    table = comparisons(found, pairs, reference, margin)
    told = table["variant"].str.partition("/")
    table.insert(0, "study", told[0])
    table.insert(1, "source", told[0].map(names))
    table["variant"], table["reference"] = told[2], settings["baseline"]
    for study in names:
        failed = inputs.files.histories(study).failed_source_models()
        if failed is not None and failed.all():
            table.loc[table["study"] == study, "verdict"] = MODELS_FAILED
    by_source = {
        size: {
            source: {variant: samples[f"{study}/{variant}"] for variant in depths}
            for study, source in names.items()
        }
        for size, samples in found.items()
    }
    best = best_sources(by_source, table, depths, margin)
    return {
        "sources.csv": frame(_by_gain(table, best)),
        "sources.md": for_people(table, best, settings).encode(),
        "best-sources.csv": frame(best),
    }


def best_sources(
    found: Mapping[TargetSize, Mapping[str, Mapping[str, Any]]],
    table: pd.DataFrame,
    depths: Mapping[str, int],
    margin: float,
) -> pd.DataFrame:
    """Return a row for each size and source, the largest gain first.

    Its best depth (`variant`, which freezes so many layers) with the gain, whether the
    source may be the best, by what others it is typically beaten, and the chance that
    it is the best. What is said of beaten sources holds at 1 less `OF_DEPTHS`, for all
    sizes together.
    """
    parts = []
    for size, samples in found.items():
        own = rows_at(table, size).set_index(["source", "variant"])
        gains = {
            source: {variant: own.loc[(source, variant), "typical"] for variant in some}
            for source, some in samples.items()
        }
        alpha = OF_DEPTHS / (statements(samples) * len(found))
        rows = []
        for one in standings(samples, gains, alpha, margin):
            row = own.loc[(one.source, one.variant)]
            rows.append(
                {
                    "target_size": size,
                    "study": row["study"],
                    "source": one.source,
                    "variant": one.variant,
                    "freeze": depths[one.variant],
                    "typical": row["typical"],
                    "typical_low": row["typical_low"],
                    "typical_high": row["typical_high"],
                    "verdict": row["verdict"],
                    "may_be_best": "yes" if one.may_be_best else "no",
                    "beaten_by": " ".join(one.beaten_by),
                    "chance": one.chance,
                }
            )
        ranked = pd.DataFrame(rows)
        parts.append(ranked.sort_values("typical", ascending=False, kind="stable"))
    return pd.concat(parts, ignore_index=True)


def _by_gain(table: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Return the gains, those from the best source of a size first."""
    places = {
        (row.target_size, row.source): place
        for place, row in enumerate(best.itertuples())
    }
    told = zip(table["target_size"], table["source"], strict=True)
    place = pd.Series([places[one] for one in told], table.index)
    return table.iloc[place.argsort(kind="stable")]


def for_people(
    table: pd.DataFrame, best: pd.DataFrame, settings: Mapping[str, Any]
) -> str:
    """Return a table for each size, at most 80 columns wide."""
    parts = [paragraph(f"**{title(settings)}**"), paragraph(_about(table, settings))]
    swept = len(settings["target_sizes"]) > 1
    for size, own in best.groupby("target_size", sort=False):
        if swept:
            parts.append(paragraph(f"From {size} rows:"))
        header = ("source", "best depth", "gain", "may be best", "chance")
        parts.append(markdown(header, [*_rows(own, settings["margin"])]))
    return "\n".join(parts)


def _rows(own: pd.DataFrame, margin: float) -> Iterator[Sequence[str]]:
    for row in own.itertuples():
        ends = row.typical_low, row.typical_high
        said = gain(row.typical, *ends, margin) if pd.notna(ends[0]) else "n/a"
        yield (
            row.source,
            row.variant,
            said,
            "yes" if row.may_be_best == "yes" else "",
            percent(row.chance),
        )


def _about(table: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Say what the numbers are, and which luck they cover."""
    metric, margin = metric_of(settings["metric"][0]), settings["margin"]
    level = f"{100 * table['level'].iloc[0]:.4g} %"
    has_rows = (table["row_units"] > 0).all()
    given = f", {CONDITION}" if table["given"].astype(bool).all() else ""
    splits = ", each with a split of its own," if settings["has_splits"] else ""
    covered = f"over {enumerate_words(units(table))}{splits}"
    covered += " and new test rows" if has_rows else ""
    tried = counted(len(settings["depths"]), "depth")
    words = (
        f"The typical (median) {metric.gain} on {settings['baseline']}, of each source "
        f"at its best of {tried}. Each interval is at {level}, {covered}{given}, so "
        "that all intervals of all sources, depths and sizes hold together with 95 %. "
        "A source may be best unless another one is typically better than each of its "
        "depths. Chance: how likely it is the best. The margin is "
        f"{number(margin, margin)}{f' {metric.units}' if metric.units else ''}."
    )
    return words if has_rows else f"{words} Other test rows are not covered."
