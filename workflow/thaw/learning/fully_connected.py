"""Fully connected networks that learn as an ensemble: R at once.

The R networks have the same shape, so their weights are stacked along the first
dimension and a layer is one batched product. Data points are columns: a batch is
`[R, features, rows]`. With few features and many rows that is several times faster than
rows first, because inner loops then run along contiguous memory. In training, a layer
is one matrix with its bias as the last column, for an input whose last feature is
always 1; separate operations for biases would take a fifth of the time.

The gradient is written out by hand: that takes a few lines, one `baddbmm_` both forms
it and takes the step, and a lone repeat costs less than half of what it does with
autograd (docs/benchmarks.md). A test compares it with autograd.

Every operation is rounded once and correctly, wherever in an array a number stands, so
a network does not depend on those that it trains with. The kernels of `torch.optim`,
whose formulas these are, round differently at the end of a row.
"""

# ruff: noqa: D102 (`Network` and `Learner` explain these)

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import at_once
from thaw.learning.learner import ALL_LEARN, Learner, Network, Part, Phase, Seen, State
from thaw.learning.rows import chosen
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS

# Adam's decay rates, and the term that keeps its quotient finite (Kingma and Ba 2015).
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Activation(NamedTuple):
    """An activation whose gradient follows from the layer's output alone.

    apply: return the layer's output, given its sums, which it may change.
    gradient: return the loss's gradient by the sums, given that by the layer's output,
    and the output.
    keeps_one: whether it maps 1 to 1, so that the next layer's biases learn from it.
    is_he: whether its layers start with He et al.'s kernels.
    """

    apply: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor], Tensor]
    keeps_one: bool
    is_he: bool


def _relu_gradient(gradient: Tensor, output: Tensor) -> Tensor:
    # ReLU's own gradient, ten times as fast as a comparison and a product.
    return torch.ops.aten.threshold_backward(gradient, output, 0)


# No sigmoid: PyTorch's also rounds differently at the end of an array.
ACTIVATIONS = {
    "relu": Activation(torch.relu_, _relu_gradient, keeps_one=True, is_he=True),
    "tanh": Activation(
        torch.tanh_, torch.ops.aten.tanh_backward, keeps_one=False, is_he=False
    ),
}


