"""Make a problem: read or generate its rows, then encode, split and scale them."""

import importlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from thaw.data import COMMON, EACH, IMAGES, READS_IMAGES, fills, shape_of
from thaw.data.checks import (
    doubtful_names,
    doubts,
    wrong_categories,
    wrong_columns,
    wrong_features,
    wrong_names,
    wrong_tokens,
)
from thaw.data.files import features_in, read_categories, read_table, written
from thaw.data.labels import Labels, labels_of
from thaw.data.problem import (
    WARNING,
    Description,
    Pool,
    Problem,
    as_learned,
    digests_of_rows,
)
from thaw.data.split import sizes, some, split
from thaw.data.table import (
    Table,
    as_text,
    choose,
    common,
    complete,
    encode,
    encoded_names,
    missing_in,
    numbered,
)
from thaw.data.transforms import transform
from thaw.errors import ThawError, listed, of_each, refuse

Settings = Mapping[str, Any]


class Other(NamedTuple):
    """Another problem that this one depends on; `name` is for messages.

    pool: its rows, where they are split anew for each source model.
    """

    name: str
    description: Description
    pool: Pool | None = None

    @classmethod
    def of(
        cls, name: str, problem: Problem | Pool, description: Description
    ) -> "Other":
        """Return a problem that was made, as another one depends on it."""
        return cls(name, description, problem if isinstance(problem, Pool) else None)


def make_problem(
    settings: Settings,
    files: Sequence[Path] = (),
    joined: Sequence[Path] = (),
    source: Other | None = None,
    like: Other | None = None,
) -> tuple[Problem | Pool, Description]:
    """Make the problem that the settings describe.

    files: the file and, where there is one, the test file.
    joined: the files of a partner whose categories count too.
    source: the problem whose columns this one must have, in that order. If both are
        pools of the same rows, they are split alike, whatever their labels.
    like: the problem by whose train rows features are scaled.

    Raises `ThawError` with all the ways in which the data are not as the settings say.
    """
    read, tokens = _tables(settings, files), settings.get("tokens", False)
    if tokens:  # a place in a sequence may hold the same token in every row
        read = [table._replace(named=False) for table in read]
    tables = of_each(lambda table: choose(table, settings), read)
    tables, taken = _in_common(settings, tables, joined, source)
    missing = ""
    if fills(settings):
        missing = (
            f"missing values in {missing_in(tables)}; each is filled with the median "
            "of the rows that a network learns from"
        )
    elif "missing" in settings:
        missing = f"left out because of missing values: {missing_in(tables)}"
        tables = of_each(complete, tables)
    place = tables[0].place
    # Those that are not in common are gone.
    wanted = settings.get("categorical", [])
    categorical = [name for name in wanted if name in tables[0].features]
    settings = {**settings, "categorical": categorical}
    categories = _categories(settings, tables, joined, source)
    columns, whose = encoded_names(tables[0], categories), place
    if source:
        columns, whose = list(source.description.columns), source.name
    labels = _checked(settings, read, tables, categories, columns, whose)

    shape, transforms = shape_of(settings), settings.get("transforms", [])
    as_read = [encode(table, categories)[columns].to_numpy() for table in tables]
    x = [transform(rows, shape, transforms, part) for part, rows in enumerate(as_read)]
    if tokens:
        x = [rows.astype(np.int64) for rows in x]
    train, test = _parts(settings, tables, labels.strata)
    train_x, test_x = x[0][train], x[-1][test]
    train_y, test_y = labels.parts(train, test)
    test_rows = tables[-1].labels.index.to_numpy(np.int64)[test]
    test_groups = _numbers_of_groups(tables[-1], test)
    digests = digests_of_rows(as_read[0][train]), digests_of_rows(as_read[-1][test])

    refuse(
        f"{place}: column {name}: missing in all train rows; drop it"
        for name, empty in zip(columns, np.isnan(train_x).all(0), strict=True)
        if empty
    )
    one_hot = {f"{name}={one}" for name, known in categories.items() for one in known}
    scaler = StandardScaler().fit(train_x)
    left = np.array([name in one_hot for name in columns])
    centre = np.where(left, 0, scaler.mean_)
    spread = np.where(left, 1, scaler.scale_)
    description = Description(
        *(columns, labels.names, categories, centre.tolist(), spread.tolist()),
        *(shape, [], transforms, [*tables[0].files], tokens),
        written=written(settings),
        fills=fills(settings),
        missing=missing,
    )
    each = settings.get("shuffle") == EACH
    by_split = each and "scale" in settings and (like is None or like.pool is not None)
    by = np.empty(0), np.empty(0)
    if "scale" in settings and not by_split:
        by = _scale_of(like, place, columns, one_hot) if like else (centre, spread)
        train_x, test_x = (train_x - by[0]) / by[1], (test_x - by[0]) / by[1]
    unrounded = train_x
    with np.errstate(over="ignore"):  # told below
        train_x, test_x = as_learned(train_x), as_learned(test_x)
    classes = len(labels.names)
    problem = Problem(
        *(train_x, train_y, test_x, test_y, test_rows, classes, labels.task),
        *(test_groups, *digests, *by, description.fills),
    )
    for part in (train_x, test_x):
        if np.isinf(part).any():
            column = columns[np.argmax(np.isinf(part).any(0))]
            raise ThawError(
                f"{place}: column {column}: scaled, a value is too large for a number "
                "of 32 bits; scale by the problem's own train rows"
            )
    pool = None
    if each:
        scaled = ~left if by_split else np.zeros(len(columns), bool)
        pool = _pool(place, problem, unrounded, labels.strata[0], scaled, settings)
        if by_split and like:
            pool = pool._replace(like=_in_columns(like, place, columns, one_hot))
        if source and source.pool and _has_rows_of(pool, source.pool):
            # Other labels would split them differently, and test rows would leak.
            pool = pool._replace(strata=source.pool.strata)
    notes = [*taken, *_notes(settings, description, pool or problem, like)]
    notes += [
        f"{WARNING}column {name} {why}; drop it?"
        for table in tables
        for name, why in doubts(table, categorical)
    ]
    # Classes that the source writes differently are others to the output.
    known = [*labels.names, *(source.description.classes if source else [])]
    names = {str(tables[0].labels.name): [*dict.fromkeys(known)], **categories}
    notes += [
        f"{WARNING}column {column} {why}"
        for column, found in names.items()
        for why in doubtful_names(found)
    ]
    return pool or problem, description._replace(notes=notes)


