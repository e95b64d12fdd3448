"""Transforms of a problem, for studies of how transfer copes with them.

They change the features, of train and test rows alike, as they are before scaling.
Noise reads a stream of its own, named by the place in the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

Transforms = Sequence[Mapping[str, Any]]

# The random streams for features.
FEATURES = 0


def transform(
    x: np.ndarray, shape: Sequence[int], transforms: Transforms, part: int
) -> np.ndarray:
    """Return features `[rows, features]` after the transforms, one after the other.

    `shape` is that of a row; `part` numbers tables of one problem, from 0.
    """
    for place, step in enumerate(transforms):
        [(kind, value)] = step.items()
        match kind:
            case "noise":
                rng = np.random.default_rng([FEATURES, place, part])
                x = x + rng.normal(0, value, x.shape)
            case "invert":
                x = value - x
            case "rotate":
                images = x.reshape(len(x), *shape)
                turned = ndimage.rotate(
                    images, value, axes=(-1, -2), reshape=False, order=1
                )
                x = turned.reshape(x.shape)
    return x
