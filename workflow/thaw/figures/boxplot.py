"""Draw a study's scores: a box a variant and a point a repeat."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from thaw.figures.style import (
    MUTED,
    colour,
    dots,
    draw_constant,
    figure,
    label,
    title_of,
)
from thaw.findings.metrics import METRICS, Metric
from thaw.findings.samples import CONDITION, Sample
from thaw.output.inputs import Inputs


def draw(
    found: Mapping[str, Sample],
    title: str,
    constant: float,
    metric: Metric,
    places: Mapping[str, int],
) -> Figure:
    """Draw a box a variant: quartiles, whiskers to 1.5 of their distance, all points.

    With several source models the points of a box stand in columns by source model,
    coloured by its number.
    """
    drawn = figure(max(4.6, 1.1 + 1.25 * len(found)), 4.2)
    panel = drawn.subplots()
    total = sum(len(sample.values) for sample in found.values())
    boxes = panel.boxplot(
        [sample.values for sample in found.values()],
        tick_labels=[label(variant) for variant in found],
        widths=0.62,
        showfliers=False,
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"color": MUTED},
        capprops={"color": MUTED},
    )
    for number, (variant, sample) in enumerate(found.items(), start=1):
        shade = colour(places[variant])
        boxes["boxes"][number - 1].set_color(shade)
        count = len(sample.values)
        points = {"s": 9, "alpha": 0.65, "zorder": 3, **dots(total)}
        if sample.is_nested:
            models = sample.unit_numbers
            offsets = spread(len(sample.models))[models]
            points |= {"c": models, "cmap": "viridis"}
        else:
            # A fixed pseudo-random order, so that neighbours in time are not neighbours
            # in the figure.
            offsets = np.random.Generator(np.random.PCG64(0)).permuted(spread(count))
            points |= {"color": shade}
        panel.scatter(number + offsets, sample.values, **points)
    panel.set_ylabel(metric.words)
    panel.set_title(f"{title}\n{draw_constant(panel, constant)}", fontsize=10)
    return drawn


def spread(count: int) -> np.ndarray:
    """Return so many offsets, evenly over the width of a box."""
    return np.linspace(-0.24, 0.24, count) if count > 1 else np.zeros(count)


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    metric, size = METRICS[settings["metric"]], settings["shown_size"]
    found = inputs.samples(settings["variants"], size, metric)
    repeats = len(next(iter(found.values())).values)
    title = f"{title_of(settings)}, {repeats} repeats of each variant"
    if any(sample.is_conditional for sample in found.values()):
        title += f"\n{CONDITION}"
    elif any(sample.is_nested for sample in found.values()):
        title += "\npoints in columns and colours by source model"
    constant = inputs.constant(size, metric)
    return draw(found, title, constant, metric, settings["places"])