def _checked(
    settings: Settings,
    read: Sequence[Table],
    tables: Sequence[Table],
    categories: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    whose: str,
) -> Labels:
    """Return the labels of tables that are as the settings say.

    read: the tables with all of their rows.
    columns: the features that they must have, those of the problem `whose`.
    Raises `ThawError` with all that is wrong.
    """
    mistakes = [wrong for table in read for wrong in wrong_names(table)]
    for table in tables:
        if not table.files:  # no image has a point that is missing
            categorical = settings.get("categorical", [])
            mistakes += wrong_features(table, categorical, fills(settings))
        if settings.get("tokens"):
            mistakes += wrong_tokens(table)
        mistakes += wrong_categories(table, categories)
        names = encoded_names(table, categories)
        # A test file has the columns of its file.
        to_source = table.named and whose != tables[0].place
        may_share = to_source and settings.get("columns") != COMMON
        mistakes += wrong_columns(table.place, names, columns, whose, may_share)
    shape = shape_of(settings)
    if shape and math.prod(shape) != len(columns):
        mistakes.append(
            f"{tables[0].place}: shape {shape} takes {math.prod(shape)} features, and "
            f"there are {len(columns)}"
        )
    # A label that is missing was told above.
    known = [table._replace(labels=table.labels.dropna()) for table in tables]
    if all(len(table.labels) for table in known):
        try:
            labels = labels_of(known, settings)
        except ThawError as error:
            mistakes += error.args
    refuse(mistakes)
    return labels


def _tables(settings: Settings, files: Sequence[Path]) -> list[Table]:
    """Read the files, or call the function that the settings name."""
    if IMAGES in settings:
        read = importlib.import_module(READS_IMAGES).read_images
        return [read(files[0], settings)]
    if "file" in settings:
        return of_each(lambda path: read_table(path, settings), files)
    for key in settings:
        if key.startswith(("make_", "load_")):
            return [_generate(key, dict(settings[key]))]
    raise ThawError("the recipe's settings lack a file, or what generates data")


