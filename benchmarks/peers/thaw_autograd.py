"""Thaw with autograd in place of its hand-written backward pass, all else the same."""

from collections.abc import Sequence
from unittest import mock

import common
import thaw_ensemble
import torch
from torch import Tensor

import thaw.training
from thaw.network import Layer, forward


def descend(
    layers: Sequence[Layer], x: Tensor, y: Tensor, learning_rate: float
) -> None:
    """Take one step of gradient descent; see `thaw.training`."""
    parameters = [part.requires_grad_() for layer in layers for part in layer]
    with torch.enable_grad():
        loss = torch.nn.functional.cross_entropy(
            forward(layers, x), y, reduction="sum"
        ).div(x.shape[2])
    gradients = torch.autograd.grad(loss, parameters)
    torch._foreach_sub_(parameters, gradients, alpha=learning_rate)


if __name__ == "__main__":
    with mock.patch.object(thaw.training, "_descend", descend):
        common.time_runs(thaw_ensemble.train)
