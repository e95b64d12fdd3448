"""Random means: what the mean of values may be that were drawn independently.

Each value and one more, which stands for all that was not drawn, get weights from the
Dirichlet distribution whose parameters are 1 (the Bayesian bootstrap, Rubin 1981).
"""

import numpy as np

DRAWS = 5000


def random_means(
    values: np.ndarray,
    where: np.ndarray,
    unseen: np.ndarray | float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws of the mean of the values `where` it is true, and of `unseen`.

    Values lie within [-1, 1]. Several samples may lie in leading axes: of values and
    `where` `[..., n]` it returns `[..., DRAWS]`, and `unseen` is of that shape or one
    number.
    """
    counts = np.ones(values.shape[-1], dtype=np.intp)
    if values.ndim == 1:
        # Values that agree to three digits share a weight, so that many cost little.
        values, counts = np.unique(values[where].round(3), return_counts=True)
        where = np.ones(len(values), dtype=bool)
    weights = rng.standard_gamma(np.append(counts, 1), (DRAWS, len(counts) + 1)).T
    seen = np.where(where, values, 0.0) @ weights[:-1]
    return (seen + unseen * weights[-1]) / (where @ weights[:-1] + weights[-1])
