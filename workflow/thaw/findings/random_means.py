"""Random means: what the mean of values may be that were drawn independently.

Each value and one more, which stands for all that was not drawn, get weights from the
Dirichlet distribution whose parameters are 1 (the Bayesian bootstrap, Rubin 1981).
"""

import numpy as np

DRAWS = 10_000


def random_means(
    values: np.ndarray, unseen: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the mean of values within [-1, 1] and of `unseen`, `[DRAWS]`.

    Values that agree to three digits share a weight, so that their number costs
    nothing.
    """
    seen, counts = np.unique(np.round(values, 3), return_counts=True)
    weights = rng.standard_gamma(np.append(counts, 1), (DRAWS, len(counts) + 1))
    total = weights[:, :-1] @ seen + weights[:, -1] * unseen
    return total / weights.sum(axis=1)
