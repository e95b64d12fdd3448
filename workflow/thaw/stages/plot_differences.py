"""Draw a study's comparisons: each difference with its 95 % interval (a forest plot).

The settings are `source`, `target` and `margin`, the smallest difference that matters.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from thaw.command import Made, add_figures, add_settings, add_table, make, stage_parser
from thaw.figures.style import COLOURS, MUTED, figure, figure_files, label
from thaw.findings.samples import CONDITION
from thaw.output.records import digest_of_file
from thaw.output.tables import read_table

VERDICT_COLOURS = {"helps": COLOURS[2], "hurts": COLOURS[1], "equivalent": COLOURS[0]}


def draw(table: pd.DataFrame, title: str, margin: float) -> Figure:
    """Draw a line a comparison, from top to bottom; the verdict stands beside it."""
    drawn = figure(7.2, 1.6 + 0.5 * len(table))
    panel = drawn.subplots()
    panel.grid(False)
    panel.axvspan(-margin, margin, color="#e8e8e8", lw=0)
    panel.axvline(0, color="black", lw=0.8)
    for place, row in enumerate(table.itertuples()):
        verdict = row.verdict.removesuffix(f", {CONDITION}")
        colour = VERDICT_COLOURS.get(verdict.split()[0], MUTED)
        ends = [row.difference_low, row.difference_high]
        panel.plot(ends, [place, place], color=colour, lw=2, solid_capstyle="butt")
        panel.plot(row.difference, place, "o", color=colour, ms=6)
        panel.annotate(
            verdict,
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    panel.set_yticks(
        range(len(table)),
        [
            f"{label(row.variant, 24)}\n- {label(row.reference, 22)}"
            for row in table.itertuples()
        ],
    )
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlabel(
        f"difference in mean test accuracy\n95 % interval; grey: ±{margin:g}"
    )
    panel.set_title(title, fontsize=10)
    return drawn


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Draw the figure in every format asked for."""
    settings = recipe["settings"]
    key = recipe["inputs"]["compare"]
    table = read_table(args.comparisons, args.comparisons_record, key)
    title = f"{settings['source']} → {settings['target']}"
    if table["verdict"].str.endswith(CONDITION).any():
        title += f"\n{CONDITION}"
    drawn = draw(table, title, settings["margin"])
    saw = {args.comparisons.name: digest_of_file(args.comparisons)}
    return Made(figure_files(drawn, args.output, recipe), saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_table(parser, "comparisons")
    add_figures(parser)
    make("plot_differences", main, parser.parse_args())
