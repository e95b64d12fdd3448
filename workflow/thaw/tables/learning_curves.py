"""Condense the histories of a study's repeats into learning curves.

For each variant, target size, epoch and metric: the step of gradient descent, the mean
and quantiles over repeats and, on the test rows, the score of the best constant
prediction.
"""

import itertools

import numpy as np

from thaw.findings.arms import arms
from thaw.learning.history import METRICS, names_of
from thaw.learning.tasks import TASKS
from thaw.output.inputs import Inputs
from thaw.output.scores import csv_file

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
COLUMNS = (
    *("variant", "target_size", "metric", "epoch", "step", "mean"),
    *QUANTILES,
    "constant",
)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the learning curves of all arms."""
    settings, histories = inputs.settings, inputs.histories()
    all_arms, rows = arms(settings["networks"], settings["target_sizes"]), []
    names = names_of(TASKS[str(histories[f"{all_arms[0].name}/task"])])
    metrics = zip(METRICS, names, strict=True)
    for arm, (metric, name) in itertools.product(all_arms, metrics):
        # [repeats, epochs + 1], and a step for each epoch.
        values, steps = (histories[f"{arm.name}/{part}"] for part in (metric, "steps"))
        sound = np.isfinite(values).all(axis=1)
        values = values[sound] if sound.any() else values
        mean = values.mean(axis=0, dtype=np.float64)
        curves = [mean, *np.quantile(values, [*QUANTILES.values()], axis=0)]
        constant = histories.constants(arm.name).get(metric)
        last = "" if constant is None else f"{constant:.6g}"
        for epoch, numbers in enumerate(np.stack(curves, axis=1)):
            texts = (f"{number:.6g}" for number in numbers)
            rows.append((*arm, name, epoch, steps[epoch], *texts, last))
    return {"learning-curves.csv": csv_file(COLUMNS, rows)}
