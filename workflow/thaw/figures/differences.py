"""Draw a study's typical differences with their adjusted intervals (a forest plot)."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from thaw.figures.style import COLOURS, MUTED, figure, label
from thaw.findings.metrics import METRICS
from thaw.findings.samples import CONDITION
from thaw.output.inputs import Inputs

VERDICT_COLOURS = {
    "typically better": COLOURS[2],
    "typically worse": COLOURS[1],
    "equivalent": COLOURS[0],
}


def draw(table: pd.DataFrame, title: str, margin: float, gain: str) -> Figure:
    """Draw a line a comparison, from top to bottom; the verdict stands beside it."""
    drawn = figure(7.6, 1.8 + 0.5 * len(table))
    panel = drawn.subplots()
    panel.grid(False)
    panel.axvspan(-margin, margin, color="#e8e8e8", lw=0)
    panel.axvline(0, color="black", lw=0.8)
    limit = reach(table, margin)
    swept = table["target_size"].nunique() > 1
    for place, row in enumerate(table.itertuples()):
        colour = colour_of(row.verdict)
        # What the data do not bound ends at the figure's edge.
        ends = np.clip([row.typical_low, row.typical_high], -limit, limit)
        if np.isfinite([row.typical_low, row.typical_high]).any():
            panel.plot(ends, [place, place], color=colour, lw=2, solid_capstyle="butt")
        if np.isfinite(row.typical):
            panel.plot(row.typical, place, "o", color=colour, ms=6)
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
            f"{label(row.variant, 24)}\n- {label(row.reference, 22)}"
            + (f", {row.target_size} rows" if swept else "")
            for row in table.itertuples()
        ],
    )
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(-limit, limit)
    panel.set_xlabel(
        f"worse ← typical {gain} → better\n"
        f"{100 * table['level'][0]:.4g} % intervals, which all hold at once with 95 %; "
        f"grey: ±{margin:g}"
    )
    panel.set_title(title, fontsize=10)
    return drawn


def reach(table: pd.DataFrame, margin: float) -> float:
    """Return how far the axis goes either way: a little beyond all that is finite."""
    numbers = table[["typical", "typical_low", "typical_high"]].to_numpy(float)
    return 1.1 * max([2 * margin, *np.abs(numbers[np.isfinite(numbers)])])


def colour_of(verdict: str) -> str:
    """Return the colour of a verdict; grey, if it is none."""
    for words, colour in VERDICT_COLOURS.items():
        if verdict.startswith(words):
            return colour
    return MUTED


def title_of(table: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Return the study, and over how many of what its intervals are."""
    sides = [
        *zip(table["units"], table["unit"], strict=True),
        *zip(table["reference_units"], table["reference_unit"], strict=True),
    ]
    numbers = ", ".join(f"n = {count} {unit}s" for count, unit in dict.fromkeys(sides))
    given = f", {CONDITION}" if table["given"].notna().any() else ""
    study = f"{settings['study']}: {settings['source']} → {settings['target']}"
    return f"{study}\n{numbers}{given}"


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, table = inputs.settings, inputs.table("comparisons.csv")
    gain = METRICS[settings["metric"]].gain
    return draw(table, title_of(table, settings), settings["margin"], gain)
