"""Transforms of a problem, for studies of how transfer copes with them.

All but `label_noise` change the features, of train and test rows alike, as they are
before scaling. Random ones read a stream of their own, named by the place in the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

Transforms = Sequence[Mapping[str, Any]]

# Random streams are for features or for labels.
FEATURES = 0
LABELS = 1


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
            case "permute":
                x = x[:, np.random.default_rng(value).permutation(x.shape[1])]
            case "rotate":
                images = x.reshape(len(x), *shape)
                turned = ndimage.rotate(
                    images, value, axes=(-1, -2), reshape=False, order=1
                )
                x = turned.reshape(x.shape)
    return x


def disturb(y: np.ndarray, classes: int, transforms: Transforms) -> np.ndarray:
    """Return train labels `[rows]`, a share of them replaced by any other class."""
    for place, step in enumerate(transforms):
        if "label_noise" in step:
            rng = np.random.default_rng([LABELS, place])
            count = round(step["label_noise"] * len(y))
            rows = rng.choice(len(y), count, replace=False)
            y = y.copy()
            y[rows] = (y[rows] + rng.integers(1, classes, count)) % classes
    return y
