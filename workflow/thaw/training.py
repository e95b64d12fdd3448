"""Train an ensemble: R repeats at once, each with its own batch order.

The gradient is written out by hand: for a fully connected network with softmax and
cross-entropy it is a few lines, it lets one `baddbmm_` both form a layer's gradient
and take the step of gradient descent, and it costs a lone repeat less than half of
what autograd does (docs/benchmarks/training.md). A test holds it against autograd.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw import seeds
from thaw.network import Layer, activations, evaluate
from thaw.problems import Problem
from thaw.scores import METRICS, History


class Training(NamedTuple):
    """How a network learns: plain stochastic gradient descent."""

    epochs: int
    batch_size: int
    learning_rate: float


# How many numbers an activation of the whole train set may hold. 1 MB of them stays in
# a core's cache, and the allocator reuses it instead of asking for new pages.
CACHED_NUMBERS = 2**18


def ensembles(
    numbers: Sequence[int], rows: int, widths: Sequence[int]
) -> Iterator[Sequence[int]]:
    """Split what a job trains into ensembles small enough to stay in the cache.

    `widths` are those of the network's layers. The results do not depend on the split.
    """
    size = max(1, CACHED_NUMBERS // (rows * max(widths)))
    for first in range(0, len(numbers), size):
        yield numbers[first : first + size]


def shuffled_orders(
    seed: int, kind: int, numbers: Sequence[int], rows: int, epochs: int
) -> Iterator[Tensor]:
    """Yield, for each epoch, the order in which each of `numbers` sees the rows.

    Each order is int64 `[len(numbers), rows]`; `kind` is what is trained (see
    `thaw.seeds`).
    """
    streams = [
        seeds.generator(seed, kind, number, seeds.BATCH_ORDER) for number in numbers
    ]
    for _ in range(epochs):
        yield torch.from_numpy(np.stack([s.permutation(rows) for s in streams]))


@torch.no_grad()
def train(
    network: Sequence[Layer],
    problem: Problem,
    orders: Iterable[Tensor],
    training: Training,
    freeze: int = 0,
    report: Callable[[int], None] = lambda epoch: None,
) -> History:
    """Train the ensemble in place, all layers but the first `freeze`.

    `orders` gives the order of the rows for each epoch, `[R, rows]`. Batches are
    consecutive parts of it; the last, short one is kept and averaged over its own
    size. `report` is called after each epoch with its number.
    """
    repeats, classes = network[0].weight.shape[0], network[-1].weight.shape[1]
    if repeats == 1 and _has_vectors(network, problem, training):
        # Alone, it would take matrix-vector kernels, which round otherwise than those
        # of an ensemble; so it trains beside a copy of itself.
        twins = [Layer(*(part.repeat(2, 1, 1) for part in layer)) for layer in network]
        doubled = (order.repeat(2, 1) for order in orders)
        history = train(twins, problem, doubled, training, freeze, report)
        for layer, pair in zip(network, twins, strict=True):
            layer.weight.copy_(pair.weight[:1])
            layer.bias.copy_(pair.bias[:1])
        return History(*(column[:1] for column in history))
    frozen, learning = network[:freeze], network[freeze:]
    train_y, test_y = (
        torch.from_numpy(problem.train_y),
        torch.from_numpy(problem.test_y),
    )
    targets = torch.nn.functional.one_hot(train_y, classes).T.float()
    targets = targets.contiguous().expand(repeats, -1, -1)
    # What frozen layers pass on never changes, so it is computed once, and training
    # never even sees their weights.
    train_x = activations(frozen, _columns(problem.train_x, repeats))
    test_x = activations(frozen, _columns(problem.test_x, repeats))

    history = History(
        *(np.empty((repeats, training.epochs + 1), np.float32) for _ in METRICS)
    )

    def measure(epoch: int) -> None:
        scores = (
            *evaluate(learning, train_x, train_y),
            *evaluate(learning, test_x, test_y),
        )
        for column, score in zip(history, scores, strict=True):
            column[:, epoch] = score.numpy()

    measure(0)
    for epoch, order in enumerate(orders, start=1):
        x, y = _take(train_x, order), _take(targets, order)
        for batch_x, batch_y in zip(
            x.split(training.batch_size, dim=2),
            y.split(training.batch_size, dim=2),
            strict=True,
        ):
            _descend(learning, batch_x, batch_y, training.learning_rate)
        measure(epoch)
        report(epoch)
    return history


def _has_vectors(
    network: Sequence[Layer], problem: Problem, training: Training
) -> bool:
    """Whether a layer, a batch or a test set is a single unit or row."""
    rows = len(problem.train_x)
    sizes = [rows, training.batch_size, rows % training.batch_size, len(problem.test_x)]
    widths = [width for layer in network for width in layer.weight.shape[1:]]
    return 1 in sizes + widths


def _columns(x: np.ndarray, repeats: int) -> Tensor:
    """Return data points as columns, `[R, features, rows]`, shared by all repeats."""
    return torch.from_numpy(x).T.contiguous().expand(repeats, -1, -1)


def _take(columns: Tensor, order: Tensor) -> Tensor:
    """Return each repeat's columns `[R, features, rows]` in its order `[R, rows]`."""
    return columns.gather(2, order[:, None].expand(-1, columns.shape[1], -1))


def _descend(
    layers: Sequence[Layer], x: Tensor, y: Tensor, learning_rate: float
) -> None:
    """Take one step down the gradient of the batch's mean cross-entropy.

    x is `[R, features, batch]`, y the one-hot labels `[R, classes, batch]`. The loss is
    the sum over repeats of each repeat's mean, so the repeats never mix.
    """
    passed_on = [x]
    for layer in layers[:-1]:
        passed_on.append(activations([layer], passed_on[-1]))
    output = layers[-1]
    logits = torch.baddbmm(output.bias, output.weight, passed_on[-1])
    gradient = torch.softmax(logits, 1).sub_(
        y
    )  # by the layer's logits, times the batch
    step = learning_rate / x.shape[2]
    for number in reversed(range(len(layers))):
        layer, inputs = layers[number], passed_on[number]
        # Before the layer's weights move: they passed the signal on as they were.
        below = torch.bmm(layer.weight.mT, gradient) if number else None
        layer.weight.baddbmm_(gradient, inputs.mT, alpha=-step)
        layer.bias.sub_(gradient.sum(2, keepdim=True), alpha=step)
        if number:
            # ReLU's own gradient, ten times as fast as a comparison and a product.
            gradient = torch.ops.aten.threshold_backward(below, inputs, 0)
