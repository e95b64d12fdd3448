"""Find networks that failed, by what they say."""

import numpy as np
from torch import Tensor

from thaw.learning.history import ROUNDING


def failed(outputs: Tensor) -> np.ndarray:
    """Return which networks failed, bool `[R]`; outputs are `[R, width, rows]`.

    A network failed if an output is not finite, or if all rows have the same, up to
    `ROUNDING`.
    """
    size = outputs.abs().amax(2).clamp(min=1)
    identical = outputs.amax(2) - outputs.amin(2) <= ROUNDING * size
    return (identical.all(1) | ~outputs.isfinite().all(2).all(1)).numpy()
