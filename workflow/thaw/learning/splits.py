"""The splits of a pool: one for each source model and the repeats from it.

A split depends on the study's seed, the source model's number, the strata of the rows
and their number. So the rows of two problems made of equal tables are split alike, and
no test row of a target is a train row of the source model. (If tables differ only in
labels, a target has the strata of its source; see `thaw.data.make`.)
"""

from collections.abc import Iterable, Sequence

import numpy as np

from thaw.data.problem import Pool, Problem, scale_of, take
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.rows import stratified_order

# The arrays in which the splits of a pool differ, and learners use.
ARRAYS = ("train_x", "train_y", "test_x", "test_y", "test_rows", "centre", "spread")

REMEDY = "choose other sizes, another seed, or shuffle with a seed instead of each"


def places(pool: Pool, seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of a split's train and test rows in the pool, in order.

    They are the first and the last rows of an order that keeps groups together. Its
    middle, longer than a group, prevents groups from lying on both sides.
    """
    order = stratified_order(pool.strata, seeds.generator(seed, 0, number, seeds.SPLIT))
    if len(pool.groups):
        order = np.argsort(np.argsort(order)[pool.groups], kind="stable")
    train, test = order[: pool.train_size], order[-pool.test_size :]
    return np.sort(train), np.sort(test)


def split(pool: Problem | Pool, seed: int, number: int) -> Problem:
    """Return a split of a pool as a problem; a problem is returned as it is.

    Raises `ThawError` if a value is too large once it is scaled.
    """
    if isinstance(pool, Problem):
        return pool
    train, test = places(pool, seed, number)
    if pool.scaled.any():
        learned = pool.x[train]
        if pool.like:
            learned = pool.like.x[places(pool.like, seed, number)[0]]
        centre, spread = scale_of(learned, pool.scaled)
        pool = pool._replace(centre=centre, spread=spread)
    problem = take(pool, train, test)
    if np.isinf(problem.train_x).any() or np.isinf(problem.test_x).any():
        raise ThawError(
            f"split {number}: scaled, a value is too large for a number of 32 bits; "
            "correct it, or drop its column"
        )
    return problem


def of_each(problem: Problem | Pool, seed: int, models: Sequence[int]) -> Problem:
    """Return the problem as each of R networks gets it, by their source models.

    If a pool is split, networks have rows of their own: `train_x` and `test_x` are
    `[R, rows, features]`, `train_y`, `test_y` and `test_rows` `[R, rows]`, and the
    features' `centre` and `spread` `[R, features]`.
    """
    if isinstance(problem, Problem):
        return problem
    splits = {number: split(problem, seed, number) for number in {*models}}
    stacked = {
        name: np.stack([getattr(splits[number], name) for number in models])
        for name in ARRAYS
    }
    return Problem(
        **stacked, classes=problem.classes, task=problem.task, fills=problem.fills
    )


def test_rows(problem: Problem | Pool, seed: int, models: Sequence[int]) -> np.ndarray:
    """Return the numbers of the networks' test rows, as `of_each`."""
    if isinstance(problem, Problem):
        return problem.test_rows
    numbers, whose = np.unique(models, return_inverse=True)
    rows = [problem.rows[places(problem, seed, int(n))[1]] for n in numbers]
    return np.stack(rows)[whose]


def check(
    pool: Problem | Pool, classes: Sequence[str], seed: int, models: Iterable[int]
) -> None:
    """Raise `ThawError` if the split of one of the source models teaches nothing.

    That is if a part lacks one of the `classes` (names by label), or if all train
    labels are one number. A problem with one split was checked when it was made.
    """
    if isinstance(pool, Problem):
        return
    for number in sorted({*models}):
        train, test = (pool.y[rows] for rows in places(pool, seed, number))
        wrong = [
            f"no {part} row has the class {name!r}"
            for part, labels in (("train", train), ("test", test))
            for label, name in enumerate(classes)
            if not (labels == label).any()
        ]
        if not classes and np.ptp(train) == 0:
            wrong = [f"the label is {train[0]:g} in every train row"]
        if wrong:
            raise ThawError(
                f"source_models: in the split of number {number} {wrong[0]}; {REMEDY}"
            )
