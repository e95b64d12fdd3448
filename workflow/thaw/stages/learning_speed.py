"""Measure how fast each variant learns, from the histories of its repeats.

Metrics after Taylor and Stone (2009), all of the test accuracy: before training (jump
start), after training, area under the learning curve, and the first epoch at which 95 %
of the baseline's mean final accuracy is reached (time to threshold). The settings are
`variants` (names, in order), `target_sizes` and `baseline`, which sets the threshold at
each size.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.arms import Arm, arms
from thaw.command import Made, add_histories, add_settings, make, stage_parser
from thaw.findings.samples import CONDITION, Sample
from thaw.findings.spread import mean_interval, share_interval
from thaw.output.histories import Histories
from thaw.output.scores import csv_file

THRESHOLD_SHARE = 0.95
COLUMNS = (
    "variant",
    "target_size",
    "metric",
    "mean",
    "low",
    "high",
    "unit",
    "units",
    "note",
)


def metrics(accuracy: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
    """Return each repeat's metrics, from test accuracies `[repeats, epochs + 1]`.

    The area is that under the curve divided by the number of epochs, so it is a mean
    accuracy. A repeat that never reaches the threshold counts as reaching it at the
    last epoch: the mean is the restricted mean time (Royston and Parmar 2013), and
    `never_reached` says how many there were.
    """
    epochs = accuracy.shape[1] - 1
    reached = accuracy >= threshold
    never = ~reached.any(axis=1)
    return {
        "jump_start": accuracy[:, 0],
        "final_accuracy": accuracy[:, -1],
        "area_under_curve": np.trapezoid(accuracy, axis=1) / epochs,
        "time_to_threshold": np.where(never, epochs, reached.argmax(axis=1)),
        "never_reached": never.astype(float),
    }


def speed(
    arm: Arm,
    accuracy: np.ndarray,
    source_models: np.ndarray | None,
    threshold: float,
) -> Iterator[tuple]:
    """Yield a row for each metric of an arm: mean, 95 % interval, unit and note."""
    epochs = accuracy.shape[1] - 1
    for metric, values in metrics(accuracy, threshold).items():
        sample = Sample(values, source_models)
        units = sample.unit_means()
        note = ""
        if metric == "never_reached":
            low, high = share_interval(units)
        else:
            limit = epochs if metric == "time_to_threshold" else 1
            low, high = np.clip(mean_interval(units), 0, limit)
        if metric == "time_to_threshold":
            note = f"epochs until {threshold:.4f}; never counts as {epochs}"
        if sample.is_conditional:
            note = "; ".join(filter(None, (note, CONDITION)))
        numbers = ("" if np.isnan(x) else f"{x:.6g}" for x in (units.mean(), low, high))
        yield *arm, metric, *numbers, sample.unit, len(units), note


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Make the metrics of all arms."""
    settings = recipe["settings"]
    rows: list[tuple] = []
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        for size in settings["target_sizes"]:
            baseline = Arm(settings["baseline"], size)
            final = histories.metric(baseline.name, "test_accuracy")[:, -1]
            threshold = THRESHOLD_SHARE * final.mean(dtype=np.float64)
            for arm in arms(settings["variants"], [size]):
                accuracy = histories.metric(arm.name, "test_accuracy").copy()
                # As in the summary: a failed network ends as the constant prediction.
                failed = histories.failed(arm.name)
                accuracy[failed, -1] = histories.constant(arm.name).test_accuracy
                models = histories.source_models(arm.name)
                rows += speed(arm, accuracy, models, threshold)
    return Made({args.output: csv_file(COLUMNS, rows)}, histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    make("learning_speed", main, parser.parse_args())
