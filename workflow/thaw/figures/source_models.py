"""Draw the learning curves of a study's source models on the source problem."""

import numpy as np
from matplotlib.figure import Figure

from thaw.figures.curves import Curve, draw_curves
from thaw.learning.history import METRICS
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs

# So many curves can be told apart; of more, the middle half is drawn.
FEW = 60


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, histories = inputs.settings, inputs.histories
    source, models = settings["source"], settings["source_models"]
    name = "source model" if models == 1 else "source models"
    title = f"{settings['study']}: the source model on {source}"
    if models > 1:
        rest = "thin: each" if models <= FEW else "band: the middle half"
        title = f"{settings['study']}: {models} source models on {source}"
        title += f"\nthick: their median, {rest}"
    steps = histories.steps(SOURCE_MODELS)
    constant = histories.constant(SOURCE_MODELS).test_accuracy
    curves = {}
    for metric in METRICS:
        values = histories.metric(SOURCE_MODELS, metric)
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        each = values if 1 < models <= FEW else None
        curves[metric] = Curve(steps, low, median, high, each)
    return draw_curves({name: curves}, title, constant, {name: 0})
