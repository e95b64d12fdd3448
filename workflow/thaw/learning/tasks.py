"""Tasks: what networks predict for a row, a class or a number.

A task is one object, and no other code asks which one it is. Metrics, and their words,
stand in `thaw.findings.metrics`, because they change nothing that is trained; labels
are read in `thaw.data.labels`.

Tensors are used only through their methods, so planning can read this without torch.
"""

# ruff: noqa: D102 (`Task` explains these)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from thaw.data.strata import quantiles
from thaw.errors import ThawError, listed

if TYPE_CHECKING:
    from torch import Tensor

    from thaw.data.problem import Problem


class Constant(NamedTuple):
    """The scores of the best constant prediction on the test rows."""

    test_score: float
    test_loss: float


class Scale(NamedTuple):
    """The scale of the labels that each network learns, float64 `[R]` or `[1]`.

    An output x predicts `centre + spread * x`. The spread is 0 where all labels are the
    same.
    """

    centre: np.ndarray
    spread: np.ndarray


class Targets(NamedTuple):
    """A set's labels in the form that scores need, float32 `[…, width, rows]`.

    values: what the network's outputs should be like.
    head_start: a class's lead over the row's own in a tie; more than 0 for an earlier
    class, which then is the predicted one. Empty in a regression.
    """

    values: Any
    head_start: Any


