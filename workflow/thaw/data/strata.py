"""Strata: what rows are drawn by, so that every part holds some of each.

A file of its own, because all that learns imports it, and neither pandas nor
scikit-learn.
"""

import numpy as np

# Numbers are stratified by so many quantiles, each of at least so many rows.
MOST_QUANTILES, FEWEST_ROWS = 10, 5


def quantiles(numbers: np.ndarray, most: int = MOST_QUANTILES) -> np.ndarray:
    """Return the stratum of each number, int64 `[rows]`, from 0 for the smallest.

    Equal numbers share a stratum, so there may be fewer than `most`.
    """
    in_order = np.sort(numbers)
    parts = max(1, min(most, len(numbers) // FEWEST_ROWS))
    cuts, begin = [], 0
    for place in np.arange(1, parts) * len(numbers) // parts:
        first = np.searchsorted(in_order, in_order[place])
        if min(first - begin, len(numbers) - first) >= FEWEST_ROWS:
            cuts.append(in_order[first])
            begin = first
    return np.searchsorted(cuts, numbers, side="right").astype(np.int64)