def _generate(function: str, arguments: dict[str, Any]) -> Table:
    """Call a function of `sklearn.datasets`.

    Rows keep the order in which it returns them. Of a `load_…` function features and
    classes keep their names.
    Raises `ThawError` if the function does not take the arguments.
    """
    loads = function.startswith("load_")
    if loads:
        arguments |= {"as_frame": True}
    try:
        made = getattr(datasets, function)(**arguments)
    except (TypeError, ValueError) as error:
        raise ThawError(f"{function}: {' '.join(str(error).split())}") from error
    x, y = (made["data"], made["target"]) if loads else made
    if np.ndim(y) > 1:
        raise ThawError(f"{function}: several labels a row; a problem has one")
    if not loads:
        x = pd.DataFrame(x, columns=numbered(x.shape[1]))
    index = pd.RangeIndex(1, len(x) + 1)
    labels = as_text(pd.Series(y).set_axis(index))
    return Table(x.set_axis(index), labels, None, function, named=False)


def _in_common(
    settings: Settings,
    tables: list[Table],
    joined: Sequence[Path],
    source: Other | None,
) -> tuple[list[Table], list[str]]:
    """Return tables with the columns in common with another problem, and a note.

    A target has them in common with its source, and a source with its partner.
    """
    partner = settings.get("joined", {})
    if source and settings.get("columns") == COMMON:
        theirs, whose = source.description.before_encoding, source.name
    elif partner.get("columns") == COMMON:
        theirs, whose = sorted(features_in(joined, partner)), "the target"
    else:
        return tables, []
    found = of_each(lambda table: common(table, theirs, whose), tables)
    names = [*found[0][0].features]
    left = {"here": found[0][1], "there": [one for one in theirs if one not in names]}
    parts = [f"; left out {at}: {listed(some)}" for at, some in left.items() if some]
    note = f"columns in common with {whose}: {listed(names)}{''.join(parts)}"
    return [table for table, _ in found], [note]


def _categories(
    settings: Settings,
    tables: Sequence[Table],
    joined: Sequence[Path],
    source: Other | None,
) -> dict[str, list[str]]:
    """Return the categories of each categorical column, of both problems."""
    columns = settings.get("categorical", [])
    if source:
        # This problem's were joined with them when the source was made.
        theirs = source.description.categories
        return {name: list(theirs[name]) for name in columns if name in theirs}
    found = [
        {name: set(table.features[name].dropna()) for name in columns}
        for table in tables
    ]
    theirs = settings.get("joined", {})
    if columns:
        found += [read_categories(path, columns, theirs) for path in joined]
    return {
        name: sorted({one for part in found for one in part.get(name, ())})
        for name in columns
    }


