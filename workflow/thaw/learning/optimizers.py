"""Optimizers: the rules by which weights follow their gradient.

The formulas are those of `torch.optim`, which takes a second to import and whose fused
kernels round differently at the end of a row than within it, so that a network would
depend on those that it trains with. Here every operation (a product, a sum, a quotient,
a root) is rounded once and correctly.

A rate is a number, or `[R, 1, 1]` if each network has its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from thaw.learning.schedule import factor
from thaw.learning.settings import Training

# Adam's decay rates, and the term that keeps its quotient finite (Kingma and Ba 2015).
BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Pull(NamedTuple):
    """Draws weights `[R, out, in]` to where they started; see `Phase.towards`."""

    strength: float
    start: Tensor


class Optimizer:
    """Takes the steps of one layer of R networks."""

    def __init__(
        self, training: Training, times: float = 1.0, pull: Pull | None = None
    ) -> None:
        """Read the settings; `times` multiplies the learning rate."""
        rate = training.learning_rate
        if isinstance(rate, Sequence):
            rate = torch.tensor(rate, dtype=torch.float64)[:, None, None]
        self._training, self._rate, self._steps = training, rate * times, 0
        self._pull = pull
        self._is_constant = training.schedule == "constant" and not training.warmup

    def step(self, weights: Tensor, gradient: Tensor, signal: Tensor) -> None:
        """Change weights `[R, out, in]` in place.

        The loss's gradient by them is `gradient` `[R, out, batch]` times the transposed
        `signal` `[R, in, batch]`, divided by the size of the batch.
        """
        mean = torch.bmm(gradient, signal.mT).div_(signal.shape[2])
        if self._pull is not None:
            mean.add_((weights - self._pull.start) * self._pull.strength)
        self._follow(weights, mean)

    def _follow(self, weights: Tensor, mean: Tensor) -> None:
        """Change weights, given the gradient of the batch's mean loss."""
        raise NotImplementedError

    def _decaying(self, values: Tensor) -> Tensor:
        """Return the part of `[R, out, in]` that decays; the last column is biases."""
        whole = self._training.decay_bias_and_norm
        return values if whole else values[:, :, :-1]

    def _next_rate(self) -> float | Tensor:
        """Return the rate of the next step."""
        self._steps += 1
        if self._is_constant:  # a lone network's steps are so short that a call shows
            return self._rate
        return self._rate * factor(self._training, self._steps - 1)


def optimizer(
    training: Training, times: float = 1.0, pull: Pull | None = None
) -> Optimizer:
    """Return an optimizer for a layer; see `Optimizer`."""
    if training.optimizer != "sgd":
        return Adam(training, times, pull)
    if training.momentum or training.weight_decay or pull:
        return Momentum(training, times, pull)
    return PlainDescent(training, times)


class PlainDescent(Optimizer):
    """Stochastic gradient descent: one operation forms the gradient and follows it."""

    def step(self, weights: Tensor, gradient: Tensor, signal: Tensor) -> None:
        """Take a step; see `Optimizer`."""
        step = self._next_rate() / signal.shape[2]
        if isinstance(step, Tensor):
            weights.baddbmm_(gradient * step.float(), signal.mT, alpha=-1)
        else:
            weights.baddbmm_(gradient, signal.mT, alpha=-step)


class Momentum(Optimizer):
    """Stochastic gradient descent with (Nesterov's) momentum and weight decay."""

    _velocity: Tensor | None = None

    def _follow(self, weights: Tensor, mean: Tensor) -> None:
        settings = self._training
        if settings.weight_decay:
            decaying = self._decaying(weights)
            self._decaying(mean).add_(decaying * settings.weight_decay)
        if settings.momentum:
            if self._velocity is None:
                self._velocity = mean.clone()
            else:
                self._velocity.mul_(settings.momentum).add_(mean)
            if settings.nesterov:
                mean.add_(self._velocity * settings.momentum)
            else:
                mean = self._velocity
        weights.sub_(mean * _factor(self._next_rate()))


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) or, with decoupled weight decay, AdamW.

    AdamW is from Loshchilov and Hutter (2019).
    """

    _mean, _square = torch.zeros(()), torch.zeros(())

    def _follow(self, weights: Tensor, mean: Tensor) -> None:
        rate, decay = self._next_rate(), self._training.weight_decay
        decaying = self._decaying(weights)
        if self._training.optimizer == "adamw":
            decaying.mul_(_factor(1 - rate * decay))
        elif decay:
            self._decaying(mean).add_(decaying * decay)
        first, second = BETAS
        self._mean = self._mean * first + mean * (1 - first)
        self._square = self._square * second + mean * mean * (1 - second)
        root = self._square.sqrt().div_((1 - second**self._steps) ** 0.5)
        step = self._mean * _factor(rate / (1 - first**self._steps))
        weights.sub_(step.div_(root.add_(EPSILON)))


def _factor(rate: float | Tensor) -> float | Tensor:
    """Return a rate as a factor of float32 weights; a number is rounded likewise."""
    return rate.float() if isinstance(rate, Tensor) else rate
