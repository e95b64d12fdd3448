"""Draw the scores and gains of a study's variants by the number of target rows.

On the left the mean of each variant, on the right its typical gain on the baseline,
with intervals that all hold at once, and the band of ±margin.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> Figure:
    """Return both panels; sizes stand side by side, in order, all rows last."""
    settings = inputs.settings
    summary, comparisons = map(inputs.table, ("summary.csv", "comparisons.csv"))
    sizes, baseline = in_order(settings["target_sizes"]), settings["baseline"]
    comparisons = comparisons[comparisons["reference"] == baseline]
    drawn = style.figure(9.2, 4.4)
    left, right = drawn.subplots(1, 2)
    looks = style.looks(settings)
    for number, variant in enumerate(settings["variants"]):
        # A little beside the others'.
        x = np.arange(len(sizes)) + 0.06 * (number - (len(looks) - 1) / 2)
        label = style.label(variant, settings, 22)
        for panel, table, columns in (
            (left, summary, ["mean"]),
            (right, comparisons, [*style.WIDTHS]),
        ):
            rows = table[table["variant"] == variant].set_index("target_size")
            if len(rows):
                rows = rows.loc[[*map(str, sizes)]]
                draw_line(panel, x, rows, columns, looks[variant]).set_label(label)
    caption = [
        "Left: means with 95 % intervals.",
        style.draw_constant(left, summary["constant"].iloc[0], settings),
        f"Right: gains. {style.about_intervals(comparisons, settings)}",
        style.draw_margin(right, settings["margin"]),
    ]
    for panel in (left, right):
        panel.set_xticks(range(len(sizes)), map(str, sizes))
        panel.set_xlabel(f"train rows of {settings['target']}")
    left.set_ylabel(f"mean {inputs.metric.axis}")
    right.set_ylabel(f"worse ← typical gain on {baseline} → better")
    handles = left.get_legend_handles_labels()
    drawn.legend(*handles, loc="outside right center", handlelength=3)
    repeats = summary["repeats"].iloc[0]
    about = f"{repeats} repeats of each variant and number of train rows"
    style.words_around(drawn, style.title_of(settings), about, caption)
    return drawn


def draw_line(
    panel: Axes, x: np.ndarray, rows: pd.DataFrame, names: list[str], look: style.Look
) -> Line2D:
    """Draw a line through the first of these columns, with all their intervals."""
    for name, width in zip(names, style.WIDTHS.values(), strict=False):
        ends = rows[[f"{name}_low", f"{name}_high"]].to_numpy(float)
        # An interval without bounds shows nothing, and would squash the panel.
        bounded = np.isfinite(ends).all(1)
        panel.vlines(x[bounded], *ends[bounded].T, color=look.colour, lw=width)
    values = rows[names[0]].to_numpy(float)
    known = np.where(np.isfinite(values), values, np.nan)
    return panel.plot(x, known, ms=4.5, lw=1.2, **look.of_lines())[0]
