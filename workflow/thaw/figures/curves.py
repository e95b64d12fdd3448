"""Learning curves: loss above, accuracy below; train on the left, test on the right."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from thaw.figures.style import colour, draw_constant, figure, label, line

PANELS = (
    (("train_loss", "train"), ("test_loss", "test")),
    (("train_accuracy", "train"), ("test_accuracy", "test")),
)


class Curve(NamedTuple):
    """The median and the quartiles of some curves, each `[epochs + 1]`.

    step: the steps of gradient descent so far. each: the curves themselves, where each
    is to be seen, `[networks, epochs + 1]`.
    """

    step: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    each: np.ndarray | None = None


def draw_curves(
    curves: Mapping[str, Mapping[str, Curve]],
    title: str,
    constant: float,
    places: Mapping[str, int],
) -> Figure:
    """Draw the curves of each name and metric: `curves[name][metric]`.

    `constant` is the test accuracy of the best constant prediction; `places` are those
    of the names, by which they are coloured.
    """
    drawn = figure(7.2, 5.2)
    drawn.suptitle(title, fontsize=10)
    axes = drawn.subplots(2, 2, sharex=True, sharey="row")
    by_epochs = epochs_are_alike([c for own in curves.values() for c in own.values()])
    for row, metrics in zip(axes, PANELS, strict=True):
        for panel, (metric, part) in zip(row, metrics, strict=True):
            for name, own in curves.items():
                curve, shade = own[metric], colour(places[name])
                time = np.arange(len(curve.step)) if by_epochs else curve.step
                if curve.each is not None:
                    panel.plot(time, curve.each.T, color=shade, lw=0.5, alpha=0.4)
                else:
                    ends = curve.low, curve.high
                    panel.fill_between(time, *ends, color=shade, alpha=0.12, lw=0)
                panel.plot(
                    time,
                    curve.median,
                    color=shade,
                    ls=line(places[name]),
                    lw=1.5,
                    label=label(name, 18),
                )
            panel.set_title(part, fontsize=9)
    # Before training the loss is many times what it is after a few epochs.
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylabel("loss (cross-entropy, nats)")
    axes[1, 0].set_ylabel("accuracy")
    unit = "epoch" if by_epochs else "step of gradient descent"
    for panel in axes[1]:
        panel.set_xlabel(f"{unit} (0 = before training)")
    words = draw_constant(axes[1, 1], constant)
    axes[1, 1].set_title(f"test; {words}", fontsize=8)
    axes[1, 1].legend(
        loc="lower right", fontsize=8, frameon=True, facecolor="white", edgecolor="none"
    )
    return drawn


def epochs_are_alike(curves: Sequence[Curve]) -> bool:
    """Whether an epoch is as many steps in all curves, and in each from first to last.

    Else they are comparable by steps only.
    """
    return len({step for curve in curves for step in np.diff(curve.step)}) == 1
