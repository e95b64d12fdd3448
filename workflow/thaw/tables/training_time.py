"""How typical gains on the baseline changed from half-way to the end of training.

A gain that still grows may be larger after longer training. The change is that of the
typical difference, the number that the answer shows; medians do not add up, so the
typical change of a network would be another one. Nothing is said of variants that take
other steps than the baseline, nor of networks that kept their best epoch, which are not
those of the last one, nor by a metric that histories lack.
"""

import numpy as np
import pandas as pd

from thaw.findings.arms import Arm, alpha_of_each
from thaw.findings.metrics import Metric
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import change, typical_difference
from thaw.output.histories import Histories, as_read
from thaw.output.inputs import Inputs
from thaw.output.tables import frame

COLUMNS = (
    *("variant", "reference", "from_epoch", "to_epoch", "before", "after"),
    *("change", "change_low", "change_high"),
)


def after(histories: Histories, arm: Arm, metric: Metric, epoch: int) -> Sample:
    """Return the scores of an arm's repeats after an epoch.

    Before the end, a network counts as failed if its loss is not finite.
    """
    name = f"test_{metric.history}"
    failed = ~np.isfinite(histories[f"{arm.name}/test_loss"][:, epoch])
    if epoch == len(histories[f"{arm.name}/steps"]) - 1:
        failed |= histories[f"{arm.name}/failed"]
    return Sample(
        as_read(histories[f"{arm.name}/{name}"][:, epoch]),
        histories.get(f"{arm.name}/source_model"),
        failed,
        metric.lower_is_better,
        scale=metric.unit(histories.constants(arm.name)[name]),
    )


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each network that takes the steps of the baseline."""
    settings, histories = inputs.settings, inputs.histories()
    metric, size = inputs.metric, settings["shown_size"]
    baseline, alpha = settings["baseline"], alpha_of_each(settings["comparisons"])
    reference, rows = Arm(baseline, size), []
    steps = histories[f"{reference.name}/steps"]
    epochs = (len(steps) - 1) // 2, len(steps) - 1
    is_known = metric.history and epochs[1] >= 2 and baseline not in settings["tuned"]
    for variant in settings["networks"] if is_known else []:
        arm = Arm(variant, size)
        is_alike = np.array_equal(histories[f"{arm.name}/steps"], steps)
        if variant in (baseline, *settings["tuned"]) or not is_alike:
            continue
        sides = [
            [after(histories, side, metric, epoch) for side in (arm, reference)]
            for epoch in epochs
        ]
        first, final = (typical_difference(Pair(*pair), alpha) for pair in sides)
        moved = change(first, final, sides[0][0].scale, alpha)
        rows.append((variant, baseline, *epochs, first.value, final.value, *moved))
    return {"training-time.csv": frame(pd.DataFrame(rows, columns=COLUMNS))}
