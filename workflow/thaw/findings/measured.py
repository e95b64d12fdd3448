"""Results of an arm's predictions: metrics, and the luck of the rows.

Failed networks have no score.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings import scoring
from thaw.findings.metrics import Metric, metric_of
from thaw.findings.rows_luck import assign_units, by_unit
from thaw.learning.tasks import TASKS

# At most so many numbers become float64 at once.
AT_ONCE = 2**22

# The arguments of a user's metric: labels, and a network's predictions.
Function = Callable[[np.ndarray, np.ndarray], Any]


class Metrics:
    """The metrics of a study, for its target problem.

    `settings` are as `thaw.findings.metrics.metric_of` takes them, `functions` those of
    users by the metric's name. `positive` is the positive class, by default the rarer
    of two. Raises `ThawError` if the problem's classes do not suit a metric.
    """

    def __init__(
        self,
        settings: Sequence[Mapping[str, Any]],
        functions: Mapping[str, Function],
        positive: Any,
        problem: Problem,
        classes: Sequence[str],
    ) -> None:
        self.metrics = [metric_of(metric) for metric in settings]
        self._functions, self._problem = functions, problem
        self._task = TASKS[problem.task]
        # For two classes: the order that puts the positive one last.
        self._order: list[int] = []
        self.positive = ""
        if any(metric.two_classes for metric in self.metrics):
            rows = np.bincount(problem.train_y, minlength=2)
            # If both are as frequent the second, as in scikit-learn.
            last = 0 if rows[0] < rows[1] else 1
            if positive is not None:
                last = list(classes).index(str(positive))
            self._order, self.positive = [1 - last, last], classes[last]

    def scores(
        self, metric: Metric, predictions: np.ndarray, places: np.ndarray
    ) -> np.ndarray:
        """Return a metric of each network's predictions, float64 `[R]`.

        They are computed on the rows at some `places` of the problem's test rows.
        """
        return self._by_parts(metric, predictions, places, self._score)

    def of_networks(
        self, predictions: np.ndarray, rows: np.ndarray, failed: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return a value for each network, by its name in `thaw.output.histories`.

        `predictions` `[R, rows, …]` are as the task keeps them, `rows` the numbers of
        the test rows, `[rows]` or each network's, `[R, rows]`; networks that `failed`
        `[R]` have nan.
        """
        networks, known = {}, self.of_constant
        parts = [
            (sound, predictions[sound], places)
            for numbers, places in self._splits(rows, len(predictions))
            if len(sound := numbers[~failed[numbers]])
        ]
        for metric in self.metrics:
            for part, function, dtype in (
                ("metrics", self.scores, np.float64),
                # For rows seven digits are plenty.
                ("rows", self._influence, np.float32),
            ):
                constant = known.get(f"constant/{part}/{metric.name}")
                if constant is None or (part == "metrics" and metric.history):
                    continue
                values = np.full((len(predictions), *np.shape(constant)), np.nan, dtype)
                for sound, of_sound, places in parts:
                    values[sound] = function(metric, of_sound, places)
                networks[f"{part}/{metric.name}"] = values
        return networks

    def _influence(
        self, metric: Metric, predictions: np.ndarray, places: np.ndarray
    ) -> np.ndarray:
        """Return what each unit of rows adds to a metric, `[R, units]`.

        See `thaw.findings.rows_luck`. It is nan for units without a row at any of these
        places, and unknown for a user's function.
        """
        units = self._units[metric.name]
        by_row_unit = np.full((len(predictions), units.max() + 1), np.nan)
        values = functools.partial(by_unit, units=units[places])
        there = np.unique(units[places])
        by_row_unit[:, there] = self._by_parts(metric, predictions, places, values)
        return by_row_unit

    def _splits(
        self, rows: np.ndarray, networks: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the networks that share test rows, and the rows' places in the problem.

        `rows` are the rows' numbers, `[rows]`, or those of each network, `[R, rows]`.
        """
        if rows.ndim == 1:
            yield np.arange(networks), np.arange(len(rows))
            return
        splits, numbers = np.unique(rows, axis=0, return_inverse=True)
        for number, split in enumerate(splits):
            places = np.searchsorted(self._problem.test_rows, split)
            yield np.flatnonzero(numbers == number), places

    @functools.cached_property
    def _groups(self) -> np.ndarray:
        """The group of each test row; its own, if rows come one by one."""
        groups = self._problem.test_groups
        return groups if len(groups) else np.arange(len(self._problem.test_y))

    @functools.cached_property
    def _units(self) -> dict[str, np.ndarray]:
        """The unit of each test row by the metric's name: the same for all jobs."""
        return {
            metric.name: assign_units(metric, self._labels(metric), self._groups)
            for metric in self.metrics
            if metric.name not in self._functions
        }

    @functools.cached_property
    def of_constant(self) -> dict[str, Any]:
        """The score of the best constant prediction, in total and by unit of rows.

        With it comes the number of test rows, or groups of them, and that of the rarest
        class. The names are those of `thaw.output.histories`.
        """
        every = np.arange(len(self._problem.test_y))
        values: dict[str, Any] = {"tested": len(np.unique(self._groups)), "rarest": 0}
        if self._task.has_classes:
            values["rarest"] = np.bincount(self._problem.test_y).min()
        for metric in self.metrics:
            predictions = self._task.constant_prediction(self._problem, metric.constant)
            score = self.scores(metric, predictions, every)[0]
            values[f"constant/metrics/{metric.name}"] = score
            if metric.name not in self._functions:
                by_rows = self._influence(metric, predictions, every)[0]
                values[f"constant/rows/{metric.name}"] = by_rows
        return values

    def _score(
        self, metric: Metric, labels: np.ndarray, predictions: np.ndarray
    ) -> np.ndarray:
        function = self._functions.get(metric.name)
        if function is None:
            return getattr(scoring, metric.name)(labels, predictions)
        predicted = np.exp(predictions) if self._task.has_classes else predictions
        values = [np.asarray(function(labels.copy(), x.copy())) for x in predicted]
        for value in values:
            if value.shape != () or value.dtype.kind not in "fiub":
                raise ThawError(
                    f"the metric {metric.name} returned {value!r}, not one number"
                )
        return np.array(values, np.float64)

    def _labels(self, metric: Metric) -> np.ndarray:
        """Return the labels of all test rows in the form that a metric takes."""
        labels = self._problem.test_y
        if metric.two_classes:
            labels = (labels == self._order[1]).astype(np.int64)
        return labels

    def _by_parts(
        self,
        metric: Metric,
        predictions: np.ndarray,
        places: np.ndarray,
        what: Callable[..., np.ndarray],
    ) -> np.ndarray:
        """Return a function's values for some networks, one after the other."""
        labels = self._labels(metric)[places]
        if metric.two_classes:
            predictions = predictions[..., self._order]
        step = max(1, AT_ONCE // predictions[0].size)
        parts = [
            what(metric, labels, predictions[first : first + step].astype(np.float64))
            for first in range(0, len(predictions), step)
        ]
        return np.concatenate(parts)
