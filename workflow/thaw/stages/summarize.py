"""Summarize a study: the distribution of test accuracy, a row a variant.

The settings are `study` (its name), `source`, `target` and `variants` (names, in
order).
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.command import Made, add_histories, add_settings, make, stage_parser
from thaw.findings.samples import CONDITION, Sample
from thaw.findings.spread import mean_interval, variance_components
from thaw.output.histories import Histories
from thaw.output.samples import read_samples
from thaw.output.tables import frame, interval, markdown, number, text


def summary(found: Mapping[str, Sample]) -> pd.DataFrame:
    """Return a row a variant.

    Columns: repeats, source models, mean, std (n-1) and quartiles of test accuracy; the
    mean's 95 % interval; the std between and within source models and the share of the
    variance that lies between them; a note on what cannot be estimated. Where there are
    several source models, each has the same weight in the mean, however many repeats
    start from it.
    """
    rows = []
    for variant, sample in found.items():
        values = sample.values
        q25, median, q75 = np.quantile(values, (0.25, 0.5, 0.75))
        units = sample.unit_means()
        mean_low, mean_high = np.clip(mean_interval(units), 0, 1)
        components = variance_components(sample)
        rows.append(
            {
                "variant": variant,
                "repeats": len(values),
                "source_models": len(sample.models),
                "mean": units.mean(),
                "std": values.std(ddof=1) if len(values) > 1 else np.nan,
                "min": values.min(),
                "q25": q25,
                "median": median,
                "q75": q75,
                "max": values.max(),
                "mean_low": mean_low,
                "mean_high": mean_high,
                "std_between": components.between,
                "std_within": components.within,
                "share_between": components.share,
                "note": note(sample),
            }
        )
    return pd.DataFrame(rows)


def note(sample: Sample) -> str:
    """Say on what a variant's row is conditional, and what it cannot estimate."""
    if sample.is_conditional:
        return f"{CONDITION}; the spread between source models is not estimable"
    if sample.is_nested and len(sample.models) == len(sample.values):
        return (
            "one repeat a source model: the two parts of the spread are not estimable"
        )
    return ""


def for_people(
    table: pd.DataFrame, found: Mapping[str, Sample], settings: Mapping[str, Any]
) -> str:
    """Return the summary as Markdown: `mean (std)` and its parts, a row a variant.

    It is narrow enough for a terminal.
    """
    header = ("variant", "mean (std)", "95 % interval", "between", "within")
    rows = [
        (
            row.variant,
            f"{number(row.mean)} ({number(row.std)})",
            interval(row.mean_low, row.mean_high),
            # A variant without source models has no spread between them.
            number(row.std_between) if row.source_models else "",
            number(row.std_within),
        )
        for row in table.itertuples()
    ]
    repeats, models = table["repeats"].max(), table["source_models"].max()
    title = (
        f"**{settings['study']}**: {settings['source']} → {settings['target']}, "
        f"test accuracy of {repeats} repeat{'s' if repeats > 1 else ''}"
    )
    if any(sample.is_conditional for sample in found.values()):
        title += f", {CONDITION}"
    elif models:
        title += f" from {models} source models"
    return f"{title}\n\n{markdown(header, rows)}"


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Make the summary as CSV and as Markdown."""
    settings = recipe["settings"]
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        found = read_samples(histories, settings["variants"])
    table = summary(found)
    words = for_people(table, found, settings)
    return Made({args.output: frame(table), args.markdown: text(words)}, histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--markdown", type=Path, required=True, help="the .md to write")
    make("summarize", main, parser.parse_args())
