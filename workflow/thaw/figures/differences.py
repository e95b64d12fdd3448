"""Draw a study's typical differences with their adjusted intervals (a forest plot)."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import metric_of
from thaw.findings.samples import CONDITION
from thaw.findings.shown import units
from thaw.output.inputs import Inputs


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a line for each comparison, top to bottom, with the verdict beside it."""
    drawn = style.figure(7.6, 2.1 + 0.5 * len(table))
    panel = drawn.subplots()
    panel.grid(False)
    margin = settings["margin"]
    margin_in_words = style.draw_margin(panel, margin, "v")
    limit = reach(table, margin)
    swept = table["target_size"].nunique() > 1
    for place, row in enumerate(table.itertuples()):
        colour, marker = style.verdict_look(row.verdict)
        fill = "white" if (colour, marker) == style.NONE else colour
        for found, width in (
            ((row.typical_low, row.typical_high), style.OUTER),
            ((row.these_rows_low, row.these_rows_high), style.INNER),
        ):
            # An end that the data do not bound stops at the figure's edge.
            ends = np.clip(found, -limit, limit)
            if np.isfinite(found).any():
                panel.hlines(place, *ends, color=colour, lw=width)
        if np.isfinite(row.typical):
            panel.plot(row.typical, place, marker, color=colour, mfc=fill, ms=6.5)
        panel.annotate(
            textwrap.fill(row.verdict, 26),
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    panel.set_yticks(
        range(len(table)),
        [
            f"{style.label(row.variant, 24)}\nvs {style.label(row.reference, 22)}"
            + (f", {row.target_size} rows" if swept else "")
            for row in table.itertuples()
        ],
    )
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(-limit, limit)
    gain = metric_of(settings["metric"][0]).gain
    panel.set_xlabel(f"worse ← typical {gain} → better")
    given = [f"All of it is {CONDITION}."] if table["given"].notna().any() else []
    level = style.level_of(table["level"][0])
    caption = [level, style.of_rows(table), margin_in_words, *given]
    caption.append(f"n = {', '.join(units(table))}.")
    style.words_around(drawn, style.title_of(settings), "typical differences", caption)
    return drawn


def reach(table: pd.DataFrame, margin: float) -> float:
    """Return the axis limit either way: a little beyond the largest finite value."""
    numbers = table[["typical", "typical_low", "typical_high"]].to_numpy(float)
    return 1.1 * max([2 * margin, *np.abs(numbers[np.isfinite(numbers)])])


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    return draw(inputs.table("comparisons.csv"), inputs.settings)
