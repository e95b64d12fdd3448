"""A problem: its arrays, and what they stand for.

A file of its own, because all that learns imports it, and neither pandas nor
scikit-learn.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Problem(NamedTuple):
    """A data set with a task and a fixed train/test split.

    Features are float32 `[rows, features]`; tokens, which stand for something, int64.
    Labels are int64 `[rows]`, 0 ≤ label < `classes`; where they are numbers, float64 in
    their own units, and `classes` is 0.
    `test_rows`, int64 `[rows]`, are the numbers of the test rows in the file that they
    come from, or in what a function generated, from 1. `task` is the name of one in
    `thaw.learning.tasks`. `test_groups`, int64 `[rows]`, are the numbers of the test
    rows' groups, from 0 without a gap; empty where rows are in no groups, so that each
    comes by itself. `train_digests` and `test_digests`, uint64 `[rows]`, are those of
    the features as they were read, before transforms and scaling. By `centre` and
    `spread`, float64 `[features]`, features were scaled; empty where they were not.
    If it `fills` missing features, they are nan until it is known which rows a network
    learns from (see `thaw.learning.rows.filled`).
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    test_rows: np.ndarray
    classes: int
    task: str = "classification"
    test_groups: np.ndarray = np.empty(0, np.int64)
    train_digests: np.ndarray = np.empty(0, np.uint64)
    test_digests: np.ndarray = np.empty(0, np.uint64)
    centre: np.ndarray = np.empty(0)
    spread: np.ndarray = np.empty(0)
    fills: bool = False

    @property
    def train_size(self) -> int:
        """How many train rows there are."""
        return self.train_y.shape[-1]

    @property
    def whole(self) -> "Problem":
        """The problem itself: its rows are the same for every network."""
        return self


class Pool(NamedTuple):
    """All rows of a problem, from which its train and test rows are taken.

    `x`, float64 `[rows, features]` (tokens int64), are the features before they are
    scaled; `y`, `rows` (numbers of rows), `groups` and `digests`, `[rows]`, are as a
    problem's. By `centre` and `spread` features are scaled whichever rows are taken;
    empty where they are not.

    With `shuffle: each` the rows are split anew for each source model, by its number
    and the study's seed (`thaw.learning.splits`), into `train_size` and `test_size`
    rows. By `strata`, int64, rows are drawn, `[rows]`, or whole groups, `[groups]`.
    Features that are `scaled`, bool `[features]`, get mean 0 and standard deviation 1
    on the train rows of a split or, where another pool is given as `like`, on the train
    rows of that pool's split.
    """

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    classes: int
    task: str
    groups: np.ndarray
    digests: np.ndarray
    fills: bool = False
    centre: np.ndarray = np.empty(0)
    spread: np.ndarray = np.empty(0)
    strata: np.ndarray = np.empty(0, np.int64)
    train_size: int = 0
    test_size: int = 0
    scaled: np.ndarray = np.empty(0, bool)
    like: "Pool | None" = None

    @property
    def whole(self) -> Problem:
        """All rows, as train and as test rows; features are not scaled."""
        every = np.arange(len(self.y))
        return take(self._replace(centre=np.empty(0), spread=np.empty(0)), every, every)


def take(pool: Pool, train: np.ndarray, test: np.ndarray) -> Problem:
    """Return the problem of a pool's rows at these places, scaled.

    Scaled, a value may be infinite as a float32.
    """
    parts = [pool.x[places] for places in (train, test)]
    if len(pool.centre):
        parts = [(x - pool.centre) / pool.spread for x in parts]
    groups = pool.groups
    if len(groups):
        groups = np.unique(groups[test], return_inverse=True)[1].astype(np.int64)
    with np.errstate(over="ignore"):
        train_x, test_x = map(as_learned, parts)
    return Problem(
        train_x=train_x,
        train_y=pool.y[train],
        test_x=test_x,
        test_y=pool.y[test],
        test_rows=pool.rows[test],
        classes=pool.classes,
        task=pool.task,
        test_groups=groups,
        train_digests=pool.digests[train],
        test_digests=pool.digests[test],
        centre=pool.centre,
        spread=pool.spread,
        fills=pool.fills,
    )


def scale_of(x: np.ndarray, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the features `[rows, features]` scaled.

    They are 0 and 1 for features that are not `scaled`, bool `[features]`, or that are
    missing in all rows; the deviation is 1 where all rows are equal.
    """
    # Imported here, because networks of a problem with one split do without.
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    is_scaled = scaled & ~np.isnan(scaler.mean_)
    return np.where(is_scaled, scaler.mean_, 0), np.where(is_scaled, scaler.scale_, 1)


# How a note begins that tells of something doubtful.
WARNING = "warning: "


class Description(NamedTuple):
    """The meaning of a problem's numbers, and how they were made.

    columns: the features' names, in order.
    classes: the classes' names, by label; of numbers, none.
    categories: of each column that was one-hot encoded, the categories.
    centre, spread: mean and standard deviation of each feature over the train rows (of
        a pool, all rows), before any scaling; 0 and 1 for a one-hot column, which is
        never scaled.
    shape: how a row's features are arranged; empty where nothing was said.
    notes: what was dropped, encoded, split and scaled, in words.
    transforms: what changed the features before scaling, as the config says it.
    files: of images, the name of each, by the number of its row, from 1.
    tokens: whether features are tokens, whole numbers that stand for something.
    written: how text files are written, as the config says it.
    fills: whether missing numbers are filled, those of new rows, too.
    missing: which values were missing, and what became of them, in words; empty if none
        may be.
    """

    columns: Sequence[str]
    classes: Sequence[str]
    categories: Mapping[str, Sequence[str]]
    centre: Sequence[float]
    spread: Sequence[float]
    shape: Sequence[int]
    notes: Sequence[str]
    transforms: Sequence[Mapping[str, Any]]
    files: Sequence[str] = ()
    tokens: bool = False
    written: Mapping[str, str] = {}
    fills: bool = False
    missing: str = ""

    def files_of(self, rows: Iterable[int]) -> dict[str, list[str]]:
        """Return the column `file` of a table with these rows, if they are images."""
        names = [self.files[row - 1] for row in rows] if self.files else []
        return {"file": names} if names else {}

    @property
    def before_encoding(self) -> list[str]:
        """The columns that rows have before they are encoded."""
        categories = self.categories.items()
        encoded = {f"{name}={value}" for name, known in categories for value in known}
        return [name for name in self.columns if name not in encoded] + [
            *self.categories
        ]

    @property
    def warnings(self) -> list[str]:
        """The notes that tell of something doubtful."""
        return [note for note in self.notes if note.startswith(WARNING)]


def as_learned(x: np.ndarray) -> np.ndarray:
    """Return features as networks get them: float32, or tokens as they are, int64."""
    return x if x.dtype == np.int64 else x.astype(np.float32)


def digests_of_rows(x: np.ndarray) -> np.ndarray:
    """Return a digest of each row of `[rows, features]`, uint64 `[rows]`.

    Rows of equal numbers have equal digests; of others, one pair in 2^64 has.
    """
    x = np.ascontiguousarray(x) + 0.0  # -0 equals 0, and is other bytes
    digests = [hashlib.blake2b(row, digest_size=8).digest() for row in x]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
