"""What frozen parts pass on, kept for networks that start from one source model."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from thaw.learning.limits import MOST_KEPT, ROWS_ASKED
from thaw.learning.state import State


class _Kept(NamedTuple):
    """What frozen parts of these weights passed on, of this data set."""

    data: np.ndarray
    weights: State
    values: Tensor


class PassedOn:
    """Remembers what frozen parts passed on, up to so many numbers.

    Repeats that start from one source model then ask its frozen parts once, and not
    each for itself.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Remember nothing yet."""
        self._kept: list[_Kept] = []
        self._most = most

    def of(self, front: Module, data: np.ndarray, x: Tensor) -> Tensor:
        """Return what `front` passes on of the rows `x`, which are those of `data`."""
        first = front(x[:ROWS_ASKED])
        weights = front.state_dict()
        for kept in self._kept:
            if kept.data is data and _same(kept, weights, first):
                return kept.values
        numbers = first.numel() // len(first) * len(x)
        if numbers + sum(kept.values.numel() for kept in self._kept) > self._most:
            self._kept.clear()
        values = torch.cat([first, *(front(rows) for rows in _rest(x))])
        copies = {name: entry.clone() for name, entry in weights.items()}
        self._kept.append(_Kept(data, copies, values))
        return values


def _rest(x: Tensor) -> tuple[Tensor, ...]:
    rest = x[ROWS_ASKED:]
    return rest.split(ROWS_ASKED) if len(rest) else ()


def _same(kept: _Kept, weights: State, first: Tensor) -> bool:
    """Whether these weights, and what they pass on of the first rows, are the same.

    Weights alone do not tell: a module may hold numbers that are no entries.
    """
    return (
        torch.equal(kept.values[: len(first)], first)
        and kept.weights.keys() == weights.keys()
        and all(torch.equal(kept.weights[name], weights[name]) for name in weights)
    )
