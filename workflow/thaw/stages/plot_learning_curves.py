"""Draw a study's learning curves: a line a variant, with a band over its repeats.

The settings are `source`, `target`, `source_models` and `variants` (names, in order).
"""

import argparse
from pathlib import Path

import pandas as pd

from thaw.command import add_figures, add_settings, run, stage_parser
from thaw.curves import Band, draw_curves
from thaw.figures import save
from thaw.samples import CONDITION
from thaw.tables import read_table


def bands(table: pd.DataFrame, variant: str) -> dict[str, Band]:
    """Return the curves of one variant by metric."""
    rows = table[table["variant"] == variant]
    return {
        metric: Band(*(part[name].to_numpy() for name in ("mean", "q05", "q95")))
        for metric, part in rows.groupby("metric")
    }


def main(args: argparse.Namespace) -> None:
    """Draw the figure and write it in every format asked for."""
    settings, table = args.settings, read_table(args.curves)
    title = (
        f"{settings['source']} → {settings['target']}: "
        "mean over repeats, band: the middle 90 % of them"
    )
    if settings["source_models"] == 1:
        title += f"\n{CONDITION}"
    curves = {variant: bands(table, variant) for variant in settings["variants"]}
    save(draw_curves(curves, title), args.output)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument(
        "--curves", type=Path, required=True, help="learning-curves.csv"
    )
    add_figures(parser)
    run(main, parser.parse_args())
