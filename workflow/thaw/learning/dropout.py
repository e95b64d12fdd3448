"""Dropout: a step of training leaves out some of a hidden layer's units, at random.

What is kept is scaled up, so that nothing has to be done where a network is only asked
(Srivastava et al. 2014, as all libraries do it).
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from thaw.learning.seeds import NOISE, Whose


class Dropout:
    """The masks of R networks, each from a stream of its own."""

    def __init__(self, share: float, whose: Whose) -> None:
        """Leave out a `share` of the units."""
        self._kept = 1 - share
        self._streams = whose.generators(NOISE)

    def masks(self, widths: list[int], rows: int) -> Iterator[Tensor]:
        """Yield a mask for each layer of these widths, `[R, width + 1, rows]`.

        The last row is that of the signal that is always 1, and is kept.
        """
        for width in widths:
            mask = np.ones((len(self._streams), width + 1, rows), np.float32)
            for own, stream in zip(mask, self._streams, strict=True):
                kept = stream.random((width, rows), np.float32) < self._kept
                own[:-1] = kept / np.float32(self._kept)
            yield torch.from_numpy(mask)
