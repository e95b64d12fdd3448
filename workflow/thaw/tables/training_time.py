"""How gains on the baseline changed from half-way to the end of training.

A gain that still grows may be larger after longer training. A variant is followed as
long as its epochs have as many steps as the baseline's.
"""

import numpy as np
import pandas as pd

from thaw.findings.arms import Arm, alpha_of_each
from thaw.findings.metrics import Metric, by_epoch
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference
from thaw.output.histories import Histories, as_read
from thaw.output.inputs import Inputs
from thaw.output.tables import frame

COLUMNS = (
    *("variant", "reference", "from_epoch", "to_epoch"),
    *("change", "change_low", "change_high", "margin"),
)


def epochs_alike(variant: np.ndarray, baseline: np.ndarray) -> int:
    """Return the last epoch up to which both took the same steps."""
    shorter = min(len(variant), len(baseline))
    differ = np.flatnonzero(variant[:shorter] != baseline[:shorter])
    return int(differ[0] if len(differ) else shorter) - 1


def changes(histories: Histories, arm: Arm, metric: Metric, last: int) -> Sample:
    """Return the gains of an arm's repeats from half-way to the `last` epoch.

    Before the end, a network counts as failed if its loss is not finite.
    """
    name, epochs = f"test_{metric.history}", [last // 2, last]
    losses = histories.metric(arm.name, "test_loss")[:, epochs]
    failed = ~np.isfinite(losses).all(axis=1)
    if last == len(histories.steps(arm.name)) - 1:
        failed |= histories.failed(arm.name)
    values = as_read(histories.metric(arm.name, name)[:, epochs])
    before, after = np.where(failed[:, None], 0, values).T
    return Sample(
        after - before,
        histories.source_models(arm.name),
        failed,
        metric.lower_is_better,
        scale=metric.unit(histories.constants(arm.name)[name]),
    )


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each network but the baseline."""
    settings, histories, margin = inputs.settings, inputs.histories, 1.0
    metric, size = by_epoch(settings["metric"][0]), settings["shown_size"]
    baseline, alpha = settings["baseline"], alpha_of_each(settings["comparisons"])
    reference, rows = Arm(baseline, size), []
    for variant in settings["networks"]:
        arm = Arm(variant, size)
        last = epochs_alike(histories.steps(arm.name), histories.steps(reference.name))
        if variant == baseline or last < 2:
            continue
        sides = [changes(histories, side, metric, last) for side in (arm, reference)]
        if metric != inputs.metric:
            # The same part of the constant prediction's possible gain.
            samples = inputs.samples([baseline], size, inputs.metric)
            margin = sides[1].scale / samples[baseline].scale
        change = typical_difference(Pair(*sides), alpha)
        row = variant, baseline, last // 2, last, *change, margin * settings["margin"]
        rows.append(row)
    return {"training-time.csv": frame(pd.DataFrame(rows, columns=COLUMNS))}
