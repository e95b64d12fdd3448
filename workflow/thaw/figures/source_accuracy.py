"""Draw each source model's own score against the score of its repeats.

Does a better source model transfer better? A panel for each variant that starts from
source models, a point for each source model.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.metrics import Metric, of_history
from thaw.findings.samples import Sample
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs

# The standard deviations that hold 95 % of a normal distribution.
NORMAL_95 = 1.959963984540054

# An interval of a correlation needs more points than this.
FEW_POINTS = 3


def draw(
    own: np.ndarray,
    their_metric: Metric,
    nested: Mapping[str, Sample],
    standalone: Sample | None,
    metric: Metric,
    settings: Mapping[str, Any],
) -> Figure:
    """Draw a panel for each variant; `own` is each model's score on the source.

    That score is by `their_metric`, the source's own.
    """
    across = f"source model's {their_metric.axis} on {settings['source']}"
    up = f"mean {metric.axis} on {settings['target']}"
    drawn, panels = style.panels_of([*nested], settings, (2.5, 2.6), (across, up))
    styles, caption = style.looks(settings), ["Each point is a source model."]
    for panel, variant, look in panels:
        x, y = own[nested[variant].models], nested[variant].unit_means()
        panel.scatter(x, y, s=18, alpha=0.8, **look.of_points(len(x)))
        if standalone is not None:
            mean, its_look = standalone.values.mean(), styles["standalone"]
            panel.axhline(mean, color=its_look.colour, ls=its_look.line, lw=1)
        # On the same test rows, nearly the same network would be compared with itself.
        if settings["source"] != settings["target"]:
            panel.set_title(f"{panel.get_title()}\n{correlation(x, y)}")
    if standalone is not None:
        caption.append("Line: standalone's mean.")
    # The panels share an axis, which has its final limits only after the last of them.
    constant = next(iter(nested.values())).constant
    *_, commonest = (
        style.draw_constant(panel, constant, settings) for panel, *_ in panels
    )
    what = "does a better source model transfer better?"
    style.words_around(
        drawn,
        style.title_of(settings, settings["shown_size"]),
        what,
        [*caption, commonest],
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
    numbers = [style.number(value, ".2f") for value in (rho, low, high)]
    return "rank correlation {} ({} to {})".format(*numbers)


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    metric, size = inputs.metric, settings["shown_size"]
    found = inputs.samples(settings["variants"], size, metric)
    task, unit = inputs.histories.task(SOURCE_MODELS), settings["source_unit"]
    theirs = of_history(task, "score", unit)
    own = inputs.histories.score(SOURCE_MODELS, theirs)
    nested = {name: found[name] for name in settings["pretrained"]}
    return draw(own, theirs, nested, found.get("standalone"), metric, settings)
