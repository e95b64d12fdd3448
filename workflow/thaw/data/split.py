"""Which rows are the train set, and which the test set."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from thaw.errors import ThawError

# Whole groups are dealt into at most so many parts, and each side gets some of them.
PARTS = 10

# Row numbers, from 0.
Rows = np.ndarray

# A number of rows, or their share.
Size = int | float


def split(
    place: str, y: np.ndarray, groups: np.ndarray | None, settings: Mapping[str, Any]
) -> tuple[Rows, Rows]:
    """Return the train rows and the test rows of one table with strata y `[rows]`.

    In the table's order the first rows are the train set, those that follow the test
    set. With a seed, `shuffle`, they are drawn, stratified.
    Raises `ThawError` if there are too few rows.
    """
    train, test = settings.get("train_size"), settings.get("test_size")
    counts = [size for size in (train, test) if isinstance(size, int)]
    if sum(counts) > len(y):
        raise ThawError(
            f"{place}: train_size and test_size ask for {sum(counts)} rows, and there "
            f"are {len(y)}"
        )
    shuffle = settings.get("shuffle")
    if groups is not None:
        return _by_group(place, y, groups, train, test, shuffle)
    try:
        first, second = train_test_split(
            np.arange(len(y)),
            train_size=train,
            test_size=test,
            shuffle=shuffle is not None,
            random_state=shuffle,
            stratify=None if shuffle is None else y,
        )
    except ValueError as error:
        raise ThawError(f"{place}: {' '.join(str(error).split())}") from error
    return first, second


def sizes(place: str, rows: int, settings: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many train and how many test rows each of several splits has.

    `rows` are those that can be on either side, of which shares are taken.
    Raises `ThawError` if there are too few.
    """
    wanted = [settings.get("train_size"), settings.get("test_size")]
    train, test = (None if size is None else _rows(size, rows) for size in wanted)
    train = rows - (test or 0) if train is None else train
    test = rows - train if test is None else test
    if min(train, test) < 1 or train + test > rows:
        raise ThawError(
            f"{place}: train_size and test_size ask for {train} and {max(test, 0)} "
            f"rows of {rows} that can be on either side; ask for others, or for shares"
        )
    return train, test


def groups_in_strata(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the stratum of each group, that of most of its rows.

    A group that is alone in its stratum, and would come in the middle of every order,
    gets the commonest one.
    """
    counts = np.zeros((groups.max() + 1, strata.max() + 1), np.int64)
    np.add.at(counts, (groups, strata), 1)
    by_group = counts.argmax(1)
    sizes = np.bincount(by_group)
    return np.where(sizes[by_group] == 1, sizes.argmax(), by_group)


def choose_rows(
    place: str, y: np.ndarray, size: Size | None, shuffle: int | None, key: str
) -> Rows:
    """Return so many rows of a table that is a train or a test set of its own.

    `key` names the size in messages. Raises `ThawError` if there are too few rows.
    """
    rows = np.arange(len(y))
    if size is None:
        return rows
    wanted = _rows(size, len(y))
    if not 0 < wanted <= len(y):
        raise ThawError(f"{place}: {key} asks for {wanted} of {len(y)} rows")
    return rows[:wanted] if shuffle is None else _cut(rows, y, wanted, shuffle)


def _rows(size: Size, total: int) -> int:
    """Return how many of all rows a size is."""
    return size if isinstance(size, int) else int(size * total)


def _cut(rows: Rows, y: np.ndarray, size: int, shuffle: int | None) -> Rows:
    """Return at most so many of these rows, with labels y `[rows]`, drawn by class."""
    if size >= len(rows):
        return rows
    # Fewer than one for each class cannot be left out by class.
    by_class = min(size, len(rows) - size) >= len(np.unique(y))
    drawn, _ = train_test_split(
        rows, train_size=size, random_state=shuffle, stratify=y if by_class else None
    )
    return drawn


def _by_group(
    place: str,
    y: np.ndarray,
    groups: np.ndarray,
    train: Size | None,
    test: Size | None,
    shuffle: int | None,
) -> tuple[Rows, Rows]:
    """Split whole groups, stratified, by the share of rows that each side should get.

    A side with more rows than it should get is then cut. One with fewer is an error
    where the config names a number, not where it names a share.
    """
    parts = min(PARTS, len(np.unique(groups)), np.unique_counts(y).counts.min())
    if parts < 2:
        raise ThawError(f"{place}: all rows are in one group; at least two are needed")
    # The fewer parts, the more alike they are.
    share = Fraction(_test_share(len(y), train, test)).limit_denominator(int(parts))
    if share in (0, 1):
        share = Fraction(1 if share == 0 else parts - 1, int(parts))
    splitter = StratifiedGroupKFold(
        share.denominator, shuffle=True, random_state=shuffle
    )
    dealt = [part for _, part in splitter.split(y, y, groups)]
    border = share.numerator
    sides = np.concatenate(dealt[border:]), np.concatenate(dealt[:border])
    cut = []
    sizes = (("train_size", train), ("test_size", test))
    for (key, size), side in zip(sizes, sides, strict=True):
        if isinstance(size, int) and size > len(side):
            raise ThawError(
                f"{place}: {key} asks for {size} rows, and whole groups leave "
                f"{len(side)}; ask for fewer, or for a share"
            )
        if size is not None:
            side = _cut(side, y[side], _rows(size, len(y)), shuffle)
        cut.append(np.sort(side))
    return cut[0], cut[1]


def _test_share(rows: int, train: Size | None, test: Size | None) -> float:
    """Return which share of all rows the test set should get of these sizes."""
    wanted = [size / rows if isinstance(size, int) else size for size in (train, test)]
    if wanted[1] is None:
        return 1 - (wanted[0] or 0)
    # Where the sizes leave rows over, both sides get more.
    return wanted[1] / ((wanted[0] or 1 - wanted[1]) + wanted[1])
