"""Draw the scores and gains of a study's variants by the number of target rows.

On the left the mean of each variant, on the right its typical gain on the baseline,
with intervals that all hold at once, and the band of ±margin.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.gains import by_size
from thaw.findings.metrics import metric_of
from thaw.output.inputs import Inputs


def draw(
    summary: pd.DataFrame, comparisons: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure:
    """Draw both panels; sizes stand side by side, in order, all rows last."""
    sizes, baseline = in_order(settings["target_sizes"]), settings["baseline"]
    drawn = style.figure(9.2, 4.4)
    left, right = drawn.subplots(1, 2)
    middle = (len(settings["variants"]) - 1) / 2
    looks = style.looks(settings)
    for number, variant in enumerate(settings["variants"]):
        # A little beside the others'.
        x, look = np.arange(len(sizes)) + 0.06 * (number - middle), looks[variant]
        rows = by_size(summary[summary["variant"] == variant], sizes)
        line = draw_line(left, x, rows, ["mean"], look)
        line.set_label(style.label(variant, settings, 22))
        gains = comparisons[comparisons["variant"] == variant]
        gains = by_size(gains[gains["reference"] == baseline], sizes)
        if len(gains):
            draw_line(right, x, gains, [*style.WIDTHS], look)
    caption = [
        "Left: means with 95 % intervals.",
        style.draw_constant(left, summary["constant"].iloc[0], settings),
        f"Right: gains. {style.about_intervals(comparisons, settings)}",
        style.draw_margin(right, settings["margin"]),
    ]
    for panel in (left, right):
        panel.set_xticks(range(len(sizes)), map(str, sizes))
        panel.set_xlabel(f"train rows of {settings['target']}")
    left.set_ylabel(f"mean {metric_of(settings['metric'][0]).axis}")
    right.set_ylabel(f"worse ← typical gain on {baseline} → better")
    drawn.legend(loc="outside right center", handlelength=3)
    repeats = summary["repeats"].iloc[0]
    what = f"{repeats} repeats of each variant and number of train rows"
    style.words_around(drawn, style.title_of(settings), what, caption)
    return drawn


def draw_line(
    panel: Axes, x: np.ndarray, rows: pd.DataFrame, names: list[str], look: style.Look
) -> Line2D:
    """Draw a line through the first of these columns, with all their intervals."""
    for name, width in zip(names, style.WIDTHS.values(), strict=False):
        low, high = (rows[f"{name}_{end}"].to_numpy(float) for end in ("low", "high"))
        # An interval without bounds shows nothing, and would squash the panel.
        bounded = np.isfinite(low) & np.isfinite(high)
        ends = low[bounded], high[bounded]
        panel.vlines(x[bounded], *ends, color=look.colour, lw=width)
    values = rows[names[0]].to_numpy(float)
    known = np.where(np.isfinite(values), values, np.nan)
    return panel.plot(x, known, ms=4.5, lw=1.2, **look.of_lines())[0]


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    summary, comparisons = map(inputs.table, ("summary.csv", "comparisons.csv"))
    return draw(summary, comparisons, inputs.settings)
