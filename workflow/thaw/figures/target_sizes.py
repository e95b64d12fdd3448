"""Draw how a study's variants fare as they learn from more of the target's rows.

On the left the mean of each variant, on the right what it typically gains on the
baseline, with intervals that all hold at once, and the band of ±margin.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures.style import colour, draw_constant, figure, label, line, marker
from thaw.findings.arms import in_order
from thaw.findings.gains import by_size
from thaw.findings.metrics import METRICS
from thaw.output.inputs import Inputs


def draw(
    summary: pd.DataFrame, comparisons: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure:
    """Draw both panels; sizes stand side by side, in order, all rows last."""
    sizes = in_order(settings["target_sizes"])
    drawn = figure(8.2, 4.2)
    left, right = drawn.subplots(1, 2)
    middle = (len(settings["variants"]) - 1) / 2
    for number, variant in enumerate(settings["variants"]):
        aside, place = 0.06 * (number - middle), settings["places"][variant]
        rows = by_size(summary[summary["variant"] == variant], sizes)
        draw_line(
            left, rows["mean"], (rows["mean_low"], rows["mean_high"]), place, aside
        )
        gains = comparisons[comparisons["variant"] == variant]
        gains = by_size(gains[gains["reference"] == settings["baseline"]], sizes)
        if len(gains):
            ends = gains["typical_low"], gains["typical_high"]
            draw_line(right, gains["typical"], ends, place, aside)
        left.plot([], [], **style(place), label=label(variant, 24))
    margin = settings["margin"]
    right.axhspan(-margin, margin, color="#e8e8e8", lw=0, zorder=0)
    right.axhline(0, color="black", lw=0.8, zorder=1)
    for panel in (left, right):
        panel.set_xticks(range(len(sizes)), map(str, sizes))
        panel.set_xlabel(f"train rows of {settings['target']}")
    metric = METRICS[settings["metric"]]
    left.set_ylabel(f"{metric.words}: mean, 95 % interval")
    commonest = draw_constant(left, summary["constant"].iloc[0])
    left.set_title(commonest, fontsize=8)
    right.set_ylabel(f"worse ← typical gain on {settings['baseline']} → better")
    level = f"{100 * comparisons['level'].iloc[0]:.4g}"
    right.set_title(
        f"{level} % intervals, which all hold\nat once with 95 %; grey: ±{margin:g}",
        fontsize=8,
    )
    left.legend(
        fontsize=8, loc="upper right" if metric.lower_is_better else "lower right"
    )
    drawn.suptitle(
        f"{settings['study']}: {settings['source']} → {settings['target']}, "
        f"{summary['repeats'].iloc[0]} repeats of each variant and size",
        fontsize=10,
    )
    return drawn


def draw_line(
    panel: Axes,
    middle: pd.Series,
    ends: tuple[pd.Series, pd.Series],
    place: int,
    aside: float,
) -> None:
    """Draw a line through the sizes with an interval at each, moved a little aside."""
    sizes = np.arange(len(middle)) + aside
    low, high = (end.to_numpy(float) for end in ends)
    # An interval that the data do not bound says nothing, and would squash the panel.
    bounded = np.isfinite(low) & np.isfinite(high)
    panel.vlines(
        sizes[bounded], low[bounded], high[bounded], color=colour(place), lw=1.4
    )
    values = middle.to_numpy(float)
    panel.plot(sizes, np.where(np.isfinite(values), values, np.nan), **style(place))


def style(place: int) -> dict[str, Any]:
    """Return how the variant of that place is drawn."""
    return {
        "color": colour(place),
        "ls": line(place),
        "marker": marker(place),
        "ms": 4.5,
        "lw": 1.3,
    }


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    summary, comparisons = map(inputs.table, ("summary.csv", "comparisons.csv"))
    return draw(summary, comparisons, inputs.settings)