class FullyConnected(Network):
    """Fully connected networks of one shape.

    A layer is a group of two entries with the names and shapes of `torch.nn.Linear`:
    `hidden-1.weight` `[R, out, in]`, `hidden-1.bias` `[R, out]`, …, `output.bias`.
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        width: int,
        activation: str = "relu",
        dropout: float = 0.0,
        initial: str = "pytorch",
    ) -> None:
        """Describe networks with hidden layers of these widths, the first one first.

        width: the number of outputs. dropout: the share of a hidden layer's units that
        a step leaves out. initial: whose initial weights layers have (see `draw`).
        """
        self._initial = initial
        self.activation, self.dropout = ACTIVATIONS[activation], dropout
        self._widest = max(features, *hidden)
        names = [*(f"hidden-{number + 1}" for number in range(len(hidden))), "output"]
        self._fans = dict(
            zip(names, itertools.pairwise([features, *hidden, width]), strict=True)
        )
        self.groups = {name: (f"{name}.weight", f"{name}.bias") for name in names}
        self.shapes = {}
        for name, (fan_in, fan_out) in self._fans.items():
            self.shapes[f"{name}.weight"] = (fan_out, fan_in)
            self.shapes[f"{name}.bias"] = (fan_out,)

    def draw(self, groups: Sequence[str], whose: seeds.Whose) -> State:
        """Return fresh entries of these groups for each of `whose`.

        A stream is named by the layer's shape and, if several layers of one shape are
        drawn, by its place among them. So fresh layers of the same shape start the same
        in every variant.
        """
        state, drawn = {}, Counter[tuple[int, int]]()
        for name in groups:
            fans = self._fans[name]
            streams = whose.generators(seeds.WEIGHTS, *fans, drawn[fans])
            drawn[fans] += 1
            for entry, limit in zip(self.groups[name], self._limits(name), strict=True):
                shape = self.shapes[entry]
                values = np.stack([s.uniform(-limit, limit, shape) for s in streams])
                state[entry] = torch.from_numpy(values.astype(np.float32))
        return state

    def _limits(self, name: str) -> tuple[float, float]:
        """Return between which numbers, ±, a layer's kernel and biases are drawn.

        In PyTorch both are uniform by the number of inputs (`torch.nn.Linear`). In
        Keras hidden kernels before ReLUs are He uniform (He et al. 2015), other kernels
        Glorot uniform (Glorot and Bengio 2010), and biases zero.
        """
        fan_in, fan_out = self._fans[name]
        if self._initial == "pytorch":
            return fan_in**-0.5, fan_in**-0.5
        is_he = name != "output" and self.activation.is_he
        return np.sqrt(6 / (fan_in if is_he else fan_in + fan_out)), 0.0

    def at_once(self, rows: int) -> int:
        """As many as fit into the cache."""
        return at_once(rows, self._widest)

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase = ALL_LEARN,
        whose: seeds.Whose = seeds.FIRST,
        rows: np.ndarray | None = None,
    ) -> "Ensemble":
        if rows is not None:
            problem = problem._replace(train_x=chosen(problem.train_x, rows, of_one=2))
        return Ensemble(self, state, problem, training, phase, whose)

    def see(self, state: State, x: np.ndarray) -> Seen:
        *hidden, output = [
            [state[entry][0] for entry in entries] for entries in self.groups.values()
        ]
        passed_on = torch.from_numpy(x)
        for layer in hidden:
            passed_on = self.activation.apply(linear(passed_on, *layer))
        return Seen(passed_on, linear(passed_on, *output))


class Layer:
    """One layer of R networks in training; a frozen one has no optimizer."""

    def __init__(self, name: str, weight: Tensor, bias: Tensor, copies: int) -> None:
        """Form one matrix of a weight `[R, out, in]` and a bias `[R, out]`.

        A hidden layer's is `[R, out + 1, in + 1]` and yields columns that end in 1
        again, the output layer's `[R, width, in + 1]`. It stands `copies` times.
        """
        self.name, self.is_hidden = name, name != "output"
        self._networks, self._units = weight.shape[:2]
        matrix = torch.cat([weight, bias[:, :, None]], 2)
        if self.is_hidden:
            last_row = torch.zeros_like(matrix[:, :1])
            last_row[:, :, -1] = 1
            matrix = torch.cat([matrix, last_row], 1)
        self.matrix = matrix.repeat(copies, 1, 1) if copies > 1 else matrix
        # Views of the matrix: weight `[R, out, in]` and bias `[R, out, 1]`.
        rows = self.matrix[:, : self._units]
        self.weight, self.bias = rows[:, :, :-1], rows[:, :, -1:]
        self.start: Tensor | None = None
        self.optimizer: Optimizer | None = None

    def begin(self, training: Training, phase: Phase) -> None:
        """Begin a phase with a new optimizer, or none."""
        if self.name in phase.towards and self.start is None:
            self.start = self.matrix.clone()
        self.optimizer = None
        if self.name not in phase.frozen:
            self.optimizer = Optimizer(
                training,
                phase.factors.get(self.name, 1.0),
                phase.towards.get(self.name, 0.0),
                self.start,
            )

    def pass_on(self, x: Tensor, activation: Activation) -> Tensor:
        """Return the hidden layer's output for columns that end in 1; so does it."""
        output = activation.apply(torch.bmm(self.matrix, x))
        if not activation.keeps_one:
            output[:, -1] = 1
        return output

    def entries(self) -> State:
        """Return the current weights."""
        weight, bias = self.weight[: self._networks], self.bias[: self._networks]
        return {
            f"{self.name}.weight": weight.clone(memory_format=torch.contiguous_format),
            f"{self.name}.bias": bias.squeeze(2).clone(),
        }


