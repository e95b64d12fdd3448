"""A problem: a classification data set with a fixed train/test split."""

from typing import NamedTuple

import numpy as np


class Problem(NamedTuple):
    """A classification data set with a fixed train/test split.

    Features are float32 `[rows, features]`; labels are int64 `[rows]`, 0 ≤ label <
    `classes`.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: int
