"""Condense the histories of a study's repeats into learning curves.

For each variant, target size, epoch and metric: the step of gradient descent, the mean
and quantiles over repeats and, on the test rows, what the best constant prediction
reaches. The settings are `variants` (names, in order) and `target_sizes`.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.findings.arms import Arm, arms
from thaw.learning.history import METRICS
from thaw.output.histories import Histories
from thaw.output.scores import csv_file
from thaw.stages.command import Made, add_histories, add_settings, make, stage_parser

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
    found = np.stack(
        [
            values.mean(axis=0, dtype=np.float64),
            *np.quantile(values, list(QUANTILES.values()), axis=0),
        ],
        axis=1,
    )
    last = "" if constant is None else f"{constant:.6g}"
    for epoch, numbers in enumerate(found):
        texts = (f"{number:.6g}" for number in numbers)
        yield *arm, metric, epoch, steps[epoch], *texts, last


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Make the learning curves of all arms."""
    settings = recipe["settings"]
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        rows = [
            row
            for arm in arms(settings["variants"], settings["target_sizes"])
            for metric in METRICS
            for row in curve(
                arm,
                metric,
                histories.metric(arm.name, metric),
                histories.steps(arm.name),
                getattr(histories.constant(arm.name), metric, None),
            )
        ]
    return Made({args.output: csv_file(COLUMNS, rows)}, histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    make("learning_curves", main, parser.parse_args())
