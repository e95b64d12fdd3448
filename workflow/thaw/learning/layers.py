"""Hidden layers of an ensemble: activations and dropout."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.learning.seeds import NOISE, Whose


class Activation(NamedTuple):
    """An activation whose gradient follows from the layer's output alone.

    apply: return the layer's output, given its sums, which it may change.
    gradient: return the loss's gradient by the sums, given that by the layer's output,
    and the output.
    keeps_one: whether it maps 1 to 1, so that the next layer's biases learn from it.
    """

    apply: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor], Tensor]
    keeps_one: bool


def _relu(gradient: Tensor, passed_on: Tensor) -> Tensor:
    # ReLU's own gradient, ten times as fast as a comparison and a product.
    return torch.ops.aten.threshold_backward(gradient, passed_on, 0)


def _elu(sums: Tensor) -> Tensor:
    # Equal to `torch.nn.functional.elu`, which rounds differently at the end of an
    # array, so a network would depend on those that it trains with.
    return torch.maximum(sums, sums.clamp(max=0).expm1_())


def _elu_backward(gradient: Tensor, passed_on: Tensor) -> Tensor:
    return torch.ops.aten.elu_backward(gradient, 1, 1, 1, True, passed_on)


# No sigmoid: PyTorch's also rounds differently at the end of an array.
ACTIVATIONS = {
    "relu": Activation(torch.relu_, _relu, keeps_one=True),
    "elu": Activation(_elu, _elu_backward, keeps_one=True),
    "tanh": Activation(torch.tanh_, torch.ops.aten.tanh_backward, keeps_one=False),
}


class Dropout:
    """The dropout masks of R networks, each from a stream of its own.

    The units that stay are scaled up, so nothing changes outside training (Srivastava
    et al. 2014, as in all libraries).
    """

    def __init__(self, share: float, whose: Whose) -> None:
        """Leave out a `share` of the units."""
        self._kept = 1 - share
        self._streams = whose.generators(NOISE)

    def masks(self, widths: list[int], rows: int) -> Iterator[Tensor]:
        """Yield a mask for each layer of these widths, `[R, width + 1, rows]`.

        The last row belongs to the signal that is always 1, and is kept.
        """
        for width in widths:
            mask = np.ones((len(self._streams), width + 1, rows), np.float32)
            for own, stream in zip(mask, self._streams, strict=True):
                kept = stream.random((width, rows), np.float32) < self._kept
                own[:-1] = kept / np.float32(self._kept)
            yield torch.from_numpy(mask)
