"""Fully connected networks that learn as an ensemble: R at once.

The R networks have the same shape, so their weights are stacked along the first
dimension and a layer is one batched product. Data points are columns: a batch is
`[R, features, rows]`. With few features and many rows that is several times faster than
rows first, since every inner loop of a small product, of a softmax over classes and of
a maximum over classes then runs along contiguous memory.

The gradient is written out by hand. For a fully connected network that takes a few
lines after the task's own gradient; one `baddbmm_` both forms a layer's gradient and
takes the step; and a lone repeat costs less than half of what it does with autograd
(docs/benchmarks.md). A test compares it with autograd.

In training, a layer is one matrix with its bias as the last column, for an input whose
last feature is always 1. This saves separate operations for biases, a fifth of the
time.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.layers import ACTIVATIONS, Activation, Dropout
from thaw.learning.learner import Part, Phase, State
from thaw.learning.optimizers import Optimizer, Pull, optimizer
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS, Task


class Layer(NamedTuple):
    """One layer of each of R networks: weight `[R, out, in]`, bias `[R, out, 1]`."""

    weight: Tensor
    bias: Tensor


class Ensemble:
    """R fully connected networks in training; see `thaw.learning.learner.Learner`."""

    def __init__(
        self,
        names: Sequence[str],
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase,
        activation: str = "relu",
        dropout: Dropout | None = None,
    ) -> None:
        """Start from `state`, the layers `names` in order."""
        self._names, self._state, self._problem = names, state, problem
        self._activation, self._dropout = ACTIVATIONS[activation], dropout
        network = [
            Layer(state[f"{name}.weight"], state[f"{name}.bias"][:, :, None])
            for name in names
        ]
        self._networks = len(network[0].weight)
        # A lone network would use matrix-vector kernels, which round differently from
        # an ensemble's, so it trains beside a copy of itself.
        twin = self._networks == 1 and _has_vectors(network, problem, training)
        self._copies = copies = 2 if twin else 1
        if copies > 1:
            network = [Layer(*(p.repeat(2, 1, 1) for p in layer)) for layer in network]
        self._matrices = [_as_matrix(layer, layer is network[-1]) for layer in network]
        self._starts = {
            name: matrix.clone()
            for name, matrix in zip(names, self._matrices, strict=True)
            if name in phase.towards
        }
        # Views of the layers, as weights and biases.
        self._layers = [
            Layer(rows[:, :, :-1], rows[:, :, -1:])
            for rows in (
                matrix[:, : layer.weight.shape[1]]
                for matrix, layer in zip(self._matrices, network, strict=True)
            )
        ]
        self._task, weights = TASKS[problem.task], training.class_weight
        labels = self._task.prepared(problem.train_y, problem.classes)
        targets = torch.from_numpy(labels.targets)
        self._targets = _shared(targets, self._networks * copies)
        self._weights = None if weights is None else torch.from_numpy(weights)
        self._learning: dict[str, Layer] = {}
        self.begin(training, phase)

    def begin(self, training: Training, phase: Phase) -> None:
        """Begin a phase; see `thaw.learning.learner`."""
        self._state, self._training = self.state(), training
        still = [name in phase.frozen for name in self._names]
        self._first = first = still.index(False)
        count = self._networks * self._copies
        self._x = {
            "train": _shared(_columns(self._problem.train_x), count),
            "test": _shared(_columns(self._problem.test_x), count),
        }
        # The first layers, if frozen, always give the same output, so it is computed
        # once, and training never sees their weights.
        for matrix in self._matrices[:first]:
            for part, x in self._x.items():
                self._x[part] = _signal(matrix, x, self._activation)
        self._optimizers = [
            None if name in phase.frozen else self._optimizer(name, phase)
            for name in self._names[first:]
        ]
        layers = zip(self._names, self._layers, still, strict=True)
        self._learning = {name: layer for name, layer, stays in layers if not stays}

    def _optimizer(self, name: str, phase: Phase) -> Optimizer:
        """Return an optimizer for a layer."""
        pull = None
        if name in phase.towards:
            pull = Pull(phase.towards[name], self._starts[name])
        return optimizer(self._training, phase.factors.get(name, 1.0), pull)

    @torch.no_grad()
    def epoch(self, order: Tensor) -> None:
        """Learn one epoch, int64 `[R, rows]`; see `thaw.learning.learner`."""
        order = order.repeat(self._copies, 1)
        x, y = _take(self._x["train"], order), _take(self._targets, order)
        matrices = self._matrices[self._first :]
        for batch_x, batch_y in zip(
            x.split(self._training.batch_size, dim=2),
            y.split(self._training.batch_size, dim=2),
            strict=True,
        ):
            _descend(
                matrices,
                batch_x,
                batch_y,
                self._task,
                self._weights,
                self._activation,
                self._optimizers,
                self._training.weight_decay > 0,
                self._masks(batch_x.shape[2]),
            )

    def _masks(self, rows: int) -> dict[int, Tensor]:
        """Return a step's dropout masks, if any, by the layer's place among matrices.

        Frozen layers have none.
        """
        if self._dropout is None:
            return {}
        hidden = zip(self._layers[self._first : -1], self._optimizers, strict=False)
        widths = {
            number: layer.weight.shape[1]
            for number, (layer, own) in enumerate(hidden)
            if own
        }
        masks = self._dropout.masks([*widths.values()], rows)
        return {
            number: mask.repeat(self._copies, 1, 1)
            for number, mask in zip(widths, masks, strict=True)
        }

    def outputs(self, part: Part) -> Tensor:
        """Return each network's outputs for each row, `[R, width, rows]`."""
        x = self._x[part][:, :-1]
        *hidden, output = self._layers[self._first :]
        for layer in hidden:
            x = self._activation.apply(torch.baddbmm(layer.bias, layer.weight, x))
        return torch.baddbmm(output.bias, output.weight, x)[: self._networks]

    def state(self) -> State:
        """Return the current weights."""
        state = dict(self._state)
        for name, layer in self._learning.items():
            weight, bias = layer.weight[: self._networks], layer.bias[: self._networks]
            state[f"{name}.weight"] = weight.clone(
                memory_format=torch.contiguous_format
            )
            state[f"{name}.bias"] = bias.squeeze(2).clone()
        return state


