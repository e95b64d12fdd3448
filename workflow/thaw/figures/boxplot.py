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
    """Draw a box for each variant, and all points.

    With several source models the points of a box form columns by source model.
    """
    drawn = style.figure(max(5.2, 1.1 + 1.25 * len(samples)), 4.2)
    panel = drawn.subplots()
    counts = [len(sample.values) for sample in samples.values()]
    boxes = panel.boxplot(
        [sample.values for sample in samples.values()],
        tick_labels=[style.label(variant, settings) for variant in samples],
        widths=0.62,
        showfliers=False,
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"color": style.MUTED},
        capprops={"color": style.MUTED},
    )
    looks = style.looks(settings)
    for place, (variant, sample) in enumerate(samples.items()):
        look = looks[variant]
        boxes["boxes"][place].set_color(look.colour)
        if sample.is_nested:
            offsets = spread(len(sample.models))[sample.unit_numbers]
        else:
            # A fixed pseudo-random order, so that neighbours in time are not neighbours
            # in the figure.
            random = np.random.Generator(np.random.PCG64(0))
            offsets = random.permuted(spread(counts[place]))
        panel.scatter(
            place + 1 + offsets,
            sample.values,
            s=10,
            alpha=0.6,
            zorder=3,
            **look.of_points(sum(counts)),
        )
    panel.set_ylabel(metric.axis)
    nested = any(sample.is_nested for sample in samples.values())
    caption = [
        "Boxes: median and quartiles; whiskers reach the furthest points within 1.5 "
        "interquartile ranges of the box.",
        f"Each point is a network{', in columns by source model' if nested else ''}.",
        style.draw_constant(panel, next(iter(samples.values())).constant, settings),
    ]
    if any(sample.is_conditional for sample in samples.values()):
        caption.append(f"All of it is {CONDITION}.")
    what = f"{metric.axis} of {counts[0]} repeats of each variant"
    style.words_around(
        drawn, style.title_of(settings, settings["shown_size"]), what, caption
    )
    return drawn


def spread(count: int) -> np.ndarray:
    """Return so many offsets, evenly spread over the width of a box."""
    return np.linspace(-0.24, 0.24, count) if count > 1 else np.zeros(count)


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    metric, size = inputs.metric, settings["shown_size"]
    samples = inputs.samples(settings["variants"], size, metric)
    return draw(samples, metric, settings)
