"""Draw a study's learning curves: a line a variant, with a band over its repeats.

The settings are `study`, `source`, `target`, `source_models`, `variants` (names, in
order), their `places` and `shown_size`, the target size of the repeats that are shown.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import pandas as pd

from thaw.figures.curves import Curve, draw_curves
from thaw.figures.style import figure_files, title_of
from thaw.findings.arms import rows_at
from thaw.findings.samples import CONDITION
from thaw.output.records import digest_of_file
from thaw.output.tables import read_table
from thaw.stages.command import (
    Made,
    add_figures,
    add_settings,
    add_table,
    make,
    stage_parser,
)

# The columns of the table that make a curve, in its order.
COLUMNS = ("step", "q25", "median", "q75")


def curves_of(table: pd.DataFrame, variant: str) -> dict[str, Curve]:
    """Return the curves of one variant by metric."""
    rows = table[table["variant"] == variant]
    return {
        metric: Curve(*(part[column].to_numpy() for column in COLUMNS))
        for metric, part in rows.groupby("metric")
    }


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Draw the figure in every format asked for."""
    settings, key = recipe["settings"], recipe["inputs"]["learning_curves"]
    table = read_table(args.curves, args.curves_record, key)
    table = rows_at(table, settings["shown_size"])
    title = f"{title_of(settings)}\nmedian over repeats, band: the middle half of them"
    if settings["source_models"] == 1:
        title += f"\n{CONDITION}"
    curves = {variant: curves_of(table, variant) for variant in settings["variants"]}
    constant = table.loc[table["metric"] == "test_accuracy", "constant"].iloc[0]
    drawn = draw_curves(curves, title, constant, settings["places"])
    saw = {args.curves.name: digest_of_file(args.curves)}
    return Made(figure_files(drawn, args.output, recipe), saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_table(parser, "curves")
    add_figures(parser)
    make("plot_learning_curves", main, parser.parse_args())