class Task(Protocol):
    """The quantity that networks predict for a row.

    `outputs` are those of R networks, `[R, width, rows]`; labels are `[rows]` or, if
    each network has rows of its own, `[R, rows]`.

    name: its name in the config.
    score: its own metric, by the name of scikit-learn's scorer.
    loss: the loss as reported: itself, or its root in the label's units.
    kept: the name of the predictions that are kept.
    has_classes: whether labels are classes.
    """

    name: str
    score: str
    loss: str
    kept: str
    has_classes: bool

    def width(self, classes: int) -> int:
        """Return the number of a network's outputs for a problem of so many classes."""

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """Return the strata of rows with these labels, int64 `[rows]`."""

    def scaled(self, problem: Problem, rows: int) -> tuple[Problem, Scale | None]:
        """Return the problem with labels as networks learn them, and their scale.

        It is the scale of the first `rows` train rows, those that networks learn from.
        """

    def prepared(self, labels: np.ndarray, classes: int) -> Targets:
        """Return scaled labels in the forms that `measure` takes, as arrays."""

    def weights(self, labels: np.ndarray, classes: int, wanted: Any) -> np.ndarray:
        """Return the weight of each class in the loss, float32 `[R or 1, classes]`.

        `labels` are those of the rows that networks learn from, `wanted` a weight for
        each class, or `balanced`. Raises `ThawError` if there are no classes.
        """

    def gradient(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        """Return the gradient of each row's loss by the outputs; these may change."""

    def mean_loss(
        self, outputs: Tensor, labels: Tensor, weights: Tensor | None
    ) -> Tensor:
        """Return the mean loss of one network with these outputs, `[rows, width]`."""

    def measure(
        self, outputs: Tensor, labels: Targets, scale: Scale | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return each network's score and loss, float64 `[R]`."""

    def predictions(self, outputs: Tensor, scale: Scale | None) -> np.ndarray:
        """Return the predictions to keep."""

    def same(
        self, predictions: np.ndarray, problem: Problem, rounding: float
    ) -> np.ndarray:
        """Return which networks predict the same for all rows, up to rounding `[R]`."""

    def scores(
        self, predictions: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the score and loss of predictions that were kept, float64 `[R]`."""

    def constant(self, problem: Problem) -> Constant:
        """Return the scores of the best constant prediction."""

    def constant_prediction(self, problem: Problem, statistic: str) -> np.ndarray:
        """Return that prediction in the form kept of a network, `[1, rows, …]`.

        In a regression it is a `statistic` of the train rows: `median` or `mean`.
        """


class Classification(Task):
    """Labels are classes, int64 from 0; the loss is the cross-entropy in nats.

    Log-probabilities are kept, float32 `[R, rows, classes]`.
    """

    name, score, loss = "classification", "accuracy", "loss"
    kept, has_classes = "log_probabilities", True

    def width(self, classes: int) -> int:
        return classes

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return labels

    def scaled(self, problem: Problem, rows: int) -> tuple[Problem, Scale | None]:
        return problem, None

    def prepared(self, labels: np.ndarray, classes: int) -> Targets:
        """Return 1 for a row's class, else 0; and head starts."""
        index, numbers = labels[..., None, :], np.arange(classes)[:, None]
        smallest = np.finfo(np.float32).tiny
        return Targets(
            (numbers == index).astype(np.float32),
            smallest * (numbers < index).astype(np.float32),
        )

    def weights(self, labels: np.ndarray, classes: int, wanted: Any) -> np.ndarray:
        """Return the class weights: those `wanted`, or balanced ones.

        Balanced, all classes weigh the same in the loss, and the mean weight of a row
        is 1 (King and Zeng 2001, as in scikit-learn).
        """
        if wanted != "balanced":
            return np.array(wanted, np.float32)[None]
        rows = labels.reshape(-1, labels.shape[-1])
        counts = (rows[:, :, None] == np.arange(classes)).sum(1)
        balanced = rows.shape[1] / (classes * np.maximum(counts, 1))
        return balanced.astype(np.float32)

    def gradient(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        """Return the probabilities less the targets, times the rows' weights."""
        errors = outputs.softmax(1).sub_(targets)
        if weights is not None:
            errors *= (targets * weights[:, :, None]).sum(1, keepdim=True)
        return errors

    def mean_loss(
        self, outputs: Tensor, labels: Tensor, weights: Tensor | None
    ) -> Tensor:
        """Return the mean cross-entropy over rows, not over their weights."""
        losses = -outputs.log_softmax(1).gather(1, labels[:, None]).squeeze(1)
        return (losses if weights is None else losses * weights[0][labels]).mean()

    def measure(
        self, outputs: Tensor, labels: Targets, scale: Scale | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return accuracy and mean cross-entropy.

        The predicted class is the first one with the highest logit, as with `argmax`;
        but on a CPU `argmax`, and a `gather` by label, are several times slower than
        sums and maxima over classes. If a logit is not finite the row counts as wrong
        and the network's loss is nan.
        """
        one_hot, head_start = labels
        rows = outputs.shape[2]
        logits = (outputs * one_hot).sum(1, keepdim=True)
        lead = (outputs - logits).add_(head_start).amax(1)
        correct = lead.le_(0).sum(1)
        losses = outputs.log_softmax(1).mul_(one_hot).sum((1, 2)).neg()
        return (correct.double() / rows).numpy(), (losses / rows).numpy()

    def predictions(self, outputs: Tensor, scale: Scale | None) -> np.ndarray:
        """Return log-probabilities.

        They are computed in float64, because in float32 probabilities near 1 would
        round to 1, and such rows would all rank the same.
        """
        return outputs.double().log_softmax(1).float().mT.contiguous().numpy()

    def same(
        self, predictions: np.ndarray, problem: Problem, rounding: float
    ) -> np.ndarray:
        size = np.maximum(1, abs(predictions).max(1))
        return (np.ptp(predictions, axis=1) <= rounding * size).all(1)

    def scores(
        self, predictions: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        likelihoods = predictions[:, np.arange(len(labels)), labels]
        is_right = predictions.argmax(2) == labels
        return is_right.mean(1), -likelihoods.mean(1, dtype=np.float64)

    def constant(self, problem: Problem) -> Constant:
        """Return the scores of the train rows' class shares, used as probabilities.

        The predicted class is the commonest one.
        """
        train = np.bincount(problem.train_y, minlength=problem.classes)
        test = np.bincount(problem.test_y, minlength=problem.classes)
        shares = test / test.sum()
        there = test > 0
        with np.errstate(divide="ignore"):  # a class that the train set lacks
            loss = -(shares[there] * np.log(train[there] / train.sum())).sum()
        return Constant(float(shares[train.argmax()]), float(loss))

    def constant_prediction(self, problem: Problem, statistic: str) -> np.ndarray:
        """Return the logarithms of the train rows' class shares."""
        counts = np.bincount(problem.train_y, minlength=problem.classes)
        logarithms = np.log(counts / counts.sum())
        return np.broadcast_to(logarithms, (1, len(problem.test_y), problem.classes))


class Regression(Task):
    """Labels are numbers, float64; the loss is the mean squared error.

    Labels are first scaled so that the rows a network learns from have mean 0 and
    standard deviation 1. All reports are in the label's own units: the mean absolute
    error, the root of the loss, and the predictions, float64 `[R, rows]`.
    """

    name, score, loss = "regression", "mean_absolute_error", "root_mean_squared_error"
    kept, has_classes = "numbers", False

    def width(self, classes: int) -> int:
        return 1

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return quantiles(labels)

    def scaled(self, problem: Problem, rows: int) -> tuple[Problem, Scale | None]:
        learned = problem.train_y[..., :rows]
        centre = learned.mean(-1, keepdims=True)
        # Rounding gives equal labels a standard deviation that is not quite 0.
        varies = np.ptp(learned, axis=-1, keepdims=True) > 0
        spread = np.where(varies, learned.std(-1, keepdims=True), 0.0)
        unit = np.where(varies, spread, 1.0)
        train_y, test_y = (
            ((labels - centre) / unit).astype(np.float32)
            for labels in (problem.train_y, problem.test_y)
        )
        scale = Scale(centre.reshape(-1), spread.reshape(-1))
        return problem._replace(train_y=train_y, test_y=test_y), scale

    def prepared(self, labels: np.ndarray, classes: int) -> Targets:
        return Targets(labels[..., None, :], np.zeros(0, np.float32))

    def weights(self, labels: np.ndarray, classes: int, wanted: Any) -> np.ndarray:
        raise ThawError("class_weight only applies to classes, and labels are numbers")

    def gradient(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        return outputs.sub_(targets).mul_(2)

    def mean_loss(
        self, outputs: Tensor, labels: Tensor, weights: Tensor | None
    ) -> Tensor:
        return (outputs.squeeze(1) - labels).square().mean()

    def measure(
        self, outputs: Tensor, labels: Targets, scale: Scale | None
    ) -> tuple[np.ndarray, np.ndarray]:
        assert scale is not None
        varies = scale.spread > 0
        # A network that learned from equal labels predicts that number.
        numbers = np.where(varies[:, None, None], outputs.numpy(), 0)
        errors = np.abs(numbers - labels.values.numpy(), dtype=np.float64)
        unit = np.where(varies, scale.spread, 1.0)
        squares = np.square(errors).mean((1, 2))
        return errors.mean((1, 2)) * unit, np.sqrt(squares) * unit

    def predictions(self, outputs: Tensor, scale: Scale | None) -> np.ndarray:
        assert scale is not None
        numbers = outputs.squeeze(1).double().numpy()
        return scale.centre[:, None] + scale.spread[:, None] * numbers

    def same(
        self, predictions: np.ndarray, problem: Problem, rounding: float
    ) -> np.ndarray:
        labels = problem.train_y
        size = np.maximum(labels.std(), abs(predictions - labels.mean()).max(1))
        return np.ptp(predictions, axis=1) <= rounding * size

    def scores(
        self, predictions: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        errors = np.abs(predictions - labels)
        return errors.mean(1), np.sqrt(np.square(errors).mean(1))

    def constant(self, problem: Problem) -> Constant:
        """Return the score of the train rows' median, and the loss of their mean."""
        (score, _), (_, loss) = (
            self.scores(self.constant_prediction(problem, statistic), problem.test_y)
            for statistic in ("median", "mean")
        )
        return Constant(float(score[0]), float(loss[0]))

    def constant_prediction(self, problem: Problem, statistic: str) -> np.ndarray:
        constant = np.median if statistic == "median" else np.mean
        return np.full((1, len(problem.test_y)), constant(problem.train_y))


TASKS: Mapping[str, Task] = {
    task.name: task for task in (Classification(), Regression())
}


def named_weights(weights: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    """Return the weight of each class, by default 1.

    Raises `ThawError` for a name that is not a class.
    """
    for name in weights:
        if name not in classes:
            raise ThawError(
                f"training.class_weight: {name!r} is not a class. Allowed: "
                f"{listed(classes)}"
            )
    return [float(weights.get(name, 1.0)) for name in classes]
