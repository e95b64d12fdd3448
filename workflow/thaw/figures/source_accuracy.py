"""Draw each source model's own score against what is reached from it.

Does a better source model transfer better? A panel for each variant that starts from
source models, a point for each source model.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from thaw.figures.style import MUTED, colour, draw_constant, figure, label, title_of
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs

# How many standard deviations hold 95 % of a normal distribution.
NORMAL_95 = 1.959963984540054

# An interval of a correlation needs more points than this.
FEW_POINTS = 3


def draw(
    own: np.ndarray,
    nested: Mapping[str, Sample],
    standalone: Sample | None,
    constant: float,
    settings: Mapping[str, Any],
) -> Figure:
    """Draw a panel a variant; `own` is each source model's score on the source."""
    drawn = figure(max(5.0, 1.0 + 2.5 * len(nested)), 3.7)
    panels = drawn.subplots(1, len(nested), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (variant, sample) in zip(panels, nested.items(), strict=True):
        x, y = own[sample.models], sample.unit_means()
        shade = colour(settings["places"][variant])
        panel.scatter(x, y, s=16, alpha=0.8, linewidths=0, color=shade)
        if standalone is not None:
            panel.axhline(standalone.values.mean(), color=MUTED, lw=1, ls="--")
        title = label(variant, 24)
        # On the same test rows, nearly the same network would be compared with itself.
        if settings["source"] != settings["target"]:
            title += f"\n{correlation(x, y)}"
        panel.set_title(title, fontsize=8)
        commonest = draw_constant(panel, constant)
    words = METRICS[settings["metric"]].words
    panels[0].set_ylabel(f"mean {words} on {settings['target']}")
    drawn.supxlabel(f"source model's {words} on {settings['source']}", fontsize=9)
    drawn.suptitle(
        f"{title_of(settings)}\ndoes a better source model transfer better?"
        + ("\n" if standalone is None else "\ndashed: standalone's mean; ")
        + commonest,
        fontsize=10,
    )
    return drawn


def correlation(x: np.ndarray, y: np.ndarray) -> str:
    """Say how closely two quantities go together, whatever a few far points do.

    Spearman's rho with its 95 % interval on Fisher's scale (Bonett and Wright 2000).
    A source model that failed may have no score.
    """
    there = np.isfinite(x)
    x, y = x[there], y[there]
    if len(x) <= FEW_POINTS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return "rank correlation not estimable"
    rho = float(np.corrcoef(pd.Series(x).rank(), pd.Series(y).rank())[0, 1])
    error = np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(rho) + np.array([-1, 1]) * NORMAL_95 * error)
    return f"rank correlation {rho:.2f} ({low:.2f} to {high:.2f})"


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    metric, size = METRICS[settings["metric"]], settings["shown_size"]
    found = inputs.samples(settings["variants"], size, metric)
    own = inputs.histories.score(SOURCE_MODELS, metric.score)
    nested = {name: sample for name, sample in found.items() if sample.is_nested}
    constant = inputs.constant(size, metric)
    return draw(own, nested, found.get("standalone"), constant, settings)
