"""Draw how the gain over the baseline changes as training goes on.

A panel a variant. Filled points are clear verdicts, hollow ones are none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures.style import colour, figure, label, title_of
from thaw.findings.metrics import METRICS, with_history
from thaw.output.inputs import Inputs

# As many panels as stand side by side.
IN_A_ROW = 4

# How the verdicts begin that are clear.
CLEAR = ("typically better", "typically worse", "equivalent")


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a panel a variant, all with the same axes."""
    variants = list(dict.fromkeys(table["variant"]))
    across = min(len(variants), IN_A_ROW)
    down = -(-len(variants) // IN_A_ROW)
    drawn = figure(max(4.6, 1.2 + 2.3 * across), 1.7 + 2.1 * down)
    panels = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for panel in panels.flat[len(variants) :]:
        panel.set_visible(False)
    for panel, variant in zip(panels.flat, variants, strict=False):
        rows = table[table["variant"] == variant]
        draw_gain(panel, rows, colour(settings["places"][variant]))
        panel.axhspan(
            -settings["margin"], settings["margin"], color="#e8e8e8", lw=0, zorder=0
        )
        panel.axhline(0, color="black", lw=0.8, zorder=1)
        panel.set_title(label(variant, 24), fontsize=9)
    gain = with_history(METRICS[settings["metric"]]).gain
    drawn.supylabel(f"worse ← typical {gain} → better", fontsize=8)
    drawn.supxlabel(
        "epoch (0 = before training); filled: typically better, worse or equivalent,\n"
        f"each epoch by itself; grey: ±{settings['margin']:g}",
        fontsize=8,
    )
    drawn.suptitle(
        f"{title_of(settings)}\nthe gain on {settings['baseline']} as training goes on",
        fontsize=10,
    )
    return drawn


def draw_gain(panel: Axes, rows: pd.DataFrame, shade: str) -> None:
    """Draw a variant's typical gains by epoch, with their intervals."""
    epochs = rows["epoch"].to_numpy()
    typical, low, high = (
        rows[column].to_numpy(float)
        for column in ("typical", "typical_low", "typical_high")
    )
    bounded = np.isfinite(low) & np.isfinite(high)
    panel.vlines(epochs[bounded], low[bounded], high[bounded], color=shade, lw=1.3)
    known = np.where(np.isfinite(typical), typical, np.nan)
    panel.plot(epochs, known, color=shade, lw=1)
    clear = rows["verdict"].str.startswith(CLEAR).to_numpy()
    panel.scatter(epochs[clear], known[clear], s=18, color=shade, zorder=3)
    panel.scatter(
        epochs[~clear], known[~clear], s=18, color="white", edgecolors=shade, zorder=3
    )


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    return draw(inputs.table("gains-by-epoch.csv"), inputs.settings)
