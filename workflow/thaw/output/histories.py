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

import numpy as np

from thaw.errors import ThawError
from thaw.findings.metrics import Metric
from thaw.learning.history import METRICS, kept
from thaw.learning.tasks import Constant
from thaw.output.records import Archive

SOURCE_MODELS = "source-models"


class Histories(Archive):
    """Read a study's gathered histories, one array at a time.

    `name` is that of an arm or `SOURCE_MODELS`. All methods raise `ThawError` if the
    file is damaged or was changed.
    """

    def final(self, name: str, metric: str) -> np.ndarray:
        """Return a final score, float64 `[repeats]`.

        The numbers are those of `scores.csv`: the shortest decimals that give these
        float32.
        """
        values = self[f"{name}/{metric}"]
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
        if not (np.isfinite(values) | self[f"{name}/failed"]).all():
            raise ThawError(
                f"some networks of {name} have no finite value of {metric.name}; "
                "choose another metric for the study"
            )
        return values

    def is_known(self, name: str) -> bool:
        """Whether an estimator, which has no learning rate, gives one result only.

        That is if all scores and losses of several repeats are equal.
        """
        if not np.isnan(self[f"{name}/learning_rate"]).all():
            return False
        if f"{name}/steps" not in self:  # scores that others made
            return False
        columns = [self[f"{name}/{metric}"] for metric in METRICS]
        return len(columns[0]) > 1 and not any(np.ptp(column) for column in columns)

    def constants(self, name: str) -> dict[str, float]:
        """Return its scores by the metrics of histories: `test_score`, `test_loss`."""
        return Constant(*self[f"{name}/constant"].tolist())._asdict()


def as_read(values: np.ndarray) -> np.ndarray:
    """Return float32 as a CSV gives them back: the shortest decimals, as float64."""
    return values.astype(str).astype(float)
