"""Draw each source model's results in a variant, beside the baseline's distribution.

A panel for each variant that starts from source models. For each source model, sorted
by its mean: the mean and the range over its repeats. At the right: all repeats of the
baseline, with the middle half as a grey band. A sure gain from one source model may be
just one of these lines.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import Metric
from thaw.findings.samples import Sample
from thaw.output.inputs import Inputs


def draw(
    found: Mapping[str, Sample], metric: Metric, settings: Mapping[str, Any]
) -> Figure:
    """Draw a panel for each variant, all with the same axes."""
    nested = {name: found[name] for name in settings["pretrained"]}
    axes = "source models, sorted by their means", metric.axis
    drawn, panels = style.panels_of([*nested], settings, (2.7, 2.5), axes)
    baseline = settings["baseline"]
    its_look = style.looks(settings)[baseline]
    for panel, variant, look in panels:
        draw_sorted(panel, nested[variant], look)
        place = 1.12 * len(nested[variant].models) + 1
        draw_baseline(panel, found[baseline], its_look, place)
        panel.set_xticks([place], [style.label(baseline)])
    # The panels share an axis, which has its final limits only after the last of them.
    constant = found[baseline].constant
    *_, commonest = (
        style.draw_constant(panel, constant, settings) for panel, *_ in panels
    )
    models = len(next(iter(nested.values())).models)
    caption = [
        "Points and lines: mean and range over the repeats from a source model. "
        f"Violin: the distribution of {baseline}'s repeats; band and line: its middle "
        "half and median.",
        commonest,
    ]
    what = f"repeats from each of {models} source models, beside {baseline}"
    style.words_around(
        drawn, style.title_of(settings, settings["shown_size"]), what, caption
    )
    return drawn


def draw_sorted(panel: Axes, sample: Sample, look: style.Look) -> None:
    """Draw each source model's mean and range, from the worst to the best."""
    groups = sorted(sample.groups(), key=np.mean)
    ends = [group.min() for group in groups], [group.max() for group in groups]
    panel.vlines(range(len(groups)), *ends, color=look.colour, alpha=0.5, lw=2)
    means = [group.mean() for group in groups]
    panel.scatter(
        range(len(groups)), means, s=16, zorder=3, **look.of_points(len(groups))
    )


def draw_baseline(
    panel: Axes, baseline: Sample, look: style.Look, place: float
) -> None:
    """Draw the baseline's distribution at the right and its middle half as a band."""
    low, middle, high = np.quantile(baseline.values, (0.25, 0.5, 0.75))
    panel.axhspan(low, high, color=look.colour, alpha=0.1, lw=0, zorder=0)
    panel.axhline(middle, color=look.colour, ls=look.line, lw=0.8, zorder=1)
    panel.violinplot(baseline.values, [place], widths=0.16 * place, showextrema=False)
    panel.collections[-1].set(facecolor=look.colour, edgecolor=look.colour, alpha=0.5)


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    metric, size = inputs.metric, settings["shown_size"]
    found = inputs.samples(settings["variants"], size, metric)
    return draw(found, metric, settings)