def _has_vectors(
    network: Sequence[Layer], problem: Problem, training: Training
) -> bool:
    """Whether a layer, a batch or a test set is a single unit or row."""
    rows = problem.train_y.shape[-1]
    tested = problem.test_y.shape[-1]
    sizes = [rows, training.batch_size, rows % training.batch_size, tested]
    widths = [width for layer in network for width in layer.weight.shape[1:]]
    return 1 in sizes + widths


def _as_matrix(layer: Layer, is_output: bool) -> Tensor:
    """Return weight and bias as one matrix, for columns that end in 1.

    A hidden layer's is `[R, out + 1, in + 1]` and yields columns that end in 1 again,
    the output layer's `[R, width, in + 1]`.
    """
    matrix = torch.cat([layer.weight, layer.bias], 2)
    if is_output:
        return matrix
    last_row = torch.zeros_like(matrix[:, :1])
    last_row[:, :, -1] = 1
    return torch.cat([matrix, last_row], 1)


def _columns(x: np.ndarray) -> Tensor:
    """Return data points `[…, rows, features]` as columns that end in 1."""
    columns = torch.from_numpy(x).mT
    return torch.cat([columns, torch.ones_like(columns[..., :1, :])], -2)


def _shared(values: Tensor, networks: int) -> Tensor:
    """Return values for so many networks, shared or each one's own."""
    if values.ndim == 2:
        return values.expand(networks, -1, -1)
    return values.repeat(networks // len(values), 1, 1)


def _take(columns: Tensor, order: Tensor) -> Tensor:
    """Return each network's columns `[R, features, rows]` in its order `[R, rows]`."""
    return columns.gather(2, order[:, None].expand(-1, columns.shape[1], -1))


def _signal(matrix: Tensor, x: Tensor, activation: Activation) -> Tensor:
    signal = activation.apply(torch.bmm(matrix, x))
    if not activation.keeps_one:
        signal[:, -1] = 1
    return signal


def _descend(
    matrices: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    task: Task,
    weights: Tensor | None,
    activation: Activation,
    optimizers: Sequence[Optimizer | None],
    decays: bool,
    masks: Mapping[int, Tensor],
) -> None:
    """Take one step down the gradient of the batch's mean loss.

    x is `[R, features + 1, batch]`, y the task's targets `[R, width, batch]`. The loss
    is the sum over networks of each one's mean, so the networks never mix. `weights`
    `[R or 1, classes]` are class weights, if any. `decays` says whether the network's
    weights shrink; `masks` are dropout's, by the matrix's number. A frozen layer has
    no optimizer: it only passes the gradient on.
    """
    *hidden, output = matrices
    # The output of each layer, and the part of it that passes dropout.
    signals, reached = [x], [x]
    for number, matrix in enumerate(hidden):
        signals.append(_signal(matrix, reached[-1], activation))
        reached.append(signals[-1] * masks[number] if number in masks else signals[-1])
    # By the layer's sums before the activation, times the batch.
    gradient = task.gradient(torch.bmm(output, reached[-1]), y, weights)
    for number in reversed(range(len(matrices))):
        matrix = matrices[number]
        # Before the step, because the signal passed through the matrix as it was.
        below = torch.bmm(matrix.mT, gradient) if number else None
        own = optimizers[number]
        if own is not None:
            own.step(matrix, gradient, reached[number])
        if decays and matrix is not output:
            matrix[:, -1, -1] = 1  # the row that passes on the 1 does not decay
        if below is not None:
            if number - 1 in masks:
                below *= masks[number - 1]
            gradient = activation.gradient(below, signals[number])
            gradient[:, -1] = 0  # the row that passes on the 1 does not learn