class Ensemble(Learner):
    """R fully connected networks in training."""

    def __init__(
        self,
        network: FullyConnected,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase,
        whose: seeds.Whose,
    ) -> None:
        self._activation, self._state, self._problem = (
            network.activation,
            state,
            problem,
        )
        self._dropout = Dropout(network.dropout, whose) if network.dropout else None
        weights = [state[f"{name}.weight"] for name in network.groups]
        self._networks = len(weights[0])
        # A lone network would use matrix-vector kernels, which round differently from
        # an ensemble's, so it trains beside a copy of itself.
        is_vector = _has_vectors(weights, problem, training)
        self._copies = 2 if self._networks == 1 and is_vector else 1
        self._layers = [
            Layer(name, weight, state[f"{name}.bias"], self._copies)
            for name, weight in zip(network.groups, weights, strict=True)
        ]
        self._task, class_weight = TASKS[problem.task], training.class_weight
        labels = self._task.prepared(problem.train_y, problem.classes)
        self._targets = self._for_each(torch.from_numpy(labels.values))
        self._class_weight = (
            None if class_weight is None else torch.from_numpy(class_weight)
        )
        self.begin(training, phase)

    def begin(self, training: Training, phase: Phase) -> None:
        self._state, self._training = self.state(), training
        for layer in self._layers:
            layer.begin(training, phase)
        self._x: dict[Part, Tensor] = {
            "train": self._for_each(_columns(self._problem.train_x)),
            "test": self._for_each(_columns(self._problem.test_x)),
        }
        # The first layers, if frozen, always give the same output, so it is computed
        # once, and training never sees their weights.
        first = 0
        while not self._layers[first].optimizer:
            for part, x in self._x.items():
                self._x[part] = self._layers[first].pass_on(x, self._activation)
            first += 1
        self._running = self._layers[first:]

    @torch.no_grad()
    def epoch(self, order: Tensor) -> None:
        order, size = order.repeat(self._copies, 1), self._training.batch_size
        x, y = _take(self._x["train"], order), _take(self._targets, order)
        for batch in zip(x.split(size, dim=2), y.split(size, dim=2), strict=True):
            self._descend(*batch)

    def _descend(self, x: Tensor, y: Tensor) -> None:
        """Take one step down the gradient of the batch's mean loss.

        x is `[R, features + 1, batch]`, y the task's targets `[R, width, batch]`. The
        loss is the sum over networks of each one's mean, so the networks never mix. A
        frozen layer only passes the gradient on.
        """
        layers, activation = self._running, self._activation
        masks = self._masks(x.shape[2])
        # The output of each layer, and the part of it that passes dropout.
        outputs, signals = [x], [x]
        for layer, mask in zip(layers[:-1], masks, strict=True):
            outputs.append(layer.pass_on(signals[-1], activation))
            signals.append(outputs[-1] if mask is None else outputs[-1] * mask)
        # By the layer's sums before the activation, times the batch.
        gradient = self._task.gradient(
            torch.bmm(layers[-1].matrix, signals[-1]), y, self._class_weight
        )
        for number in reversed(range(len(layers))):
            layer = layers[number]
            # Before the step, because the signal passed through the matrix as it was.
            below = torch.bmm(layer.matrix.mT, gradient) if number else None
            if layer.optimizer:
                layer.optimizer.step(layer.matrix, gradient, signals[number])
            if self._training.weight_decay and layer.is_hidden:
                layer.matrix[:, -1, -1] = 1  # what passes on the 1 does not decay
            if below is not None:
                mask = masks[number - 1]
                if mask is not None:
                    below *= mask
                gradient = activation.gradient(below, outputs[number])
                gradient[:, -1] = 0  # what passes on the 1 does not learn

    def _masks(self, rows: int) -> list[Tensor | None]:
        """Return a step's dropout mask for each hidden layer, if it learns."""
        hidden = self._running[:-1]
        if self._dropout is None:
            return [None] * len(hidden)
        masks = self._dropout.masks(
            [layer.weight.shape[1] for layer in hidden if layer.optimizer], rows
        )
        return [
            next(masks).repeat(self._copies, 1, 1) if layer.optimizer else None
            for layer in hidden
        ]

    def outputs(self, part: Part) -> Tensor:
        x = self._x[part][:, :-1]
        *hidden, output = self._running
        for layer in hidden:
            x = self._activation.apply(torch.baddbmm(layer.bias, layer.weight, x))
        return torch.baddbmm(output.bias, output.weight, x)[: self._networks]

    def state(self) -> State:
        state = dict(self._state)
        for layer in self._layers:
            if layer.optimizer:
                state |= layer.entries()
        return state

    def _for_each(self, values: Tensor) -> Tensor:
        """Return values for each network and its copy, shared or each one's own."""
        if values.ndim == 2:
            return values.expand(self._networks * self._copies, -1, -1)
        return values.repeat(self._networks * self._copies // len(values), 1, 1)


class Dropout:
    """The dropout masks of R networks, each from a stream of its own.

    The units that stay are scaled up, so nothing changes outside training (Srivastava
    et al. 2014, as in all libraries).
    """

    def __init__(self, share: float, whose: seeds.Whose) -> None:
        """Leave out a `share` of the units."""
        self._kept = 1 - share
        self._streams = whose.generators(seeds.NOISE)

    def masks(self, widths: Sequence[int], rows: int) -> Iterator[Tensor]:
        """Yield a mask for each layer of these widths, `[R, width + 1, rows]`.

        The last row belongs to the signal that is always 1, and is kept.
        """
        for width in widths:
            masks = np.ones((len(self._streams), width + 1, rows), np.float32)
            for mask, stream in zip(masks, self._streams, strict=True):
                kept = stream.random((width, rows), np.float32) < self._kept
                mask[:-1] = kept / np.float32(self._kept)
            yield torch.from_numpy(masks)


class Optimizer:
    """Takes the steps of one layer of R networks: SGD, Adam or AdamW.

    A rate is a number, or `[R, 1, 1]` if each network has its own. AdamW is Adam with
    decoupled weight decay (Loshchilov and Hutter 2019).
    """

    def __init__(
        self,
        training: Training,
        times: float = 1.0,
        pull: float = 0.0,
        start: Tensor | None = None,
    ) -> None:
        """`times` multiplies the rate; `pull` draws weights to their `start`."""
        rate = training.learning_rate
        if isinstance(rate, Sequence):
            rate = torch.tensor(rate, dtype=torch.float64)[:, None, None]
        self._training, self._rate, self._steps = training, rate * times, 0
        self._pull, self._start = pull, start
        self._is_plain = training.optimizer == "sgd" and not (
            training.momentum or training.weight_decay or pull
        )
        # A lone network's steps are so short that a call shows.
        self._is_constant = training.schedule == "constant" and not training.warmup
        self._velocity: Tensor | None = None
        self._mean, self._square = torch.zeros(()), torch.zeros(())

    def step(self, weights: Tensor, gradient: Tensor, signal: Tensor) -> None:
        """Change weights `[R, out, in]` in place.

        The loss's gradient by them is `gradient` `[R, out, batch]` times the transposed
        `signal` `[R, in, batch]`, divided by the size of the batch.
        """
        size, rate = signal.shape[2], self._rate
        if not self._is_constant:
            rate = rate * self._training.rate_factor(self._steps)
        self._steps += 1
        if not self._is_plain:
            mean = torch.bmm(gradient, signal.mT).div_(size)
            if self._start is not None and self._pull:
                mean.add_((weights - self._start) * self._pull)
            self._follow(weights, mean, rate)
        # One operation forms the gradient and follows it.
        elif isinstance(rate, Tensor):
            weights.baddbmm_(gradient * (rate / size).float(), signal.mT, alpha=-1)
        else:
            weights.baddbmm_(gradient, signal.mT, alpha=-(rate / size))

    def _follow(self, weights: Tensor, mean: Tensor, rate: float | Tensor) -> None:
        """Change weights, given the gradient of the batch's mean loss."""
        training, decay = self._training, self._training.weight_decay
        if training.optimizer == "adamw":
            weights.mul_(_float32(1 - rate * decay))
        elif decay:
            mean.add_(weights * decay)
        if training.optimizer == "sgd":
            weights.sub_(self._with_momentum(mean) * _float32(rate))
            return
        first, second = BETAS
        self._mean = self._mean * first + mean * (1 - first)
        self._square = self._square * second + mean * mean * (1 - second)
        root = self._square.sqrt().div_((1 - second**self._steps) ** 0.5)
        step = self._mean * _float32(rate / (1 - first**self._steps))
        weights.sub_(step.div_(root.add_(EPSILON)))

    def _with_momentum(self, mean: Tensor) -> Tensor:
        momentum = self._training.momentum
        if not momentum:
            return mean
        if self._velocity is None:
            self._velocity = mean.clone()
        else:
            self._velocity.mul_(momentum).add_(mean)
        if self._training.nesterov:
            return mean.add_(self._velocity * momentum)
        return self._velocity


def _float32(rate: float | Tensor) -> float | Tensor:
    """Return a rate as a factor of float32 weights; a number is rounded likewise."""
    return rate.float() if isinstance(rate, Tensor) else rate


def _has_vectors(
    weights: Sequence[Tensor], problem: Problem, training: Training
) -> bool:
    """Whether a layer, a batch or a test set is a single unit or row."""
    rows = problem.train_y.shape[-1]
    tested = problem.test_y.shape[-1]
    sizes = [rows, training.batch_size, rows % training.batch_size, tested]
    widths = [width for weight in weights for width in weight.shape[1:]]
    return 1 in sizes + widths


def _columns(x: np.ndarray) -> Tensor:
    """Return data points `[…, rows, features]` as columns that end in 1."""
    columns = torch.from_numpy(x).mT
    return torch.cat([columns, torch.ones_like(columns[..., :1, :])], -2)


def _take(columns: Tensor, order: Tensor) -> Tensor:
    """Return each network's columns `[R, features, rows]` in its order `[R, rows]`."""
    return columns.gather(2, order[:, None].expand(-1, columns.shape[1], -1))
