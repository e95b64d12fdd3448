"""Condense the histories of a study's repeats into learning curves.

For each variant, target size, epoch and metric: the step of gradient descent, the mean
and quantiles over repeats and, on the test rows, the score of the best constant
prediction.
"""

from collections.abc import Iterator

import numpy as np

from thaw.findings.arms import Arm, arms
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


def curve(
    arm: Arm,
    metric: str,
    values: np.ndarray,
    steps: np.ndarray,
    constant: float | None,
) -> Iterator[tuple]:
    """Yield the rows of one curve.

    `values` is `[repeats, epochs + 1]`, `steps` `[epochs + 1]`.
    """
    statistics = np.stack(
        [
            values.mean(axis=0, dtype=np.float64),
            *np.quantile(values, list(QUANTILES.values()), axis=0),
        ],
        axis=1,
    )
    last = "" if constant is None else f"{constant:.6g}"
    for epoch, numbers in enumerate(statistics):
        texts = (f"{number:.6g}" for number in numbers)
        yield *arm, metric, epoch, steps[epoch], *texts, last


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the learning curves of all arms."""
    settings, histories = inputs.settings, inputs.histories
    all_arms = arms(settings["networks"], settings["target_sizes"])
    names = names_of(TASKS[histories.task(all_arms[0].name)])
    rows = [
        row
        for arm in all_arms
        for metric, name in zip(METRICS, names, strict=True)
        for row in curve(
            arm,
            name,
            histories.metric(arm.name, metric),
            histories.steps(arm.name),
            histories.constants(arm.name).get(metric),
        )
    ]
    return {"learning-curves.csv": csv_file(COLUMNS, rows)}
