"""Draw what is reached from each source model, against its own score.

A panel for each variant that starts from source models: the mean of each and the range
over its repeats, against its score on the source problem, beside the middle half of the
baseline. A sure gain from one source model may be just one of these lines.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import of_history
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> Figure:
    """Return a panel for each variant, all with the same axes."""
    settings, names = inputs.settings, inputs.settings["pretrained"]
    scores, axis = scores_of_models(inputs)
    baseline = settings["baseline"]
    arms = dict.fromkeys([baseline, *names])
    samples = inputs.samples(arms, settings["shown_size"], inputs.metric)
    drawn, panels = style.panels_of(len(names), 2.7, 2.6, sharex=True, sharey=True)
    looks = style.looks(settings)
    for panel, variant in zip(panels, names, strict=True):
        panel.set_title(style.label(variant, settings, 28))
        panel.set_xlabel(textwrap.fill(axis, 38))
        sample, look = samples[variant], looks[variant]
        groups = [sample.values[sample.source_models == n] for n in sample.models]
        means = np.array([group.mean() for group in groups])
        # A source model without a score is left out.
        x = np.argsort(np.argsort(means)) if scores is None else scores[sample.models]
        ends = [group.min() for group in groups], [group.max() for group in groups]
        panel.vlines(x, *ends, color=look.colour, alpha=0.5, lw=2)
        panel.scatter(x, means, s=16, zorder=3, **look.of_points(len(groups)))
        low, middle, high = np.quantile(samples[baseline].values, (0.25, 0.5, 0.75))
        look = looks[baseline]
        panel.axhspan(low, high, color=look.colour, alpha=0.1, lw=0, zorder=0)
        panel.axhline(middle, color=look.colour, ls=look.line, lw=0.8, zorder=1)
    drawn.supylabel(inputs.metric.axis, fontsize=9)
    # The panels share an axis, which has its final limits only after the last of them.
    constant = samples[baseline].constant
    *_, dotted = (style.draw_constant(panel, constant, settings) for panel in panels)
    caption = [
        "Points and lines: mean and range over the repeats from a source model. Band "
        f"and line across: the middle half and the median of {baseline}.",
        dotted,
    ]
    models = len(samples[names[0]].models)
    about = f"repeats from each of {models} source models, beside {baseline}"
    title = style.title_of(settings, settings["shown_size"])
    style.words_around(drawn, title, about, caption)
    return drawn


def scores_of_models(inputs: Inputs) -> tuple[np.ndarray | None, str]:
    """Return the scores of the source models `[n]`, and the name of their axis.

    Where they are unknown, because these are files, models are sorted by their means.
    """
    settings, histories = inputs.settings, inputs.histories()
    if f"{SOURCE_MODELS}/failed" not in histories:
        return None, "source models, sorted by their means"
    task = str(histories[f"{SOURCE_MODELS}/task"])
    metric = of_history(task, "score", settings["source_unit"])
    axis = f"source model's {metric.axis} on {settings['source']}"
    return histories.score(SOURCE_MODELS, metric), axis
