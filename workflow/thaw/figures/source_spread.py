"""Draw what is reached from each source model, against its own score.

A panel for each variant that starts from source models: the mean of each and the range
over its repeats, against its score on the source problem, beside the middle half of the
baseline. A sure gain from one source model may be just one of these lines.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import Metric, of_history
from thaw.findings.samples import Sample
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs


def draw(
    samples: Mapping[str, Sample],
    metric: Metric,
    scores: np.ndarray | None,
    axis: str,
    settings: Mapping[str, Any],
) -> Figure:
    """Draw a panel for each variant, all with the same axes.

    `scores` are those of the source models `[n]`, on an axis of that name; where they
    are unknown, source models are sorted by their means.
    """
    names, baseline = settings["pretrained"], settings["baseline"]
    drawn, panels = style.panels_of(len(names), 2.7, 2.6, sharex=True, sharey=True)
    looks = style.looks(settings)
    for panel, variant in zip(panels, names, strict=True):
        panel.set_title(style.label(variant, settings, 28))
        panel.set_xlabel(textwrap.fill(axis, 38))
        draw_models(panel, samples[variant], scores, looks[variant])
        draw_baseline(panel, samples[baseline], looks[baseline])
    drawn.supylabel(metric.axis, fontsize=9)
    # The panels share an axis, which has its final limits only after the last of them.
    constant = samples[baseline].constant
    *_, dotted = (style.draw_constant(panel, constant, settings) for panel in panels)
    caption = [
        "Points and lines: mean and range over the repeats from a source model. Band "
        f"and line across: the middle half and the median of {baseline}.",
        dotted,
    ]
    models = len(samples[names[0]].models)
    what = f"repeats from each of {models} source models, beside {baseline}"
    title = style.title_of(settings, settings["shown_size"])
    style.words_around(drawn, title, what, caption)
    return drawn


def draw_models(
    panel: Axes, sample: Sample, scores: np.ndarray | None, look: style.Look
) -> None:
    """Draw each source model's mean and range; one without a score is left out."""
    groups = [*sample.groups()]
    means = np.array([group.mean() for group in groups])
    x = np.argsort(np.argsort(means)) if scores is None else scores[sample.models]
    ends = [group.min() for group in groups], [group.max() for group in groups]
    panel.vlines(x, *ends, color=look.colour, alpha=0.5, lw=2)
    panel.scatter(x, means, s=16, zorder=3, **look.of_points(len(groups)))


def draw_baseline(panel: Axes, baseline: Sample, look: style.Look) -> None:
    """Draw the baseline's middle half as a band, and its median."""
    low, middle, high = np.quantile(baseline.values, (0.25, 0.5, 0.75))
    panel.axhspan(low, high, color=look.colour, alpha=0.1, lw=0, zorder=0)
    panel.axhline(middle, color=look.colour, ls=look.line, lw=0.8, zorder=1)


def make(inputs: Inputs) -> Figure:
    """Return the figure; scores of source models are unknown where they are files."""
    settings, histories = inputs.settings, inputs.histories
    names = dict.fromkeys([settings["baseline"], *settings["pretrained"]])
    samples = inputs.samples(names, settings["shown_size"], inputs.metric)
    scores, axis = None, "source models, sorted by their means"
    if histories.failed_source_models() is not None:
        task = histories.task(SOURCE_MODELS)
        learned = of_history(task, "score", settings["source_unit"])
        scores = histories.score(SOURCE_MODELS, learned)
        axis = f"source model's {learned.axis} on {settings['source']}"
    return draw(samples, inputs.metric, scores, axis, settings)