def _parts(
    settings: Settings, tables: Sequence[Table], y: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the train rows of the first table and the test rows of the last one.

    Of a pool, all rows are both.
    """
    if settings.get("shuffle") == EACH:
        every = np.arange(len(y[0]))
        return every, every
    if len(tables) == 1:
        groups = tables[0].groups
        numbers = None if groups is None else groups.to_numpy()
        return split(tables[0].place, y[0], numbers, settings)
    shuffle = settings.get("shuffle")
    train, test = (
        some(table.place, labels, settings.get(key), shuffle, key)
        for table, labels, key in zip(
            tables, y, ("train_size", "test_size"), strict=True
        )
    )
    return train, test


def _numbers_of_groups(table: Table, rows: np.ndarray) -> np.ndarray:
    """Return the number of each row's group, as in `Problem.test_groups`."""
    if table.groups is None:
        return np.empty(0, np.int64)
    _, numbers = np.unique(table.groups.to_numpy()[rows], return_inverse=True)
    return numbers.astype(np.int64)


def _pool(
    place: str,
    whole: Problem,
    x: np.ndarray,
    strata: np.ndarray,
    scaled: np.ndarray,
    settings: Settings,
) -> Pool:
    """Return the pool of a problem whose train and test rows are all rows.

    x: the features as float64. strata: those of the rows. scaled: which features are
    scaled split by split.
    """
    groups, largest = whole.test_groups, 1
    if len(groups):
        counts = np.zeros((groups.max() + 1, strata.max() + 1), np.int64)
        np.add.at(counts, (groups, strata), 1)
        # That of most of its rows; alone in one, it would come in the middle each time.
        strata, largest = counts.argmax(1), int(counts.sum(1).max())
        alone = np.bincount(strata)[strata] == 1
        strata[alone] = np.bincount(strata).argmax()
    return Pool(
        *(x, whole.train_y, whole.test_y, whole.test_rows, whole.classes, whole.task),
        *(groups, whole.test_digests, strata),
        *sizes(place, len(x), largest, settings),
        scaled,
        centre=whole.centre,
        spread=whole.spread,
        fills=whole.fills,
    )


def _has_rows_of(pool: Pool, other: Pool) -> bool:
    """Whether two pools have the same features, as they were read, and groups."""
    return np.array_equal(pool.digests, other.digests) and np.array_equal(
        pool.groups, other.groups
    )


def _scale_of(
    like: Other, place: str, columns: Sequence[str], one_hot: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return by what another problem's train rows would scale these features."""
    theirs = like.description
    by = np.array([[*theirs.centre, 0], [*theirs.spread, 1]])
    centre, spread = by[:, _columns_of(like, place, columns, one_hot)]
    return centre, spread


def _in_columns(
    like: Other, place: str, columns: Sequence[str], one_hot: Collection[str]
) -> Pool:
    """Return another pool with these features, by whose splits they are scaled."""
    assert like.pool
    x = np.pad(like.pool.x, ((0, 0), (0, 1)))
    own = x[:, _columns_of(like, place, columns, one_hot)]
    return like.pool._replace(x=own, like=None)


def _columns_of(
    like: Other, place: str, columns: Sequence[str], one_hot: Collection[str]
) -> list[int]:
    """Return where these features stand in another problem's.

    Those that are one-hot, and never scaled, stand behind its last one.
    """
    theirs = [*like.description.columns]
    known = dict(zip(theirs, range(len(theirs)), strict=True))
    known |= dict.fromkeys(one_hot, len(theirs))
    missing = [name for name in columns if name not in known]
    if missing:
        raise ThawError(
            f"{place}: the column {missing[0]} is not one of {like.name}, by which it "
            "would be scaled"
        )
    return [known[name] for name in columns]


def _notes(
    settings: Settings,
    description: Description,
    problem: Problem | Pool,
    like: Other | None,
) -> Iterator[str]:
    """Yield in words what was dropped, encoded, split and scaled."""
    if settings.get("drop"):
        yield f"dropped: {', '.join(settings['drop'])}"
    if description.missing:
        yield description.missing
    if settings.get("rows"):
        rows = settings["rows"].items()
        yield f"only rows with {', '.join(f'{name} {value}' for name, value in rows)}"
    for column, categories in description.categories.items():
        yield f"one-hot encoded: {column}, {len(categories)} categories"
    if settings.get("transforms"):
        steps = [step for entry in settings["transforms"] for step in entry.items()]
        yield f"transformed: {', '.join(f'{kind} {value}' for kind, value in steps)}"
    match settings.get("scale"):
        case "standard":
            yield "scaled by the mean and standard deviation of its train rows"
        case "like":
            yield f"scaled by the train rows of {like.name if like else ''}"
    counts, whole = [], problem.whole
    for y in (whole.train_y, whole.test_y):
        if description.classes:
            rows = zip(np.bincount(y), description.classes, strict=True)
            counts.append(", ".join(f"{count} {name}" for count, name in rows))
        else:
            counts.append(f"labels {y.min():g} to {y.max():g}, mean {y.mean():g}")
    features = f"features: {len(description.columns)}"
    if isinstance(problem, Pool):
        yield (
            f"{features}; rows: {len(problem.rows)} ({counts[1]}), split anew for each "
            f"source model: {problem.train_size} train rows, {problem.test_size} test "
            "rows"
        )
        return
    yield (
        f"{features}; train rows: {len(problem.train_y)} ({counts[0]}); test rows: "
        f"{len(problem.test_y)} ({counts[1]})"
    )
