"""Draw the gain from each of several sources, at its best depth (a forest plot).

A panel for each target size, a line for each source, the one that gains most on top.
"""

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
from thaw.output.inputs import Inputs

CAPTION = (
    "Filled: may be the best source; hollow: another one is typically better. At the "
    "right: how many layers the best depth freezes. Each panel has its own scale."
)


def draw(
    table: pd.DataFrame, best: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure:
    """Draw a panel for each target size; sources keep their lines in all of them.

    `table` are the gains from each source at each depth, `best` those at its best.
    """
    sizes, margin = in_order(settings["target_sizes"]), settings["margin"]
    key = ["target_size", "source", "variant"]
    gains = best[[*key, "freeze", "may_be_best"]].merge(table, on=key)
    sources = order(best)
    columns = min(len(sizes), style.IN_A_ROW)
    rows = -(-len(sizes) // columns)
    height = 0.6 + 0.26 * len(sources)
    names = [style.label(source, 24) for source in sources]
    width = 0.075 * max(len(line) for name in names for line in name.split("\n"))
    drawn = style.figure(0.4 + width + max(2.3 * columns, 4), 1.4 + height * rows)
    grid = drawn.subplots(rows, columns, sharey=True, squeeze=False)
    for panel in [*grid.flat][len(sizes) :]:
        panel.remove()
    for size, panel in zip(sizes, grid.flat, strict=False):
        own = rows_at(gains, size).set_index("source").loc[sources]
        margin_in_words = _draw_panel(panel, own, margin)
        if sizes != ["all"]:
            panel.set_title(f"{size} rows")
    first = grid[0, 0]
    first.set_yticks(range(len(sources)), names)
    first.set_ylim(len(sources) - 0.4, -0.6)
    gain, baseline = metric_of(settings["metric"][0]).gain, settings["baseline"]
    caption = [
        f"Worse ← typical {gain} on {baseline} → better.",
        style.level_of(table["level"].iloc[0]),
        style.of_rows(table),
        margin_in_words,
        CAPTION,
    ]
    what = f"typical gain on {baseline} from each source, at its best depth"
    style.words_around(drawn, style.title_of(settings), what, caption)
    return drawn


def order(best: pd.DataFrame) -> list[str]:
    """Return the sources by their gains, summed over sizes, the largest first.

    Those without any, because all networks failed, are last.
    """
    total = best.groupby("source", sort=False)["typical"].sum(min_count=1)
    return [*total.sort_values(ascending=False, kind="stable").index]


def _draw_panel(panel: Axes, own: pd.DataFrame, margin: float) -> str:
    """Draw the intervals of all sources at a size, and return what the grey band is."""
    panel.grid(False)
    ends = own[["typical", "typical_low", "typical_high"]].to_numpy(float)
    known = [-2 * margin, 2 * margin, *ends[np.isfinite(ends)]]
    beside = (max(known) - min(known)) / 20
    limits = min(known) - beside, max(known) + beside
    panel.set_xlim(*limits)
    words = style.draw_margin(panel, margin, "v")
    for place, row in enumerate(own.itertuples()):
        colour, marker = style.verdict_look(row.verdict)
        for found, width in (
            ((row.typical_low, row.typical_high), style.OUTER),
            ((row.these_rows_low, row.these_rows_high), style.INNER),
        ):
            # An end that the data do not bound stops at the panel's edge.
            if np.isfinite(found).any():
                panel.hlines(place, *np.clip(found, *limits), color=colour, lw=width)
        if np.isfinite(row.typical):
            fill = colour if row.may_be_best == "yes" else "white"
            panel.plot(row.typical, place, marker, color=colour, mfc=fill, ms=5.5)
        panel.annotate(
            str(row.freeze),
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=style.MUTED,
        )
    return words


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    table, best = map(inputs.table, ("sources.csv", "best-sources.csv"))
    return draw(table, best, inputs.settings)
