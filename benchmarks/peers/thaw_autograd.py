"""Thaw with autograd in its step of gradient descent, all else the same."""

from collections.abc import Sequence
from unittest import mock

import common
import thaw_ensemble
import torch
from torch import Tensor

import thaw.learning.ensemble


def descend(
    matrices: Sequence[Tensor], x: Tensor, y: Tensor, learning_rate: float
) -> None:
    """Take one step of gradient descent; see `thaw.learning.ensemble`."""
    *hidden, output = [matrix.requires_grad_() for matrix in matrices]
    with torch.enable_grad():
        for matrix in hidden:
            x = torch.bmm(matrix, x).relu()
        loss = torch.nn.functional.cross_entropy(
            torch.bmm(output, x), y, reduction="sum"
        ).div(x.shape[2])
    gradients = torch.autograd.grad(loss, matrices)
    for gradient in gradients[:-1]:
        gradient[:, -1] = 0
    torch._foreach_sub_(matrices, gradients, alpha=learning_rate)


if __name__ == "__main__":
    with mock.patch.object(thaw.learning.ensemble, "_descend", descend):
        common.time_runs(thaw_ensemble.train_task)
