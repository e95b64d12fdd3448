"""Which train rows a repeat learns from, where it learns from some of them only.

Each repeat puts the train rows into an order of its own, and a target size is a prefix
of that order. So sizes are nested: what a repeat knows at 20 rows it also knows at 50,
and the spread over repeats holds the luck of which rows one happened to have.
"""

from collections.abc import Sequence

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning import seeds


def stratified_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order of rows, int64 `[rows]`, of which every prefix is stratified.

    The k-th of a class's n rows stands at (k - ½) / n, each class in a random order of
    its own. So each class's share of a prefix is its share of all, to within one row.
    Shares rounded for each prefix by largest remainders would not be nested.
    """
    order, places = [], []
    for name in rng.permutation(np.unique(labels)):
        rows = rng.permutation(np.flatnonzero(labels == name))
        order.append(rows)
        places.append((np.arange(len(rows)) + 0.5) / len(rows))
    return np.concatenate(order)[np.argsort(np.concatenate(places), kind="stable")]


def narrowed(problem: Problem, seed: int, repeats: Sequence[int], size: int) -> Problem:
    """Return the problem with each repeat's own `size` train rows.

    `train_x` is then `[R, size, features]` and `train_y` `[R, size]`. Raises
    `ThawError` if the problem has fewer rows.
    """
    if size > len(problem.train_y):
        raise ThawError(
            f"target_sizes asks for {size} train rows and the target problem has "
            f"{len(problem.train_y)}; ask for fewer, or for all"
        )
    rows = np.stack(
        [
            stratified_order(
                problem.train_y,
                seeds.generator(seed, seeds.REPEAT, repeat, seeds.TRAIN_ROWS),
            )[:size]
            for repeat in repeats
        ]
    )
    return problem._replace(
        train_x=problem.train_x[rows], train_y=problem.train_y[rows]
    )
