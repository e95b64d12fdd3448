"""Learning curves: loss above, accuracy below; train on the left, test on the right."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from thaw.figures.style import colour, figure, label, line

PANELS = (
    (("train_loss", "train"), ("test_loss", "test")),
    (("train_accuracy", "train"), ("test_accuracy", "test")),
)


class Band(NamedTuple):
    """A curve over the epochs and the band around it, each `[epochs + 1]`."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def draw_curves(curves: Mapping[str, Mapping[str, Band]], title: str) -> Figure:
    """Draw a line with its band for each name and metric: `curves[name][metric]`."""
    drawn = figure(7.2, 5.2)
    drawn.suptitle(title, fontsize=10)
    axes = drawn.subplots(2, 2, sharex=True, sharey="row")
    for row, metrics in zip(axes, PANELS, strict=True):
        for panel, (metric, part) in zip(row, metrics, strict=True):
            for number, (name, bands) in enumerate(curves.items()):
                band = bands[metric]
                epochs = np.arange(len(band.mean))
                panel.plot(
                    epochs,
                    band.mean,
                    color=colour(number),
                    ls=line(number),
                    lw=1.3,
                    label=label(name, 18),
                )
                panel.fill_between(
                    epochs, band.low, band.high, color=colour(number), alpha=0.15, lw=0
                )
            panel.set_title(part, fontsize=9)
    # Before training the loss is many times what it is after a few epochs.
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylabel("loss (cross-entropy, nats)")
    axes[1, 0].set_ylabel("accuracy")
    for panel in axes[1]:
        panel.set_xlabel("epoch (0 = before training)")
    axes[1, 1].legend(loc="lower right", fontsize=8)
    return drawn
