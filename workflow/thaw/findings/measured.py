"""What an arm's predictions give: metrics, the luck of the rows, counts of classes.

Jobs are added one after the other, and none of their predictions is kept. Networks that
failed have no score.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings import scoring
from thaw.findings.metrics import Metric, check_classes, metric_of
from thaw.findings.predicted import predicted_counts
from thaw.findings.rows_luck import influence
from thaw.learning.tasks import TASKS

# So many numbers at once become float64.
AT_ONCE = 2**22

# What a user's metric gets: labels, and what a network predicts.
Function = Callable[[np.ndarray, np.ndarray], Any]


class Metrics:
    """The metrics of a study, for its target problem.

    `told` are as `thaw.findings.metrics.metric_of` takes them, `functions` those of
    users by the metric's name. `positive` is the positive class; left out, the rarer of
    two. Raises `ThawError` where the problem has other classes than a metric takes.
    """

    def __init__(
        self,
        told: Sequence[Mapping[str, Any]],
        functions: Mapping[str, Function],
        positive: Any,
        problem: Problem,
        classes: Sequence[str],
    ) -> None:
        self.metrics = [metric_of(one) for one in told]
        self._functions, self._problem = functions, problem
        self._task = TASKS[problem.task]
        # Where two classes are asked for: the order that puts the positive one last.
        self._order: list[int] = []
        self.positive = ""
        pair = [metric.name for metric in self.metrics if metric.two_classes]
        asked = {"two_classes": pair, "positive": positive, "weights": {}}
        check_classes(asked, classes)
        if pair:
            rows = np.bincount(problem.train_y, minlength=2)
            # Of equally many rows the second, as in scikit-learn.
            last = 0 if rows[0] < rows[1] else 1
            if positive is not None:
                last = list(classes).index(str(positive))
            self._order, self.positive = [1 - last, last], classes[last]

    def scores(self, metric: Metric, said: np.ndarray) -> np.ndarray:
        """Return a metric of each network's predictions, float64 `[R]`."""
        return self._by_parts(metric, said, self._score)

    def influence(self, metric: Metric, said: np.ndarray) -> np.ndarray:
        """Return what each unit of rows adds to a metric, `[R, units]`.

        See `thaw.findings.rows_luck`. Of a user's function it is not known: no unit.
        """
        if metric.name in self._functions:
            return np.empty((len(said), 0))
        return self._by_parts(metric, said, influence)

    def constant(self, metric: Metric) -> float:
        """Return what the best constant prediction reaches."""
        said = self._task.constant_prediction(self._problem, metric.constant)
        return float(self.scores(metric, said)[0])

    def _score(
        self, metric: Metric, labels: np.ndarray, said: np.ndarray
    ) -> np.ndarray:
        function = self._functions.get(metric.name)
        if function is None:
            return getattr(scoring, metric.name)(labels, said)
        predicted = np.exp(said) if self._task.has_classes else said
        found = [np.asarray(function(labels.copy(), own.copy())) for own in predicted]
        for value in found:
            if value.shape != () or value.dtype.kind not in "fiub":
                raise ThawError(
                    f"the metric {metric.name} returned {value!r}, not one number"
                )
        return np.array(found, np.float64)

    def _by_parts(
        self, metric: Metric, said: np.ndarray, what: Callable[..., np.ndarray]
    ) -> np.ndarray:
        """Return what a function says of some networks after the other."""
        labels = self._problem.test_y
        if metric.two_classes:
            labels = (labels == self._order[1]).astype(np.int64)
            said = said[..., self._order]
        step = max(1, AT_ONCE // said[0].size)
        parts = [
            what(metric, labels, said[first : first + step].astype(np.float64))
            for first in range(0, len(said), step)
        ]
        return np.concatenate(parts)


class Measured:
    """What is known of an arm by its predictions, job by job.

    scores: of each job's networks, float64 `[R]`, by metric; jobs: how many there were.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self._networks, self.jobs = metrics, 0, 0
        self._influences: dict[str, np.ndarray] = {}
        self._counts: np.ndarray | None = None
        self.scores: dict[str, list[np.ndarray]] = {}

    def add(self, said: np.ndarray, failed: np.ndarray, task: str) -> None:
        """Add what a job's networks predict, but for those that `failed` `[R]`."""
        sound = said[~failed]
        if TASKS[task].has_classes:
            counts = predicted_counts(sound)
            self._counts = counts if self._counts is None else self._counts + counts
        for metric in self._metrics.metrics:
            if not metric.history:
                values = np.full(len(said), np.nan)
                if len(sound):
                    values[~failed] = self._metrics.scores(metric, sound)
                self.scores.setdefault(metric.name, []).append(values)
            if len(sound):
                added = self._metrics.influence(metric, sound).sum(0)
                before = self._influences.get(metric.name, 0)
                self._influences[metric.name] = before + added
        self._networks += len(sound)
        self.jobs += 1

    @property
    def by_rows(self) -> dict[str, np.ndarray]:
        """What is known of each row, as `thaw.output.histories` names it."""
        found = {
            f"rows/{name}": total / self._networks
            for name, total in self._influences.items()
            if len(total)
        }
        return found if self._counts is None else found | {"predicted": self._counts}
