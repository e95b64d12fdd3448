"""Which rows are the train set, and which the test set."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from thaw.errors import ThawError

# Row numbers, from 0.
Rows = np.ndarray


def split(
    place: str, y: np.ndarray, groups: np.ndarray | None, settings: Mapping[str, Any]
) -> tuple[Rows, Rows]:
    """Return the train rows and the test rows of one table with labels y `[rows]`.

    In the table's order the first rows are the train set, those that follow the test
    set. With a seed, `shuffle`, they are drawn, stratified by class.
    Raises `ThawError` if there are too few rows.
    """
    train, test = settings.get("train_size"), settings.get("test_size")
    asked = [size for size in (train, test) if isinstance(size, int)]
    if sum(asked) > len(y):
        raise ThawError(
            f"{place}: train_size and test_size ask for {sum(asked)} rows, and there "
            f"are {len(y)}"
        )
    if groups is not None:
        return _by_group(place, y, groups, settings)
    return _draw(place, np.arange(len(y)), y, train, test, settings.get("shuffle"))


def some(
    place: str, y: np.ndarray, size: int | float | None, shuffle: int | None, key: str
) -> Rows:
    """Return so many rows of a table that is a train or a test set of its own.

    `key` names the size in messages. Raises `ThawError` if there are too few rows.
    """
    rows = np.arange(len(y))
    if size is None or size == len(y):
        return rows
    if size > len(y):
        raise ThawError(f"{place}: {key} asks for {size} rows, and there are {len(y)}")
    if shuffle is None:
        return rows[: size if isinstance(size, int) else int(size * len(y))]
    return _draw(place, rows, y, size, None, shuffle)[0]


def _draw(
    place: str,
    rows: Rows,
    y: np.ndarray,
    train: int | float | None,
    test: int | float | None,
    shuffle: int | None,
) -> tuple[Rows, Rows]:
    """Split rows with labels y `[rows]`, in their order or, with a seed, drawn."""
    drawn = shuffle is not None
    try:
        first, second = train_test_split(
            rows,
            train_size=train,
            test_size=test,
            shuffle=drawn,
            random_state=shuffle,
            stratify=y if drawn else None,
        )
    except ValueError as error:
        raise ThawError(f"{place}: {' '.join(str(error).split())}") from error
    return first, second


def _by_group(
    place: str, y: np.ndarray, groups: np.ndarray, settings: Mapping[str, Any]
) -> tuple[Rows, Rows]:
    """Split whole groups, by the share of rows that each side should get.

    A side for which a number of rows was asked is then cut to it, stratified.
    """
    rows, shuffle = len(y), settings["shuffle"]
    sizes = {key: settings.get(key) for key in ("train_size", "test_size")}
    shares = {
        key: size / rows if isinstance(size, int) else size
        for key, size in sizes.items()
        if size is not None
    }
    share = shares.get("train_size", 1.0 - shares.get("test_size", 0.0))
    rest = shares.get("test_size", 1.0 - share)
    try:
        splitter = GroupShuffleSplit(
            1, test_size=rest / (share + rest), random_state=shuffle
        )
        [sides] = splitter.split(y, y, groups)
    except ValueError as error:
        raise ThawError(f"{place}: {' '.join(str(error).split())}") from error
    cut = []
    for (key, size), side in zip(sizes.items(), sides, strict=True):
        if isinstance(size, int) and size != len(side):
            if size > len(side):
                raise ThawError(
                    f"{place}: {key} asks for {size} rows, and whole groups leave "
                    f"{len(side)}; ask for fewer, or for a share"
                )
            side, _ = _draw(place, side, y[side], size, None, shuffle)
        cut.append(side)
    return cut[0], cut[1]
