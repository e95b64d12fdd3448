"""Draw how the gain over the baseline changes as training goes on.

One panel for each variant. Filled points are clear verdicts, hollow ones are not.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import by_epoch, metric_of
from thaw.output.inputs import Inputs


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a panel for each variant, all with the same axes."""
    variants = list(dict.fromkeys(table["variant"]))
    metric = by_epoch(settings["metric"][0])
    gain = metric.gain
    drawn, panels = style.panels_of(
        variants,
        settings,
        (2.3, 2.1),
        ("epoch (0 = before training)", f"worse ← typical {gain} → better"),
    )
    own = metric == metric_of(settings["metric"][0])
    margin_in_words = f"By epoch only the {metric.axis} is known."
    for panel, variant, look in panels:
        rows = table[table["variant"] == variant]
        style.draw_line(panel, rows["epoch"].to_numpy(), rows, "typical", look)
        unclear = rows[[style.verdict_look(v) == style.NONE for v in rows["verdict"]]]
        hollow = {"mfc": "white", "ls": ""}
        panel.plot("epoch", "typical", data=unclear, ms=4.5, **look.of_lines() | hollow)
        # If the metric is not the study's, the table has another margin.
        if own:
            margin_in_words = style.draw_margin(panel, settings["margin"])
    caption = [
        "Bars: intervals given these test rows, each epoch by itself. Filled: "
        "typically better, worse or equivalent; hollow: not clear.",
        margin_in_words,
    ]
    if settings["tuned"]:
        caption.append("Networks as they were then, not at the epoch that each keeps.")
    what = f"gain on {settings['baseline']} as training goes on"
    style.words_around(
        drawn, style.title_of(settings, settings["shown_size"]), what, caption
    )
    return drawn


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    return draw(inputs.table("gains-by-epoch.csv"), inputs.settings)
