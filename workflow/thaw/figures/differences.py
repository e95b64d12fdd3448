"""Draw typical differences with their intervals (a forest plot).

Of a study, a line for each comparison. Of a ranking, a panel for each target size, a
line for each source at its best depth, the one that gains most at the first on top.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.gains import rows_at
from thaw.findings.shown import units
from thaw.findings.verdicts import in_words
from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> Figure:
    """Return the figure; comparisons keep their lines in all panels."""
    settings, metric = inputs.settings, inputs.metric
    sizes = in_order(settings["target_sizes"])
    if "sources" in settings:
        table = gains_of_sources(
            *map(inputs.table, ("sources.csv", "best-sources.csv"))
        )
        about = f"gain on {settings['baseline']} from each source, at its best depth"
        caption = (
            "Filled: may be the best source; hollow: another one is typically better. "
            "At the right: how many layers the best depth freezes. Each panel has its "
            "own scale."
        )
    else:
        table = pairs_of_study(inputs)
        about, caption = "typical differences", f"n = {', '.join(units(table))}."
    lines = [*table["line"].unique()]
    width = 2.3 if len(sizes) > 1 else 5.8
    height = 0.6 + 0.16 * sum(2 + line.count("\n") for line in lines)
    drawn, panels = style.panels_of(len(sizes), width, height, sharey=True)
    for size, panel in zip(sizes, panels, strict=True):
        rows = rows_at(table, size).set_index("line").loc[lines]
        margin = draw_panel(panel, rows, settings["margin"])
        if len(sizes) > 1:
            panel.set_title(f"{size} rows")
    panels[0].set_yticks(range(len(lines)), lines)
    words = [
        f"Worse ← typical {metric.gain} → better.",
        style.about_intervals(table, settings),
        margin,
        caption,
    ]
    style.words_around(drawn, style.title_of(settings), about, words)
    return drawn


def draw_panel(panel: Axes, table: pd.DataFrame, margin: float) -> str:
    """Draw a line for each row, and return what the band of the margin is.

    A row has its `note` at the right, and its marker may be `hollow`.
    """
    panel.grid(False)
    ends = table[["typical", "typical_low", "typical_high"]].to_numpy(float)
    known = [-2 * margin, 2 * margin, *ends[np.isfinite(ends)]]
    beside = (max(known) - min(known)) / 20
    limits = min(known) - beside, max(known) + beside
    words = style.draw_margin(panel, margin, "v")
    for place, row in enumerate(table.to_dict("records")):
        colour, marker = style.VERDICTS.get(row["verdict"], style.NONE)
        for name, width in style.WIDTHS.items():
            interval = np.array([row[f"{name}_low"], row[f"{name}_high"]])
            # An end that the data do not bound stops at the panel's edge.
            if np.isfinite(interval).any():
                panel.hlines(place, *np.clip(interval, *limits), color=colour, lw=width)
        if np.isfinite(row["typical"]):
            fill = "white" if row["hollow"] else colour
            panel.plot(row["typical"], place, marker, color=colour, mfc=fill, ms=6)
        at, axes = (1.02, place), ("axes fraction", "data")
        looks: dict[str, Any] = {"va": "center", "fontsize": 8, "color": colour}
        panel.annotate(row["note"], at, xycoords=axes, **looks)
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(*limits)
    return words


def pairs_of_study(inputs: Inputs) -> pd.DataFrame:
    """Return a study's comparisons with the `line` of each, as `make` draws them."""
    settings, table = inputs.settings, inputs.table("comparisons.csv")
    lines, notes = [], []
    for row in table.itertuples():
        name = style.label(row.variant, settings, 26)
        lines.append(f"{name}\nvs {style.wrapped(row.reference)}")
        words = in_words(row.verdict, row.note, f"{settings['margin']:g}")
        notes.append(textwrap.fill(words, 26))
    hollow = ~table["verdict"].isin([*style.VERDICTS])
    return table.assign(line=lines, note=notes, hollow=hollow)


def gains_of_sources(table: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Return the gain from each source at its best depth, as `make` draws them."""
    key = ["target_size", "source", "variant"]
    gains = best[[*key, "freeze", "may_be_best"]].merge(table, on=key)
    return gains.assign(
        line=[style.wrapped(source, 24) for source in gains["source"]],
        note=gains["freeze"].astype(str),
        hollow=gains["may_be_best"] != "yes",
    )
