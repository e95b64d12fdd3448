"""Draw what each source model makes of a variant, beside the baseline's distribution.

A panel for each variant that starts from source models. For each source model,
sorted by its mean: the mean and the range over its repeats. At the right: all
repeats of the baseline, whose middle half is the grey band. What looks like a sure
gain from one source model is one of these lines.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.figures.style import MUTED, colour, draw_constant, figure, label, title_of
from thaw.findings.metrics import METRICS, Metric
from thaw.findings.samples import Sample
from thaw.output.inputs import Inputs


def draw(
    nested: Mapping[str, Sample],
    baseline: Sample,
    baseline_name: str,
    title: str,
    metric: Metric,
    places: Mapping[str, int],
    constant: float,
) -> Figure:
    """Draw a panel a variant, all with the same axes."""
    drawn = figure(max(4.8, 1.2 + 2.7 * len(nested)), 4.0)
    panels = drawn.subplots(1, len(nested), sharey=True, squeeze=False)[0]
    for panel, (variant, sample) in zip(panels, nested.items(), strict=True):
        draw_sorted(panel, sample, colour(places[variant]))
        draw_baseline(panel, baseline, baseline_name, len(sample.models))
        panel.set_title(label(variant, 24), fontsize=9)
        words = draw_constant(panel, constant)
    drawn.suptitle(f"{title}\n{words}", fontsize=10)
    panels[0].set_ylabel(metric.words)
    drawn.supxlabel("source models, sorted by the mean over their repeats", fontsize=9)
    return drawn


def draw_sorted(panel: Axes, sample: Sample, shade: str) -> None:
    """Draw each source model's mean and range, from the worst to the best."""
    groups = sorted(sample.groups(), key=np.mean)
    places = np.arange(len(groups))
    panel.vlines(
        places,
        [group.min() for group in groups],
        [group.max() for group in groups],
        color=shade,
        alpha=0.5,
        lw=2,
    )
    means = [group.mean() for group in groups]
    panel.scatter(places, means, s=14, color=shade, linewidths=0, zorder=3)
    panel.set_xticks([])


def draw_baseline(panel: Axes, baseline: Sample, name: str, place: int) -> None:
    """Draw the baseline's distribution at the right and its middle half as a band."""
    low, middle, high = np.quantile(baseline.values, (0.25, 0.5, 0.75))
    panel.axhspan(low, high, color="#e8e8e8", lw=0, zorder=0)
    panel.axhline(middle, color=MUTED, lw=0.8, zorder=1)
    width = max(2.0, 0.12 * place)
    panel.violinplot(
        baseline.values, [place + width], widths=1.4 * width, showextrema=False
    )
    violin = panel.collections[-1]
    violin.set(facecolor=MUTED, edgecolor=MUTED, alpha=0.6)
    panel.set_xticks([place + width], [name])


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, name = inputs.settings, inputs.settings["baseline"]
    metric, size = METRICS[settings["metric"]], settings["shown_size"]
    found = inputs.samples(settings["variants"], size, metric)
    nested = {name: sample for name, sample in found.items() if sample.is_nested}
    models = len(next(iter(nested.values())).models)
    title = (
        f"{title_of(settings)}\n"
        f"mean and range over repeats from each of {models} source models"
    )
    constant = inputs.constant(size, metric)
    return draw(nested, found[name], name, title, metric, settings["places"], constant)
