"""Choose the train rows of repeats that learn from some of them only.

Each repeat orders the train rows in its own way, and a target size is a prefix of that
order. So sizes are nested (a repeat has its 20 rows among its 50), and the spread over
repeats includes the luck of the draw.
"""

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.seeds import Whose
from thaw.learning.tasks import TASKS


def stratified_order(strata: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order of rows, int64 `[rows]`, with every prefix stratified.

    The k-th of a stratum's n rows stands at (k - ½) / n, each stratum in its own random
    order. So its share of a prefix is its share of all, to within one row. Rounding
    the shares of each prefix by largest remainders would break the nesting.
    """
    order, places = [], []
    for name in rng.permutation(np.unique(strata)):
        rows = rng.permutation(np.flatnonzero(strata == name))
        order.append(rows)
        places.append((np.arange(len(rows)) + 0.5) / len(rows))
    return np.concatenate(order)[np.argsort(np.concatenate(places), kind="stable")]


def held_out(size: int, share: float | None) -> np.ndarray:
    """Return which rows of an order are validation rows, bool `[size]`.

    With a share of a fifth it is every fifth row, so the validation rows of a smaller
    size are among those of a larger one.
    Raises `ThawError` if no rows would be held out, or none be left to learn from.
    """
    if share is None:
        return np.zeros(size, dtype=bool)
    # Rounded, so that a fifth of five is one.
    counts = np.floor(np.round(np.arange(size + 1) * share, 9))
    is_held_out = np.diff(counts) > 0
    if not is_held_out.any() or is_held_out.all():
        lost = "none to learn from" if is_held_out.all() else "no row to validate on"
        raise ThawError(
            f"validation_size {share:g} of {size} train rows leaves {lost}; choose "
            "another share, or learn from more rows"
        )
    return is_held_out


def rows_in_order(
    problem: Problem, whose: Whose, size: int, validation: np.ndarray
) -> np.ndarray:
    """Return the numbers of each network's own `size` train rows, int64 `[R, size]`.

    Its validation rows, `validation` `[size]`, come last. Raises `ThawError` as
    `narrowed_rows`.
    """
    rows = narrowed_rows(problem, whose, size)
    rows = np.concatenate([rows[:, ~validation], rows[:, validation]], axis=1)
    # Network by network in memory, so that means of labels are summed as for one alone.
    return np.ascontiguousarray(rows)


def chosen(values: np.ndarray, rows: np.ndarray, of_one: int) -> np.ndarray:
    """Return each network's own rows of some values, `[R, size, …]`.

    rows: their numbers, int64 `[R, size]`. Values with `of_one` dimensions are those of
    all networks; with one more, the first is the networks'.
    """
    if values.ndim == of_one:
        return values[rows]
    return values[np.arange(len(rows))[:, None], rows]


def filled(problem: Problem, rows: int) -> tuple[Problem, np.ndarray | None]:
    """Return the problem with its missing features filled, and by which medians.

    These are the medians of the first `rows` train rows, those that networks learn
    from, float32 `[R, features]`, or `[1, features]` where all learn from the same. A
    feature that is missing in all of them counts as 0, its mean if it is scaled. Where
    each network has its own, `test_x` is `[R, rows, features]`. None if the problem
    fills nothing.
    """
    if not problem.fills:
        return problem, None
    # Imported here, because only problems with gaps need it.
    from sklearn.impute import SimpleImputer

    learned = problem.train_x[..., :rows, :]
    # A column for each feature of each network.
    columns = np.moveaxis(learned, -2, 0).reshape(rows, -1)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(columns)
    medians = imputer.statistics_.reshape(-1, learned.shape[-1]).astype(np.float32)
    of_rows = medians.reshape(*learned.shape[:-2], 1, -1)
    train_x, test_x = (
        np.where(np.isnan(x), of_rows, x) for x in (problem.train_x, problem.test_x)
    )
    return problem._replace(train_x=train_x, test_x=test_x, fills=False), medians


def narrowed_rows(problem: Problem, whose: Whose, size: int) -> np.ndarray:
    """Return the numbers of each network's own train rows, int64 `[R, size]`.

    Raises `ThawError` if the problem has fewer rows.
    """
    if size > problem.train_size:
        raise ThawError(
            f"target_sizes asks for {size} train rows and the target problem has "
            f"{problem.train_size}; ask for fewer, or for all"
        )
    streams = whose.generators(seeds.TRAIN_ROWS)
    # The rows of all networks, or of each.
    strata = [*map(TASKS[problem.task].strata, np.atleast_2d(problem.train_y))]
    strata *= len(streams) // len(strata)
    orders = map(stratified_order, strata, streams)
    return np.stack([order[:size] for order in orders])
