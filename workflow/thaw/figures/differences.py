"""Draw typical differences with their intervals (a forest plot).

A panel for each target size. Of a study, a line for each comparison; of a ranking, one
for each source, at its best depth, the source that gains most on top.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.gains import rows_at
from thaw.findings.metrics import metric_of
from thaw.findings.shown import units
from thaw.findings.verdicts import in_words
from thaw.output.inputs import Inputs


def draw(
    table: pd.DataFrame, settings: Mapping[str, Any], what: str, caption: str
) -> Figure:
    """Draw a panel for each target size; comparisons keep their lines in all of them.

    `table` is that of the comparisons, with the `line` of each, its `note` at the right
    and whether its marker is `hollow`.
    """
    sizes, lines = in_order(settings["target_sizes"]), [*table["line"].unique()]
    width = 2.3 if len(sizes) > 1 else 5.8
    height = 0.6 + 0.16 * sum(2 + line.count("\n") for line in lines)
    drawn, panels = style.panels_of(len(sizes), width, height, sharey=True)
    for size, panel in zip(sizes, panels, strict=True):
        rows = rows_at(table, size).set_index("line").loc[lines]
        margin = draw_panel(panel, rows, settings["margin"])
        if len(sizes) > 1:
            panel.set_title(f"{size} rows")
    panels[0].set_yticks(range(len(lines)), lines)
    gain = metric_of(settings["metric"][0]).gain
    words = [
        f"Worse ← typical {gain} → better.",
        style.about_intervals(table, settings),
        margin,
        caption,
    ]
    style.words_around(drawn, style.title_of(settings), what, words)
    return drawn


def draw_panel(panel: Axes, table: pd.DataFrame, margin: float) -> str:
    """Draw a line for each row, and return what the band of the margin is."""
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
        panel.annotate(
            row["note"],
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(*limits)
    return words


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    if "sources" in settings:
        table = gains_of_sources(
            *map(inputs.table, ("sources.csv", "best-sources.csv"))
        )
        what = f"gain on {settings['baseline']} from each source, at its best depth"
        caption = (
            "Filled: may be the best source; hollow: another one is typically better. "
            "At the right: how many layers the best depth freezes. Each panel has its "
            "own scale."
        )
        return draw(table, settings, what, caption)
    table, margin = inputs.table("comparisons.csv"), f"{settings['margin']:g}"
    names = [
        f"{style.label(row.variant, settings, 26)}\nvs {style.wrapped(row.reference)}"
        for row in table.itertuples()
    ]
    is_swept = len(settings["target_sizes"]) > 1
    notes = [
        "" if is_swept else textwrap.fill(in_words(row.verdict, row.note, margin), 26)
        for row in table.itertuples()
    ]
    hollow = [verdict not in style.VERDICTS for verdict in table["verdict"]]
    table = table.assign(line=names, note=notes, hollow=hollow)
    return draw(
        table, settings, "typical differences", f"n = {', '.join(units(table))}."
    )


def gains_of_sources(table: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Return the gain from each source at its best depth, as `draw` takes them."""
    key = ["target_size", "source", "variant"]
    gains = best[[*key, "freeze", "may_be_best"]].merge(table, on=key)
    # Lines come in the order of rows.
    place = gains["source"].map({name: n for n, name in enumerate(by_gain(best))})
    gains = gains.iloc[place.argsort(kind="stable")]
    return gains.assign(
        line=[style.wrapped(source, 24) for source in gains["source"]],
        note=gains["freeze"].astype(str),
        hollow=gains["may_be_best"] != "yes",
    )


def by_gain(best: pd.DataFrame) -> list[str]:
    """Return the sources by their gains, summed over sizes, the largest first.

    Those without any, because all networks failed, are last.
    """
    total = best.groupby("source", sort=False)["typical"].sum(min_count=1)
    return [*total.sort_values(ascending=False, kind="stable").index]
