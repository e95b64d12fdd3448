"""Find failed networks from their outputs."""

import numpy as np
from torch import Tensor

from thaw.learning.history import ROUNDING


def failed(outputs: Tensor) -> np.ndarray:
    """Return which networks failed, bool `[R]`; outputs are `[R, width, rows]`.

    A network failed if an output is not finite, or if its outputs are the same for all
    rows, up to `ROUNDING`.
    """
    size = outputs.abs().amax(2).clamp(min=1)
    identical = outputs.amax(2) - outputs.amin(2) <= ROUNDING * size
    return (identical.all(1) | ~outputs.isfinite().all(2).all(1)).numpy()
