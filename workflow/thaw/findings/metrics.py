"""The metrics that a study can choose: their names, words, bounds and direction.

They are computed from saved predictions, so another choice trains nothing. Planning
reads this table; the functions are in `scoring`.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from thaw.errors import ThawError, listed


class Metric(NamedTuple):
    """A score on the test rows. Differences are gains: more than 0 is better.

    `name` is scikit-learn's name of the scorer without `neg_`, `words` stands in titles
    and on axes. `best` is a perfect network's score, `worst` the bound on the other
    side. `history` is the column of histories that holds it by epoch. A metric of
    `two_classes` takes one of them as positive; one that is `per_row` is a mean over
    rows. `constant` names the statistic of the labels that is a regression's constant
    prediction.
    """

    name: str
    words: str
    best: float
    worst: float
    history: str | None = None
    two_classes: bool = False
    per_row: bool = False
    constant: str = ""
    units: str = ""

    @property
    def axis(self) -> str:
        """Its name on an axis and in titles."""
        return f"test {self.words_in_units}"

    @property
    def words_in_units(self) -> str:
        """Its name, and its units if it has any."""
        return self.words + (f" ({self.units})" if self.units else "")

    @property
    def suffix(self) -> str:
        """Its units after a number, with a space; "" if it has none."""
        return f" {self.units}" if self.units else ""

    @property
    def lower_is_better(self) -> bool:
        """Whether it is an error."""
        return self.best < self.worst

    @property
    def has_bounds(self) -> bool:
        """Whether there is a limit to how bad a network can be."""
        return math.isfinite(self.worst)

    @property
    def gain(self) -> str:
        """The name of a difference."""
        direction = "decrease of" if self.lower_is_better else "difference in"
        return f"{direction} {self.axis}"

    def unit(self, constant: float, scores: Sequence[float] = ()) -> float:
        """Return the unit of statistics, which makes them independent of label units.

        It is the width of the bounds or, without bounds, how far the best `constant`
        prediction's score is from a perfect one. If that is 0 or not finite, it is
        the median size of the `scores`; 1 where they have none.
        """
        best = self.best if math.isfinite(self.best) else 0
        sizes = [abs(score) for score in scores if math.isfinite(score)]
        for unit in (
            abs(best - (self.worst if self.has_bounds else constant)),
            statistics.median(sizes) if sizes else 1.0,
        ):
            if unit > 0 and math.isfinite(unit):
                return unit
        return 1.0

    def decisive_rows(self, tested: int, rarest: int) -> int:
        """Return on how many of the `tested` rows a bounded metric rests, otherwise 0.

        One that is no mean over rows may rest on the `rarest` class, of so many rows.
        """
        return (tested if self.per_row else rarest) * self.has_bounds

    def worst_told(self, constant: float) -> float:
        """Return the score beyond which a mean tells no difference, or nan.

        It is the bound or, without one, the score of the best `constant` prediction,
        unless nothing can be better than that.
        """
        if self.has_bounds:
            return self.worst
        return constant if constant != self.best else math.nan


def _by_name(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


def _error(name: str, constant: str, units: str = "{}", **more: Any) -> Metric:
    """Return a metric without a bound, in the units of the labels."""
    words = name.replace("_", " ")
    return Metric(name, words, 0, math.inf, constant=constant, units=units, **more)


# By task. Histories hold the task's own metric as "score", and its reported loss as
# "loss".
METRICS = {
    "classification": _by_name(
        Metric("accuracy", "accuracy", 1, 0, history="score", per_row=True),
        Metric("balanced_accuracy", "balanced accuracy", 1, 0),
        Metric("log_loss", "log loss", 0, math.inf, history="loss", per_row=True),
        Metric("f1_macro", "macro F1", 1, 0),
        Metric("matthews_corrcoef", "Matthews correlation", 1, -1),
        Metric("roc_auc_ovr", "one-vs-rest ROC AUC", 1, 0),
        Metric("roc_auc", "ROC AUC", 1, 0, two_classes=True),
        Metric("average_precision", "average precision", 1, 0, two_classes=True),
        Metric("f1", "F1", 1, 0, two_classes=True),
        Metric("precision", "precision", 1, 0, two_classes=True),
        Metric("recall", "recall", 1, 0, two_classes=True),
        Metric("brier_score", "Brier score", 0, 1, two_classes=True, per_row=True),
    ),
    "regression": _by_name(
        _error("mean_absolute_error", "median", history="score", per_row=True),
        _error("root_mean_squared_error", "mean", history="loss"),
        _error("mean_squared_error", "mean", units="{}²", per_row=True),
        _error("median_absolute_error", "median"),
        Metric("r2", "R²", 1, -math.inf, constant="mean"),
    ),
}


def metric_of(settings: Mapping[str, Any]) -> Metric:
    """Return the metric that a study names.

    `settings` holds the `task` and the `name`; the `unit` of its labels, if they have
    one; of a user's function or score, whether `greater_is_better` and, if they are
    known, its `bounds`.
    """
    if "greater_is_better" in settings:
        worst, best = settings.get("bounds", (-math.inf, math.inf))
        if not settings["greater_is_better"]:
            worst, best = best, worst
        return Metric(settings["name"], settings["name"], best, worst, constant="mean")
    metric, unit = METRICS[settings["task"]][settings["name"]], settings.get("unit", "")
    return metric._replace(units=metric.units.format(unit) if unit else "")


def check_requirements(
    requirements: Mapping[str, Any], classes: Sequence[str], train_size: int
) -> None:
    """Raise `ThawError` unless a problem has the classes and rows that a study takes.

    `requirements` holds the names of its metrics of `two_classes`, the `positive` class
    if one is named, by their place in the study the classes that are given `weights`,
    and the numbers of train rows to learn from.
    """
    largest = max(requirements["target_sizes"], default=0)
    if largest > train_size:
        raise ThawError(
            f"target_sizes: the target has {train_size} train rows, and {largest} are "
            "asked for; ask for fewer, or for all"
        )
    pair, positive = requirements["two_classes"], requirements["positive"]
    for place, names in requirements["weights"].items():
        for name in names:
            if name not in classes:
                raise ThawError(
                    f"{place}: {name!r} is not a class. Allowed: {listed(classes)}"
                )
    if pair and len(classes) != 2:
        raise ThawError(
            f"metric: {listed(pair)} takes two classes, and the target has "
            f"{len(classes)}; choose another metric (docs/config.md), or keep two "
            "classes of the problem"
        )
    if positive is not None and str(positive) not in classes:
        raise ThawError(
            f"positive: {str(positive)!r} is not a class of the target. Allowed: "
            f"{listed(classes)}"
        )


def of_history(task: str, kept: str, unit: str) -> Metric:
    """Return the metric of a task that histories hold as `score` or as `loss`.

    `unit` is that of the labels, "" if they have none.
    """
    name = next(m.name for m in METRICS[task].values() if m.history == kept)
    return metric_of({"task": task, "name": name, "unit": unit})
