"""Ensembles of small fully connected networks, evaluated all at once.

The R networks of an ensemble have the same shape, so their weights are stacked along
the first dimension and a layer is one `torch.baddbmm`. Data points are columns: a
batch is `[R, features, rows]`. With few features and many rows that is several times
faster than rows first, since every inner loop of a small product, of a softmax over
classes and of a maximum over classes then runs along contiguous memory.
"""

import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw import seeds


def fix_rounding() -> None:
    """Make every product and sum round the same, whatever shares the ensemble.

    Call it before the first product. A sum over several threads is split by their
    number. MKL rounds by where in memory a matrix happens to lie unless told otherwise
    (Intel's "conditional numerical reproducibility"); the price is not measurable.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.set_num_threads(1)


class Layer(NamedTuple):
    """One layer of each of R networks: weight `[R, out, in]`, bias `[R, out, 1]`.

    A network is a list of layers, the hidden ones first and the output last.
    """

    weight: Tensor
    bias: Tensor


class LayerSize(NamedTuple):
    """What must be known to draw a layer."""

    fan_in: int
    fan_out: int
    is_output: bool


def layer_sizes(features: int, hidden: Sequence[int], classes: int) -> list[LayerSize]:
    """Return the sizes of all layers of a network, the output last."""
    widths = [features, *hidden, classes]
    return [
        LayerSize(fan_in, fan_out, is_output=number == len(hidden))
        for number, (fan_in, fan_out) in enumerate(itertools.pairwise(widths))
    ]


def draw_network(
    sizes: Sequence[LayerSize],
    seed: int,
    kind: int,
    numbers: Sequence[int],
    inherited: Mapping[int, Layer] = MappingProxyType({}),
) -> list[Layer]:
    """Return a network for each of `numbers`, drawing every layer not `inherited`.

    `kind` is what is trained (see `thaw.seeds`). A stream is named by the layer's shape
    and, where a network draws several layers of one shape, by which of them it is. So
    fresh layers of the same shape start the same in every variant.
    """
    network, drawn = [], Counter()
    for position, size in enumerate(sizes):
        if position in inherited:
            network.append(inherited[position])
            continue
        shape = (size.fan_in, size.fan_out)
        key = (seeds.WEIGHTS, *shape, drawn[shape])
        streams = [seeds.generator(seed, kind, number, *key) for number in numbers]
        network.append(draw_layer(size, streams))
        drawn[shape] += 1
    return network


def draw_layer(size: LayerSize, streams: Sequence[np.random.Generator]) -> Layer:
    """Draw a layer's initial weights from each stream, as Keras does.

    Hidden kernels are He uniform (He et al. 2015), the output kernel Glorot uniform
    (Glorot and Bengio 2010), biases zero.
    """
    fans = size.fan_in + size.fan_out if size.is_output else size.fan_in
    limit = np.sqrt(6 / fans)
    shape = (size.fan_out, size.fan_in)
    weight = np.stack([stream.uniform(-limit, limit, shape) for stream in streams])
    bias = torch.zeros(len(streams), size.fan_out, 1)
    return Layer(torch.from_numpy(weight.astype(np.float32)), bias)


def forward(network: Sequence[Layer], x: Tensor) -> Tensor:
    """Return the logits `[R, classes, rows]` for x `[R, features, rows]`."""
    *hidden, output = network
    for layer in hidden:
        x = torch.baddbmm(layer.bias, layer.weight, x).relu_()
    return torch.baddbmm(output.bias, output.weight, x)


class Labels(NamedTuple):
    """A set's labels in the two forms from which scores are computed.

    Both are `[classes, rows]`.

    one_hot: 1 for a row's class, else 0.
    head_start: what a class is ahead of the row's in a tie; more than 0 if it is an
    earlier one, for then it is the predicted one.
    """

    one_hot: Tensor
    head_start: Tensor


def prepare_labels(labels: np.ndarray, classes: int) -> Labels:
    """Return labels `[rows]` (int64, from 0) in the forms that `evaluate` takes."""
    index = torch.from_numpy(labels)
    numbers = torch.arange(classes)[:, None]
    smallest = torch.finfo(torch.float32).tiny
    return Labels((numbers == index).float(), smallest * (numbers < index))


def evaluate(
    network: Sequence[Layer], x: Tensor, labels: Labels
) -> tuple[Tensor, Tensor]:
    """Return each network's accuracy `[R]` (float64) and mean cross-entropy `[R]`.

    x is `[R, features, rows]`. The predicted class is the first one with the highest
    logit, as `argmax` would say; but `argmax`, and a `gather` by label, are several
    times slower on a CPU than sums and maxima over classes. Where a logit is not finite
    the row counts as wrong and the network's loss is nan.
    """
    logits, rows = forward(network, x), x.shape[2]
    own = (logits * labels.one_hot).sum(1, keepdim=True)
    lead = (logits - own).add_(labels.head_start).amax(1)
    correct = lead.le_(0).sum(1)
    losses = torch.log_softmax(logits, 1).mul_(labels.one_hot).sum((1, 2)).neg()
    return correct.double() / rows, losses / rows
