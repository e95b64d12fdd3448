"""Augmentation: train rows are altered anew every epoch; labels do not change.

The numbers come from the network's own stream, so a repeat sees the same changes in
every variant with as many train rows.
"""

import dataclasses

import numpy as np
import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Changes of rows `[rows, …, height, width]` or, of a series, `[rows, …, width]`.

    flip: half of them are mirrored, left to right.
    shift: each moves by up to so many points along each side; its border is repeated.
    noise: the standard deviation of normal noise, in units of the scaled features.
    """

    flip: bool = False
    shift: int = 0
    noise: float = 0.0

    def __call__(self, x: Tensor, stream: np.random.Generator) -> Tensor:
        """Return the rows changed, with random numbers from `stream`."""
        if self.flip:
            mirrored = torch.from_numpy(stream.random(len(x)) < 0.5).to(x.device)
            x = torch.where(mirrored.view(-1, *[1] * (x.ndim - 1)), x.flip(-1), x)
        if self.shift:
            # The sides of an image, or the length of a series.
            for side in range(max(2, x.ndim - 2), x.ndim):
                x = self._shifted(x, side, stream)
        if self.noise:
            noise = stream.standard_normal(x.shape, np.float32)
            x = x + torch.from_numpy(noise * np.float32(self.noise)).to(x.device)
        return x

    def _shifted(self, x: Tensor, side: int, stream: np.random.Generator) -> Tensor:
        """Return the rows moved along a side, each by its own number of points."""
        steps = stream.integers(-self.shift, self.shift + 1, (len(x), 1))
        places = np.clip(np.arange(x.shape[side]) - steps, 0, x.shape[side] - 1)
        across = [len(x), *[1] * (x.ndim - 1)]
        across[side] = x.shape[side]
        index = torch.from_numpy(places).view(across).to(x.device)
        return x.gather(side, index.expand_as(x))
