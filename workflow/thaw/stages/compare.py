"""Compare a study's variants with its baseline, and the pairs the config asks for.

The settings are `variants` (names, in order), `baseline`, `pairs` and `margin`, the
smallest difference that matters.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from thaw.command import add_settings, run, stage_parser
from thaw.samples import CONDITION, Sample
from thaw.statistics import compare, verdict
from thaw.tables import (
    interval,
    markdown,
    number,
    p_value,
    read_table,
    samples,
    write_frame,
    write_text,
)

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


def main(args: argparse.Namespace) -> None:
    """Write the comparisons as CSV and as Markdown."""
    settings = args.settings
    variants, baseline = settings["variants"], settings["baseline"]
    pairs = [(variant, baseline) for variant in variants if variant != baseline]
    pairs += [tuple(pair) for pair in settings["pairs"]]
    pairs = list(dict.fromkeys(pairs))  # one asked for twice is one comparison
    found = samples(read_table(args.scores), variants)
    table = comparisons(found, pairs, settings["margin"])
    write_frame(args.output, table)
    write_text(args.markdown, for_people(table))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores")
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--markdown", type=Path, required=True, help="the .md to write")
    run(main, parser.parse_args())
