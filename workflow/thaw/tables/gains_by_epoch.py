"""Compare a study's variants with its baseline as training goes on.

A verdict holds for networks trained as long as these; at fewer epochs it may differ.
For each variant and some epochs: the typical difference, its interval given these test
rows and the verdict, for each epoch by itself; and how the difference changed from
half-way to the end. A variant is followed as long as its epochs have as many steps as
the baseline's.
"""

from collections.abc import Iterator

import numpy as np

from thaw.findings.arms import Arm, alpha_of_each
from thaw.findings.metrics import Metric, by_epoch
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import verdict
from thaw.output.histories import Histories, as_read
from thaw.output.inputs import Inputs
from thaw.output.scores import csv_file

COLUMNS = (
    *("variant", "reference", "epoch", "step"),
    *("typical", "typical_low", "typical_high", "verdict"),
)

CHANGES = (
    *("variant", "reference", "from_epoch", "to_epoch"),
    *("change", "change_low", "change_high", "margin"),
)

# So many epochs beside the start: each costs as much as a comparison of the table.
MOMENTS = 10


class Followed:
    """The scores of an arm's repeats, epoch by epoch."""

    def __init__(self, histories: Histories, arm: Arm, metric: Metric) -> None:
        self.steps = histories.steps(arm.name)
        self._values = histories.metric(arm.name, f"test_{metric.history}")
        self._losses = histories.metric(arm.name, "test_loss")
        self._models = histories.source_models(arm.name)
        self._failed_in_the_end = histories.failed(arm.name)
        self._lower_is_better = metric.lower_is_better
        self.scale = metric.unit(
            histories.constants(arm.name)[f"test_{metric.history}"]
        )

    def after(self, epoch: int) -> Sample:
        """Return the sample after an epoch.

        Before the end, a network counts as failed if its loss is not finite.
        """
        failed = ~np.isfinite(self._losses[:, epoch])
        if epoch == len(self.steps) - 1:
            failed |= self._failed_in_the_end
        values = as_read(self._values[:, epoch])
        lower = self._lower_is_better
        return Sample(values, self._models, failed, lower, scale=self.scale)

    def between(self, first: int, last: int) -> Sample:
        """Return the sample of the gains from one epoch to another."""
        before, after = self.after(first), self.after(last)
        sound = before.sound & after.sound
        changes = np.where(sound, after.values, 0) - np.where(sound, before.values, 0)
        return after._replace(values=changes, failed=~sound)


def moments(epochs: int) -> list[int]:
    """Return some epochs, evenly spread from 0 to the last one."""
    found = np.linspace(0, epochs, min(epochs, MOMENTS) + 1)
    return found.round().astype(int).tolist()


def epochs_alike(variant: np.ndarray, baseline: np.ndarray) -> int:
    """Return the last epoch up to which both took the same steps."""
    shorter = min(len(variant), len(baseline))
    differ = np.flatnonzero(variant[:shorter] != baseline[:shorter])
    return int(differ[0] if len(differ) else shorter) - 1


def rows_of(
    variant: Followed, baseline: Followed, alpha: float, margin: float
) -> Iterator[tuple]:
    """Yield epoch, step, typical difference with its interval, and verdict."""
    for epoch in moments(epochs_alike(variant.steps, baseline.steps)):
        pair = Pair(variant.after(epoch), baseline.after(epoch))
        found = typical_difference(pair, alpha)
        said = verdict(pair, found, alpha, margin)
        yield epoch, variant.steps[epoch], *_cells(found), said


def changes_of(variant: Followed, baseline: Followed, alpha: float) -> Iterator[tuple]:
    """Yield two epochs, and the change of the typical difference between them.

    There is none if both take the same steps for less than two epochs.
    """
    last = epochs_alike(variant.steps, baseline.steps)
    if last > 1:
        half = last // 2
        pair = Pair(variant.between(half, last), baseline.between(half, last))
        yield half, last, *_cells(typical_difference(pair, alpha))


def _cells(found: Estimate) -> Iterator[str]:
    return ("" if np.isnan(x) else f"{x:.6g}" for x in found)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the table."""
    settings, name = inputs.settings, inputs.settings["baseline"]
    metric, asked = by_epoch(settings["metric"][0]), inputs.metric
    alpha = alpha_of_each(settings["comparisons"])

    def followed(variant: str) -> Followed:
        arm = Arm(variant, settings["shown_size"])
        return Followed(inputs.histories, arm, metric)

    baseline, margin = followed(name), settings["margin"]
    if metric != asked:
        # The same part of the constant prediction's possible gain.
        unit = inputs.samples([name], settings["shown_size"], asked)[name].scale
        margin *= baseline.scale / unit
    rows, changes = [], []
    for variant in settings["networks"]:
        if variant != name:
            own = followed(variant)
            rows += [
                (variant, name, *row) for row in rows_of(own, baseline, alpha, margin)
            ]
            changes += [
                (variant, name, *row, f"{margin:.6g}")
                for row in changes_of(own, baseline, alpha)
            ]
    return {
        "gains-by-epoch.csv": csv_file(COLUMNS, rows),
        "training-time.csv": csv_file(CHANGES, changes),
    }
