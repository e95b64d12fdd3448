"""The scores of the best of several source models, chosen on validation rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, Arm
from thaw.findings.failures import is_weak
from thaw.findings.keeping import chances, median_of
from thaw.findings.samples import Sample
from thaw.output.inputs import Inputs
from thaw.output.tables import frame

# Beside one and all of them.
SOME = (3, 10)


def rows_of(
    sample: Sample, losses: np.ndarray, repeats: np.ndarray, weak: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Yield the scores of the best of one, of some and of all source models.

    losses, the repeat's number at its source model, and which networks are weak are
    `[n]`.
    """
    numbers = np.unique(repeats)
    total = len(losses) // len(numbers)
    for count in sorted({1, total, *(k for k in SOME if k < total)}):
        weights = np.zeros(len(losses))
        for number in numbers:
            own = repeats == number
            weights[own] = chances(losses[own], count) / len(numbers)
        yield {
            "best_of": count,
            "median": median_of(sample.values, weights),
            "weak": float(weights @ weak),
        }


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each size, variant and number of source models."""
    settings, histories = inputs.settings, inputs.histories
    repeats = histories.addresses()[:, 1]
    rows = []
    for size in settings["target_sizes"]:
        names = {*settings["tuned"], settings["baseline"]}
        found = inputs.samples(sorted(names), size, inputs.metric)
        baseline = found[settings["baseline"]]
        for name in settings["tuned"]:
            sample = found[name]
            losses = histories.final(Arm(name, size).name, "validation_loss")
            weak = is_weak(sample, baseline, ALPHA, settings["margin"])[0]
            for row in rows_of(sample, losses, repeats, weak):
                rows.append({"target_size": size, "variant": name} | row)
    return {"best-of.csv": frame(pd.DataFrame(rows))}
