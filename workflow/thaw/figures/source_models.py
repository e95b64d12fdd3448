"""Draw the learning curves of a study's source models on the source problem."""

import numpy as np
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.figures.learning_curves import Curve, draw
from thaw.learning.history import METRICS, names_of
from thaw.learning.tasks import TASKS
from thaw.output.histories import SOURCE_MODELS
from thaw.output.inputs import Inputs

# Up to so many curves can be told apart; with more, the middle half is drawn.
FEW = 60


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, histories = inputs.settings, inputs.histories
    models = settings["source_models"]
    name = "source model" if models == 1 else "median"
    words = [
        f"{settings['study']}: {settings['source']}",
        "learning curves of the source model",
    ]
    if models > 1:
        words[1] = f"learning curves of the {models} source models"
        words.append(
            "Thin: each of them."
            if models <= FEW
            else "Line: their median; band: the middle half of them."
        )
    steps = histories.steps(SOURCE_MODELS)
    task = TASKS[histories.task(SOURCE_MODELS)]
    constant = histories.constants(SOURCE_MODELS)["test_score"]
    curves = {}
    for metric, called in zip(METRICS, names_of(task), strict=True):
        values = histories.metric(SOURCE_MODELS, metric)
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        each = values if 1 < models <= FEW else None
        curves[called] = Curve(steps, low, median, high, each)
    # Source models learn from scratch.
    looks = {name: style.look(0)}
    unit = settings["source_unit"]
    return draw({name: curves}, looks, constant, words, task, unit, settings)
