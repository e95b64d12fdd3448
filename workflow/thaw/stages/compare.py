"""Compare a study's variants with its baseline, and the pairs the config asks for.

The settings are `variants` (names, in order), `baseline`, `pairs` and `margin`, the
smallest difference that matters.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from thaw.command import Made, add_histories, add_settings, make, stage_parser
from thaw.findings.samples import CONDITION, Sample, samples
from thaw.findings.statistics import compare, verdict
from thaw.output.histories import Histories
from thaw.output.tables import frame, interval, markdown, number, p_value, text

COLUMNS = (
    "variant",
    "reference",
    "difference",
    "difference_low",
    "difference_high",
    "probability",
    "probability_low",
    "probability_high",
    "p_value",
    "p_holm",
    "paired",
    "unit",
    "units",
    "reference_unit",
    "reference_units",
    "verdict",
    "note",
)


def comparisons(
    found: Mapping[str, Sample], pairs: Sequence[tuple[str, str]], margin: float
) -> pd.DataFrame:
    """Return a row for each pair (variant, reference) of the samples `found`.

    The p-values are adjusted within the study by Holm's method (Holm 1979).
    """
    results = [compare(found[variant], found[other]) for variant, other in pairs]
    p_values = np.array([result.p_value for result in results])
    adjusted = np.full(len(results), np.nan)
    tested = ~np.isnan(p_values)
    if tested.any():
        adjusted[tested] = multipletests(p_values[tested], method="holm")[1]
    rows = []
    for (variant, other), result, p_holm in zip(pairs, results, adjusted, strict=True):
        sample, reference = found[variant], found[other]
        words = verdict(result, p_holm, margin)
        if sample.is_conditional or reference.is_conditional:
            words += f", {CONDITION}"
        rows.append(
            (
                *(variant, other),
                *(result.difference, *result.interval),
                *(result.probability, *result.probability_interval),
                *(result.p_value, p_holm),
                "yes" if result.paired else "no",
                *(sample.unit, len(sample.unit_means())),
                *(reference.unit, len(reference.unit_means())),
                *(words, result.note),
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def for_people(table: pd.DataFrame) -> str:
    """Return the comparisons as Markdown; nothing, where there is one variant only."""
    if table.empty:
        return ""
    header = (
        "comparison",
        "difference",
        "95 % interval",
        "P(better)",
        "p (Holm)",
        "verdict",
    )
    rows = [
        (
            f"{row.variant} - {row.reference}",
            number(row.difference, "+"),
            interval(row.difference_low, row.difference_high, "+"),
            number(row.probability),
            p_value(row.p_holm),
            row.verdict,
        )
        for row in table.itertuples()
    ]
    notes = [
        f"{row.variant} - {row.reference}: {row.note}\n"
        for row in table.itertuples()
        if row.note
    ]
    return "\n".join([markdown(header, rows), *notes])


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Make the comparisons as CSV and as Markdown."""
    settings = recipe["settings"]
    variants, baseline = settings["variants"], settings["baseline"]
    pairs = [(variant, baseline) for variant in variants if variant != baseline]
    pairs += [tuple(pair) for pair in settings["pairs"]]
    pairs = list(dict.fromkeys(pairs))  # one asked for twice is one comparison
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        found = samples(histories, variants)
    table = comparisons(found, pairs, settings["margin"])
    words = for_people(table)
    return Made({args.output: frame(table), args.markdown: text(words)}, histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--markdown", type=Path, required=True, help="the .md to write")
    make("compare", main, parser.parse_args())
