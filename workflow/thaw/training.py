"""Train an ensemble: R repeats at once, each with its own batch order.

The gradient is written out by hand: for a fully connected network with softmax and
cross-entropy it is a few lines, it lets one `baddbmm_` both form a layer's gradient
and take the step of gradient descent, and it costs a lone repeat less than half of
what autograd does (docs/benchmarks/training.md). A test holds it against autograd.

While it learns, a layer is one matrix that holds its bias as a last column, for an
input whose last feature is always 1. That saves the separate operations for biases, a
fifth of the time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw import seeds
from thaw.network import Layer, evaluate, prepare_labels
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
        orders = np.tile(np.arange(rows), (len(streams), 1))
        for stream, order in zip(streams, orders, strict=True):
            stream.shuffle(order)
        yield torch.from_numpy(orders)


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
    matrices = [_as_matrix(layer, layer is network[-1]) for layer in network]
    frozen, learning = matrices[:freeze], matrices[freeze:]
    # What frozen layers pass on never changes, so it is computed once, and training
    # never even sees their weights.
    train_x = _passed_on(frozen, _columns(problem.train_x, repeats))[-1]
    test_x = _passed_on(frozen, _columns(problem.test_x, repeats))[-1]
    train_y = prepare_labels(problem.train_y, classes)
    test_y = prepare_labels(problem.test_y, classes)
    targets = train_y.one_hot.expand(repeats, -1, -1)
    layers = [
        _as_layer(matrix, layer)
        for matrix, layer in zip(learning, network[freeze:], strict=True)
    ]

    history = History(
        *(np.empty((repeats, training.epochs + 1), np.float32) for _ in METRICS)
    )

    def measure(epoch: int) -> None:
        scores = (
            *evaluate(layers, train_x[:, :-1], train_y),
            *evaluate(layers, test_x[:, :-1], test_y),
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
    for layer, learned in zip(network[freeze:], layers, strict=True):
        layer.weight.copy_(learned.weight)
        layer.bias.copy_(learned.bias)
    return history


def _has_vectors(
    network: Sequence[Layer], problem: Problem, training: Training
) -> bool:
    """Whether a layer, a batch or a test set is a single unit or row."""
    rows = len(problem.train_x)
    sizes = [rows, training.batch_size, rows % training.batch_size, len(problem.test_x)]
    widths = [width for layer in network for width in layer.weight.shape[1:]]
    return 1 in sizes + widths


def _as_matrix(layer: Layer, is_output: bool) -> Tensor:
    """Return weight and bias as one matrix, for columns that end in 1.

    A hidden layer's is `[R, out + 1, in + 1]` and yields columns that end in 1 again,
    the output layer's `[R, classes, in + 1]`.
    """
    matrix = torch.cat([layer.weight, layer.bias], 2)
    if is_output:
        return matrix
    last_row = torch.zeros_like(matrix[:, :1])
    last_row[:, :, -1] = 1
    return torch.cat([matrix, last_row], 1)


def _as_layer(matrix: Tensor, like: Layer) -> Layer:
    """Return the weight and the bias that a matrix holds, sharing its memory."""
    rows = matrix[:, : like.weight.shape[1]]
    return Layer(rows[:, :, :-1], rows[:, :, -1:])


def _columns(x: np.ndarray, repeats: int) -> Tensor:
    """Return data points as columns that end in 1, shared by all repeats.

    Shape `[R, features + 1, rows]`.
    """
    columns = torch.from_numpy(x).T
    columns = torch.cat([columns, torch.ones(1, len(x))])
    return columns.expand(repeats, -1, -1)


def _take(columns: Tensor, order: Tensor) -> Tensor:
    """Return each repeat's columns `[R, features, rows]` in its order `[R, rows]`."""
    return columns.gather(2, order[:, None].expand(-1, columns.shape[1], -1))


def _passed_on(hidden: Sequence[Tensor], x: Tensor) -> list[Tensor]:
    """Return what reaches each layer: x, and what each hidden layer passes on."""
    signals = [x]
    for matrix in hidden:
        signals.append(torch.bmm(matrix, signals[-1]).relu_())
    return signals


def _descend(
    matrices: Sequence[Tensor], x: Tensor, y: Tensor, learning_rate: float
) -> None:
    """Take one step down the gradient of the batch's mean cross-entropy.

    x is `[R, features + 1, batch]`, y the one-hot labels `[R, classes, batch]`. The
    loss is the sum over repeats of each repeat's mean, so the repeats never mix.
    """
    *hidden, output = matrices
    signals = _passed_on(hidden, x)
    # By the layer's outputs before ReLU, times the batch.
    gradient = torch.softmax(torch.bmm(output, signals[-1]), 1).sub_(y)
    step = learning_rate / x.shape[2]
    for number in reversed(range(len(matrices))):
        matrix, signal = matrices[number], signals[number]
        # Before the matrix moves: it passed the signal on as it was.
        below = torch.bmm(matrix.mT, gradient) if number else None
        matrix.baddbmm_(gradient, signal.mT, alpha=-step)
        if number:
            # ReLU's own gradient, ten times as fast as a comparison and a product.
            gradient = torch.ops.aten.threshold_backward(below, signal, 0)
            gradient[:, -1] = 0  # the row that passes on the 1 does not learn
