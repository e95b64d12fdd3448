"""Draw a study's learning curves: a line for each variant, with a band."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, NullLocator

from thaw.figures import style
from thaw.findings.gains import rows_at
from thaw.findings.metrics import of_history
from thaw.findings.samples import CONDITION
from thaw.learning.history import names_of
from thaw.learning.tasks import TASKS
from thaw.output.inputs import Inputs

# The number of markers on a curve, each curve's a little beside the others'.
MARKED = 6


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw loss above and score below, on train rows on the left and test rows right.

    `table` holds the curves at one target size.
    """
    metric = settings["metric"][0]
    task, unit = TASKS[metric["task"]], metric.get("unit", "")
    train_score, train_loss, test_score, test_loss = names_of(task)
    drawn = style.figure(8.2, 5.6)
    axes = drawn.subplots(2, 2, sharex=True, sharey="row")
    time = "epoch" if epochs_are_alike(table) else "step"
    panels = zip(
        axes.flat, (train_loss, test_loss, train_score, test_score), strict=True
    )
    for panel, name in panels:
        draw_curves(panel, table[table["metric"] == name], time, settings)
        panel.set_title(name.partition("_")[0])
    scale_losses(axes[0, 0])
    for row, kind, lead in zip(axes, ("loss", "score"), ("loss: ", ""), strict=True):
        row[0].set_ylabel(lead + of_history(task.name, kind, unit).words_in_units)
    words = {"epoch": "epoch", "step": "step of gradient descent"}[time]
    for panel in axes[1]:
        panel.set_xlabel(f"{words} on {settings['target']} (0 = before)")
    handles = axes[0, 0].get_legend_handles_labels()
    drawn.legend(*handles, loc="outside right center", handlelength=3)
    constant = table.loc[table["metric"] == test_score, "constant"].iloc[0]
    caption = ["Lines: medians over the repeats; bands: the middle half of them."]
    if settings["source_models"] == 1:
        caption.append(f"All of it is {CONDITION}.")
    caption.append(style.draw_constant(axes[1, 1], constant, settings))
    title = style.title_of(settings, settings["shown_size"])
    style.words_around(drawn, title, "learning curves of each variant", caption)
    return drawn


def draw_curves(
    panel: Axes, table: pd.DataFrame, time: str, settings: Mapping[str, Any]
) -> None:
    """Draw the median and the middle half of each variant's curves."""
    looks, variants = style.looks(settings), settings["networks"]
    for place, variant in enumerate(variants):
        rows, look = table[table["variant"] == variant], looks[variant]
        ends = rows["q25"], rows["q75"]
        panel.fill_between(rows[time], *ends, color=look.colour, alpha=0.1, lw=0)
        apart = max(1, len(rows) // MARKED)
        panel.plot(
            rows[time],
            rows["median"],
            lw=1.4,
            ms=4,
            **look.of_lines(),
            markevery=(apart * place // len(variants), apart),
            label=style.label(variant, settings, 22),
        )


def scale_losses(panel: Axes) -> None:
    """Make an axis logarithmic: losses before training are many times those after."""
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    steps = LogLocator(subs=(1, 2, 5)) if high > 5 * low else AutoLocator()
    panel.yaxis.set_major_locator(steps)
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(lambda value, _: style.minus(f"{value:g}"))


def epochs_are_alike(table: pd.DataFrame) -> bool:
    """Whether an epoch is as many steps in all curves, and in each from first to last.

    Otherwise they are comparable by steps only.
    """
    curves = table.groupby(["variant", "metric"])["step"]
    return len({step for _, curve in curves for step in np.diff(curve)}) == 1


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, table = inputs.settings, inputs.table("learning-curves.csv")
    return draw(rows_at(table, settings["shown_size"]), settings)
