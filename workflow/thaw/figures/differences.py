"""Draw typical differences with their intervals (a forest plot).

Of a study, its comparisons, a line each. Of a ranking, the gain from each source at its
best depth: a panel for each target size, the source that gains most on top.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.gains import rows_at
from thaw.findings.metrics import metric_of
from thaw.findings.samples import CONDITION
from thaw.findings.shown import units
from thaw.output.inputs import Inputs


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a line for each comparison, top to bottom, with the verdict beside it."""
    drawn = style.figure(7.6, 2.1 + 0.55 * len(table))
    panel = drawn.subplots()
    verdicts = [textwrap.fill(verdict, 26) for verdict in table["verdict"]]
    caption = [draw_forest(panel, table, settings["margin"], verdicts)]
    is_swept = table["target_size"].nunique() > 1
    names = [
        f"{style.label(row.variant, settings, 26)}\nvs {style.wrapped(row.reference)}"
        + (f", {row.target_size} rows" if is_swept else "")
        for row in table.itertuples()
    ]
    panel.set_yticks(range(len(table)), names)
    reach = max(map(abs, panel.get_xlim()))
    panel.set_xlim(-reach, reach)
    gain = metric_of(settings["metric"][0]).gain
    panel.set_xlabel(f"worse ← typical {gain} → better")
    if table["given"].notna().any():
        caption.append(f"All of it is {CONDITION}.")
    caption.append(f"n = {', '.join(units(table))}.")
    style.words_around(drawn, style.title_of(settings), "typical differences", caption)
    return drawn


def draw_sources(
    table: pd.DataFrame, best: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure:
    """Draw a panel for each target size; sources keep their lines in all of them.

    `table` are the gains from each source at each depth, `best` those at its best.
    """
    sizes, key = (
        in_order(settings["target_sizes"]),
        ["target_size", "source", "variant"],
    )
    gains = best[[*key, "freeze", "may_be_best"]].merge(table, on=key)
    sources = by_gain(best)
    names = [style.wrapped(source, 24) for source in sources]
    height = 0.6 + 0.26 * len(sources)
    drawn, panels = style.panels_of(len(sizes), 2.3, height, sharey=True)
    for size, panel in zip(sizes, panels, strict=True):
        rows = rows_at(gains, size).set_index("source").loc[sources]
        hollow = rows["may_be_best"] != "yes"
        depths = [str(freeze) for freeze in rows["freeze"]]
        words = draw_forest(panel, rows, settings["margin"], depths, [*hollow])
        if sizes != ["all"]:
            panel.set_title(f"{size} rows")
    panels[0].set_yticks(range(len(sources)), names)
    gain, baseline = metric_of(settings["metric"][0]).gain, settings["baseline"]
    caption = [
        f"Worse ← typical {gain} on {baseline} → better. {words} Filled: may be the "
        "best source; hollow: another one is typically better. At the right: how many "
        "layers the best depth freezes. Each panel has its own scale."
    ]
    what = f"typical gain on {baseline} from each source, at its best depth"
    style.words_around(drawn, style.title_of(settings), what, caption)
    return drawn


def by_gain(best: pd.DataFrame) -> list[str]:
    """Return the sources by their gains, summed over sizes, the largest first.

    Those without any, because all networks failed, are last.
    """
    total = best.groupby("source", sort=False)["typical"].sum(min_count=1)
    return [*total.sort_values(ascending=False, kind="stable").index]


def draw_forest(
    panel: Axes,
    table: pd.DataFrame,
    margin: float,
    notes: Sequence[str],
    hollow: Sequence[bool] = (),
) -> str:
    """Draw a line for each row, its note at the right; return what lines mean.

    Markers are `hollow` as told or, by default, where the verdict is not clear.
    """
    panel.grid(False)
    ends = table[["typical", "typical_low", "typical_high"]].to_numpy(float)
    known = [-2 * margin, 2 * margin, *ends[np.isfinite(ends)]]
    beside = (max(known) - min(known)) / 20
    limits = min(known) - beside, max(known) + beside
    words = style.draw_margin(panel, margin, "v")
    for place, row in enumerate(table.to_dict("records")):
        colour, marker = style.verdict_look(row["verdict"])
        is_hollow = hollow[place] if hollow else (colour, marker) == style.NONE
        for name, width in style.WIDTHS.items():
            interval = np.array([row[f"{name}_low"], row[f"{name}_high"]])
            # An end that the data do not bound stops at the panel's edge.
            if np.isfinite(interval).any():
                panel.hlines(place, *np.clip(interval, *limits), color=colour, lw=width)
        if np.isfinite(row["typical"]):
            fill = "white" if is_hollow else colour
            panel.plot(row["typical"], place, marker, color=colour, mfc=fill, ms=6)
        panel.annotate(
            notes[place],
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(*limits)
    return f"{style.about_intervals(table)} {words}"


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    if "sources" in inputs.settings:
        table, best = map(inputs.table, ("sources.csv", "best-sources.csv"))
        return draw_sources(table, best, inputs.settings)
    return draw(inputs.table("comparisons.csv"), inputs.settings)
