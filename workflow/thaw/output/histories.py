"""A study's scores and histories, gathered in one NumPy archive.

Its arrays are `source-models/{metric}` `[source models, epochs + 1]` and, for each arm
(a variant at a target size), `{arm}/{metric}` `[repeats, epochs + 1]` and, if it is
pretrained, `{arm}/source_model` `[repeats]`; both also have the final scores,
`{arm}/{score}` `[repeats]`, those of the best `constant` prediction, and the `steps` of
gradient descent by the end of each epoch, `[epochs + 1]`. If predictions are kept,
`{arm}/metrics/{metric}` `[repeats]` is a metric outside the histories, and
`{arm}/rows/{metric}` `[repeats, units]` the part of each unit of test rows in a metric
(see `thaw.findings.rows_luck`), nan for failed networks. `constant/metrics/{metric}` is
the score of the best constant prediction, `constant/rows/{metric}` `[units]` the rows'
part in it, `positive` the name of the positive class if a metric has one, `addresses`
`[repeats, 2]` those of all arms, or `{arm}/addresses` those of one. `tested` is the
number of test rows, or groups of them, `rarest` that of the rarest class, 0 where
labels are numbers. `has_splits` says whether each source model has
its own split of the target. Then all arms have a `source_model`, test rows are all
rows, and `rows/{metric}` is nan for units in which a network has no test row. Each
array is read by itself, so that a stage holds only those that it needs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from thaw.errors import ThawError
from thaw.findings.metrics import Metric
from thaw.learning.history import METRICS, Reached, kept
from thaw.learning.tasks import Constant
from thaw.output.records import Archive, ArchiveWriter, content_digest
from thaw.output.scores import named_arrays

SOURCE_MODELS = "source-models"


def add_networks(
    writer: ArchiveWriter, name: str, reached: Reached, more: Mapping[str, Any]
) -> None:
    """Add the results of an arm or the source models, and more arrays of theirs."""
    for part, values in {**named_arrays(reached), **more}.items():
        writer.add(f"{name}/{part}", values)


class Histories(Archive):
    """Read a study's gathered histories, one array at a time.

    `name` is that of an arm or `SOURCE_MODELS`. All methods raise `ThawError` if the
    file is damaged or was changed.
    """

    @property
    def saw(self) -> dict[str, str]:
        """The digest of the whole content, for the records of readers."""
        return {self._path.name: content_digest(self.record)}

    def metric(self, name: str, metric: str) -> np.ndarray:
        """Return a metric of the repeats, float32 `[repeats, epochs + 1]`."""
        return self[f"{name}/{metric}"]

    def source_models(self, arm: str) -> np.ndarray | None:
        """Return each repeat's source model `[repeats]`; None if it has none."""
        return self._find(f"{arm}/source_model")

    def addresses(self, arm: str = "") -> np.ndarray:
        """Return the address of each repeat of an arm, int64 `[repeats, 2]`.

        All arms of a study have the same; where scores are given, each has its own.
        """
        of_arm = self._find(f"{arm}/addresses")
        return self["addresses"] if of_arm is None else of_arm

    def final(self, name: str, metric: str) -> np.ndarray:
        """Return a final score, float64 `[repeats]`.

        The numbers are those of `scores.csv`: the shortest decimals that give these
        float32.
        """
        values = self.metric(name, metric)
        if values.ndim == 2:
            values = kept(values, self[f"{name}/epoch"])
        return as_read(values)

    def score(self, name: str, metric: Metric) -> np.ndarray:
        """Return a metric of each repeat on the test rows, as `final`.

        Raises `ThawError`, too, if a network that did not fail has none.
        """
        if metric.history:
            values = self.final(name, f"test_{metric.history}")
        else:
            values = self[f"{name}/metrics/{metric.name}"]
        if not (np.isfinite(values) | self.failed(name)).all():
            raise ThawError(
                f"some networks of {name} have no finite value of {metric.name}; "
                "choose another metric for the study"
            )
        return values

    def rows(self, name: str, metric: Metric) -> np.ndarray | None:
        """Return the part of each unit of test rows in a metric, if known.

        It is `[repeats, units]` or, of the "constant", `[units]`.
        """
        return self._find(f"{name}/rows/{metric.name}")

    def failed(self, name: str) -> np.ndarray:
        """Return which networks failed, bool `[repeats]`."""
        return self[f"{name}/failed"]

    def is_known(self, name: str) -> bool:
        """Whether an estimator, which has no learning rate, gives one result only.

        That is if all scores and losses of several repeats are equal.
        """
        if not np.isnan(self.metric(name, "learning_rate")).all():
            return False
        if f"{name}/steps" not in self:  # scores that others made
            return False
        columns = [self.metric(name, metric) for metric in METRICS]
        return len(columns[0]) > 1 and not any(np.ptp(column) for column in columns)

    def failed_source_models(self) -> np.ndarray | None:
        """Return which source models failed; None if there are no results of any."""
        return self._find(f"{SOURCE_MODELS}/failed")

    def steps(self, name: str) -> np.ndarray:
        """Return the steps by the end of each epoch, int64 `[epochs + 1]`."""
        return self[f"{name}/steps"]

    def constant(self, metric: Metric) -> float:
        """Return the score of the best constant prediction on the target."""
        score = self._find(f"constant/metrics/{metric.name}")
        return np.nan if score is None else float(score)

    def constants(self, name: str) -> dict[str, float]:
        """Return its scores by the metrics of histories: `test_score`, `test_loss`."""
        return Constant(*self[f"{name}/constant"].tolist())._asdict()

    def task(self, name: str) -> str:
        """Return the name of the task."""
        return str(self[f"{name}/task"])

    def _find(self, name: str) -> np.ndarray | None:
        is_there = name in self
        return self[name] if is_there else None


def as_read(values: np.ndarray) -> np.ndarray:
    """Return float32 as a CSV gives them back: the shortest decimals, as float64."""
    return values.astype(str).astype(float)
