"""The metrics that a study can choose for its tables, verdicts and figures.

Jobs record all of them, so choosing another one trains nothing.
"""

import math
from typing import NamedTuple


class Metric(NamedTuple):
    """A score on the test rows.

    `score` is its name in `scores.csv`, `words` its name in titles and on axes. No
    value is below 0 or above `highest`. Differences are gains: more than 0 is better,
    whichever direction the metric itself has.
    """

    score: str
    words: str
    highest: float = 1.0
    lower_is_better: bool = False

    @property
    def is_accuracy(self) -> bool:
        """Whether it is a share of rows, to which the usual conventions apply."""
        return not self.lower_is_better

    @property
    def gain(self) -> str:
        """The name of a difference."""
        direction = "decrease of" if self.lower_is_better else "difference in"
        return f"{direction} {self.words}"


METRICS = {
    "accuracy": Metric("test_accuracy", "test accuracy"),
    "balanced_accuracy": Metric("test_balanced_accuracy", "balanced test accuracy"),
    "log_loss": Metric(
        "test_loss", "test log loss", highest=math.inf, lower_is_better=True
    ),
}


def with_history(metric: Metric) -> Metric:
    """Return the metric that replaces this one in histories.

    Balanced accuracy is measured in the end only.
    """
    accuracy = METRICS["accuracy"]
    return accuracy if metric == METRICS["balanced_accuracy"] else metric
