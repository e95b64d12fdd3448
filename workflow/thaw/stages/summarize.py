"""Summarize a study: the distribution of test accuracy, a row a variant.

The settings are `source`, `target` and `variants` (names, in order).
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from thaw.command import run, stage_parser
from thaw.statistics import Sample, mean_interval, variance_components
from thaw.tables import (
    markdown,
    read_table,
    samples,
    write_frame,
    write_text,
)


def summary(found: Mapping[str, Sample]) -> pd.DataFrame:
    """Return a row a variant.

    Columns: repeats, source models, mean, std (n-1) and quartiles of test accuracy; the
    mean's 95 % interval; the std between and within source models and the share of the
    variance that lies between them; a note on what cannot be estimated.
    """
    rows = []
    for variant, sample in found.items():
        values = sample.values
        q25, median, q75 = np.quantile(values, (0.25, 0.5, 0.75))
        interval = mean_interval(sample.unit_means())
        components = variance_components(sample)
        rows.append(
            {
                "variant": variant,
                "repeats": len(values),
                "source_models": len(sample.models),
                "mean": values.mean(),
                "std": values.std(ddof=1) if len(values) > 1 else np.nan,
                "min": values.min(),
                "q25": q25,
                "median": median,
                "q75": q75,
                "max": values.max(),
                "mean_low": interval.low,
                "mean_high": interval.high,
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
        return (
            "given one source model: the spread between source models is not estimable"
        )
    if sample.is_nested and len(sample.models) == len(sample.values):
        return (
            "one repeat a source model: the two parts of the spread are not estimable"
        )
    return ""


def for_people(
    table: pd.DataFrame, found: Mapping[str, Sample], study: str, settings: dict
) -> str:
    """Return the summary as Markdown: `mean (std)` and the 95 % interval a variant."""

    def number(value: float) -> str:
        return "" if np.isnan(value) else f"{value:.3f}"

    rows = []
    for row in table.itertuples():
        std = number(row.std) or "n/a"
        interval = "n/a"
        if not np.isnan(row.mean_low):
            interval = f"{row.mean_low:.3f} to {row.mean_high:.3f}"
        rows.append(
            (
                row.variant,
                f"{row.mean:.3f} ({std})",
                interval,
                number(row.std_between),
                number(row.std_within),
                str(row.repeats),
                str(row.source_models or ""),
            )
        )
    header = (
        "variant",
        "mean (std)",
        "95 % interval",
        "between",
        "within",
        "repeats",
        "source models",
    )
    text = (
        f"**{study}**: {settings['source']} → {settings['target']}, test accuracy\n\n"
        f"{markdown(header, rows)}"
    )
    if any(sample.is_conditional for sample in found.values()):
        text += (
            "\nGiven one source model: another one may rank the variants differently, "
            "and the spread\nbetween source models is not estimable.\n"
        )
    return text


def main(args: argparse.Namespace) -> None:
    """Write the summary as CSV and as Markdown."""
    found = samples(read_table(args.scores), args.settings["variants"])
    table = summary(found)
    write_frame(args.output, table)
    write_text(args.markdown, for_people(table, found, args.study, args.settings))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="the settings, as JSON"
    )
    parser.add_argument("--study", required=True, help="its name, for the title")
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores")
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--markdown", type=Path, required=True, help="the .md to write")
    run(main, parser.parse_args())
