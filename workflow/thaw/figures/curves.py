"""Learning curves: loss above, accuracy below; train on the left, test on the right."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from thaw.figures.style import colour, figure, label, line

PANELS = (
    (("train_loss", "train"), ("test_loss", "test")),
    (("train_accuracy", "train"), ("test_accuracy", "test")),
)


class Band(NamedTuple):
    """A curve over epochs, and steps, and the band around it, each `[epochs + 1]`."""

    step: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def draw_curves(curves: Mapping[str, Mapping[str, Band]], title: str) -> Figure:
    """Draw a line with its band for each name and metric: `curves[name][metric]`."""
    drawn = figure(7.2, 5.2)
    drawn.suptitle(title, fontsize=10)
    axes = drawn.subplots(2, 2, sharex=True, sharey="row")
    drawn_bands = [band for bands in curves.values() for band in bands.values()]
    by_epochs = epochs_are_alike(drawn_bands)
    for row, metrics in zip(axes, PANELS, strict=True):
        for panel, (metric, part) in zip(row, metrics, strict=True):
            for number, (name, bands) in enumerate(curves.items()):
                band = bands[metric]
                time = np.arange(len(band.step)) if by_epochs else band.step
                panel.plot(
                    time,
                    band.mean,
                    color=colour(number),
                    ls=line(number),
                    lw=1.3,
                    label=label(name, 18),
                )
                panel.fill_between(
                    time, band.low, band.high, color=colour(number), alpha=0.15, lw=0
                )
            panel.set_title(part, fontsize=9)
    # Before training the loss is many times what it is after a few epochs.
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylabel("loss (cross-entropy, nats)")
    axes[1, 0].set_ylabel("accuracy")
    for panel in axes[1]:
        unit = "epoch" if by_epochs else "step of gradient descent"
        panel.set_xlabel(f"{unit} (0 = before training)")
    axes[1, 1].legend(loc="lower right", fontsize=8)
    return drawn


def epochs_are_alike(bands: Sequence[Band]) -> bool:
    """Whether an epoch is as many steps in all curves, and in each from first to last.

    Else they are comparable by steps only.
    """
    return len({step for band in bands for step in np.diff(band.step)}) == 1
