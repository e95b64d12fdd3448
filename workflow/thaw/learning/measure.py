"""Measure networks by their logits: accuracy, cross-entropy, failures."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.learning.history import ROUNDING


class Labels(NamedTuple):
    """A set's labels in the two forms from which scores are computed.

    Both are `[classes, rows]`, or `[R, classes, rows]` where each network has rows of
    its own.

    one_hot: 1 for a row's class, else 0.
    head_start: what a class is ahead of the row's in a tie; more than 0 if it is an
    earlier one, which is then the predicted one.
    """

    one_hot: Tensor
    head_start: Tensor


def prepare_labels(labels: np.ndarray, classes: int) -> Labels:
    """Return labels, int64 from 0, in the forms that `evaluate` takes.

    They are `[rows]`, or `[R, rows]` where each network has rows of its own.
    """
    index = torch.from_numpy(labels).unsqueeze(-2)
    numbers = torch.arange(classes)[:, None]
    smallest = torch.finfo(torch.float32).tiny
    return Labels((numbers == index).float(), smallest * (numbers < index))


def log_probabilities(logits: Tensor) -> np.ndarray:
    """Return the log-probabilities of logits `[R, classes, rows]`.

    They are float32 `[R, rows, classes]`. They are computed in float64: in float32 a
    probability near 1 would round to 1, and such rows would all rank the same.
    """
    return torch.log_softmax(logits.double(), 1).float().mT.contiguous().numpy()


def evaluate(logits: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
    """Return each network's accuracy `[R]` (float64) and mean cross-entropy `[R]`.

    logits are `[R, classes, rows]`. The predicted class is the first one with the
    highest logit, as `argmax` would say; but `argmax`, and a `gather` by label, are
    several times slower on a CPU than sums and maxima over classes. Where a logit is
    not finite the row counts as wrong and the network's loss is nan.
    """
    rows = logits.shape[2]
    own = (logits * labels.one_hot).sum(1, keepdim=True)
    lead = (logits - own).add_(labels.head_start).amax(1)
    correct = lead.le_(0).sum(1)
    losses = torch.log_softmax(logits, 1).mul_(labels.one_hot).sum((1, 2)).neg()
    return correct.double() / rows, losses / rows


class Measured(NamedTuple):
    """Measured only of the networks that are kept in the end; see `Final`."""

    test_balanced_accuracy: np.ndarray
    failed: np.ndarray


def measure_finally(logits: Tensor, labels: Labels) -> Measured:
    """Measure networks at the end; logits on the test set are as in `evaluate`.

    A class without test rows does not count in balanced accuracy. A network failed if a
    logit is not finite, or if all rows have the same logits, up to `ROUNDING`.
    """
    finite = logits.isfinite().all(1)
    predicted = logits.argmax(1)
    one_hot = labels.one_hot[labels.one_hot.sum(1) > 0]
    own = labels.one_hot.argmax(0)
    correct = ((predicted == own) & finite).double()
    recalls = correct @ one_hot.T.double() / one_hot.sum(1)
    size = logits.abs().amax(2).clamp(min=1)
    identical = logits.amax(2) - logits.amin(2) <= ROUNDING * size
    failed = identical.all(1) | ~finite.all(1)
    return Measured(recalls.mean(1).float().numpy(), failed.numpy())
