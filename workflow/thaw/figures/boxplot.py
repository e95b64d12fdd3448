"""Draw a study's scores: a box for each variant and a point for each repeat."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import Metric
from thaw.findings.samples import CONDITION, Sample
from thaw.output.inputs import Inputs


def draw(
    samples: Mapping[str, Sample], metric: Metric, settings: Mapping[str, Any]
) -> Figure:
    """Draw a box for each variant, and all points."""
    drawn = style.figure(max(5.2, 1.1 + 1.25 * len(samples)), 4.2)
    panel, looks = drawn.subplots(), style.looks(settings)
    count = max(len(sample.values) for sample in samples.values())
    boxes = panel.boxplot(
        [sample.values for sample in samples.values()],
        tick_labels=[style.label(variant, settings) for variant in samples],
        widths=0.62,
        showfliers=False,
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"color": style.MUTED},
        capprops={"color": style.MUTED},
    )
    # A fixed pseudo-random order, so that neighbours in time are none in the figure.
    random = np.random.Generator(np.random.PCG64(0))
    for place, (variant, sample) in enumerate(samples.items()):
        boxes["boxes"][place].set_color(looks[variant].colour)
        offsets = random.permuted(np.linspace(-0.24, 0.24, len(sample.values)))
        points = looks[variant].of_points(count * len(samples))
        x = place + 1 + offsets
        panel.scatter(x, sample.values, s=10, alpha=0.6, zorder=3, **points)
    panel.set_ylabel(metric.axis)
    caption = [
        "Boxes: median and quartiles; whiskers reach the furthest points within 1.5 "
        "interquartile ranges of the box. Each point is a network.",
        style.draw_constant(panel, next(iter(samples.values())).constant, settings),
    ]
    if any(sample.is_conditional for sample in samples.values()):
        caption.append(f"All of it is {CONDITION}.")
    about = f"{metric.axis} of {count} repeats of each variant"
    title = style.title_of(settings, settings["shown_size"])
    style.words_around(drawn, title, about, caption)
    return drawn


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, metric = inputs.settings, inputs.metric
    samples = inputs.samples(settings["variants"], settings["shown_size"], metric)
    return draw(samples, metric, settings)
