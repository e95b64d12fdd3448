"""The splits of a pool: one for each source model and the repeats from it.

A split depends on the study's seed, the source model's number, the strata of the rows
and their number. So the rows of two problems made of equal tables are split alike, and
no test row of a target is a train row of the source model. (If tables differ only in
labels, a target has the strata of its source; see `thaw.data.make`.)
"""

from collections.abc import Iterable, Sequence

import numpy as np

from thaw.data.problem import Pool, Problem, as_learned
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.rows import stratified_order

# What each split of a pool has of its own.
OF_EACH = (
    *("train_x", "train_y", "test_x", "test_y", "test_rows"),
    *("centre", "spread"),
)

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
    learned = pool.x[train]
    if pool.like:
        learned = pool.like.x[places(pool.like, seed, number)[0]]
    mean, deviation, extent = _moments(learned)
    centre = np.where(pool.scaled, mean, 0)
    # Rounding gives equal numbers a standard deviation that is not quite 0.
    spread = np.where(pool.scaled & (extent > 0), deviation, 1)
    parts = [pool.x[rows] for rows in (train, test)]
    if pool.scaled.any():
        parts = [(x - centre) / spread for x in parts]
    with np.errstate(over="ignore"):  # reported below
        train_x, test_x = map(as_learned, parts)
    if np.isinf(train_x).any() or np.isinf(test_x).any():
        raise ThawError(
            f"split {number}: scaled, a value is too large for a number of 32 bits; "
            "correct it, or drop its column"
        )
    is_scaled = pool.scaled.any()
    return Problem(
        train_x=train_x,
        train_y=pool.train_y[train],
        test_x=test_x,
        test_y=pool.test_y[test],
        test_rows=pool.rows[test],
        classes=pool.classes,
        task=pool.task,
        train_digests=pool.digests[train],
        test_digests=pool.digests[test],
        centre=centre if is_scaled else pool.centre,
        spread=spread if is_scaled else pool.spread,
        fills=pool.fills,
    )


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation and range of each column, but for what is nan."""
    if not np.isnan(x).any():
        return x.mean(0), x.std(0), np.ptp(x, axis=0)
    known = np.ma.masked_invalid(x)
    extent = known.max(0) - known.min(0)
    mean, deviation, extent = (
        np.ma.filled(values, 0) for values in (known.mean(0), known.std(0), extent)
    )
    return mean, deviation, extent


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
        for name in OF_EACH
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
        train, test = (pool.test_y[rows] for rows in places(pool, seed, number))
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
