"""Draw a study's learning curves: a line for each variant, with a band."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, NullLocator

from thaw.figures import style
from thaw.findings.gains import rows_at
from thaw.findings.metrics import of_history
from thaw.findings.samples import CONDITION
from thaw.learning.history import names_of
from thaw.learning.tasks import TASKS, Task
from thaw.output.inputs import Inputs

# The columns of the table that make a curve, in the order of `Curve`.
COLUMNS = ("step", "q25", "median", "q75")

# The number of markers on a curve, each curve's a little beside the others'.
MARKED = 6


class Curve(NamedTuple):
    """The median and the quartiles of some curves, each `[epochs + 1]`.

    step: the steps of gradient descent so far. each: the curves themselves, if each is
    to be seen, `[networks, epochs + 1]`.
    """

    step: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    each: np.ndarray | None = None


def draw(
    curves: Mapping[str, Mapping[str, Curve]],
    styles: Mapping[str, style.Look],
    constant: float,
    words: Sequence[str],
    task: Task,
    unit: str,
    settings: Mapping[str, Any],
) -> Figure:
    """Draw the curves of each name and metric: `curves[name][metric]`.

    `constant` is the test score of the best constant prediction; the `words` are both
    lines of the title, then the caption's sentences; `unit` is that of the labels.
    """
    # Loss above, score below; train on the left, test on the right.
    train_score, train_loss, test_score, test_loss = names_of(task)
    panels = (train_loss, test_loss), (train_score, test_score)
    drawn = style.figure(8.2, 5.6)
    axes = drawn.subplots(2, 2, sharex=True, sharey="row")
    by_epochs = epochs_are_alike([c for own in curves.values() for c in own.values()])
    for row, metrics in zip(axes, panels, strict=True):
        for panel, metric in zip(row, metrics, strict=True):
            for place, (name, own) in enumerate(curves.items()):
                curve, look = own[metric], styles[name]
                time = np.arange(len(curve.step)) if by_epochs else curve.step
                apart = max(1, len(time) // MARKED)
                if curve.each is not None:
                    each = {"color": look.colour, "lw": 0.5, "alpha": 0.35}
                    panel.plot(time, curve.each.T, **each)
                else:
                    ends = curve.low, curve.high
                    panel.fill_between(time, *ends, color=look.colour, alpha=0.1, lw=0)
                panel.plot(
                    time,
                    curve.median,
                    lw=1.4,
                    ms=4,
                    **look.of_lines(),
                    markevery=(apart * place // len(curves), apart),
                    label=style.label(name, 18),
                )
            panel.set_title(metric.partition("_")[0])
    # The loss before training is many times that after a few epochs.
    loss = axes[0, 0]
    loss.set_yscale("log")
    low, high = loss.get_ylim()
    steps = LogLocator(subs=(1, 2, 5)) if high > 5 * low else AutoLocator()
    loss.yaxis.set_major_locator(steps)
    loss.yaxis.set_minor_locator(NullLocator())
    loss.yaxis.set_major_formatter(lambda value, _: style.number(value, "g"))
    for row, kept, lead in zip(axes, ("loss", "score"), ("loss: ", ""), strict=True):
        words_in_units = of_history(task.name, kept, unit).words_in_units
        row[0].set_ylabel(f"{lead}{words_in_units}")
    time_unit = "epoch" if by_epochs else "step of gradient descent"
    for panel in axes[1]:
        panel.set_xlabel(f"{time_unit} (0 = before training)")
    drawn.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside right center",
        handlelength=3,
    )
    title, what, *caption = words
    caption.append(style.draw_constant(axes[1, 1], constant, settings))
    style.words_around(drawn, title, what, caption)
    return drawn


def epochs_are_alike(curves: Sequence[Curve]) -> bool:
    """Whether an epoch is as many steps in all curves, and in each from first to last.

    Otherwise they are comparable by steps only.
    """
    return len({step for curve in curves for step in np.diff(curve.step)}) == 1


def curves_of(table: pd.DataFrame, variant: str) -> dict[str, Curve]:
    """Return the curves of one variant by metric."""
    rows = table[table["variant"] == variant]
    return {
        metric: Curve(*(part[column].to_numpy() for column in COLUMNS))
        for metric, part in rows.groupby("metric")
    }


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    table = rows_at(inputs.table("learning-curves.csv"), settings["shown_size"])
    words = [
        style.title_of(settings, settings["shown_size"]),
        "learning curves of each variant",
        "Lines: medians over the repeats; bands: the middle half of them.",
    ]
    if settings["source_models"] == 1:
        words.append(f"All of it is {CONDITION}.")
    curves = {variant: curves_of(table, variant) for variant in settings["networks"]}
    told = settings["metric"][0]
    task, unit = TASKS[told["task"]], told.get("unit", "")
    scores = table["metric"] == f"test_{task.score}"
    constant = table.loc[scores, "constant"].iloc[0]
    return draw(curves, style.looks(settings), constant, words, task, unit, settings)
