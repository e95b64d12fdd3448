"""Make a problem: read or generate its rows, then encode, split and scale them."""

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets

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
from thaw.data.labels import Labels, labels_of
from thaw.data.problem import (
    WARNING,
    Description,
    Pool,
    Problem,
    digests_of_rows,
    scale_of,
    take,
)
from thaw.data.split import choose_rows, groups_in_strata, sizes, split
from thaw.data.tables import (
    Table,
    as_text,
    choose,
    common,
    complete,
    encode,
    encoded_names,
    features_in,
    missing_in,
    numbered,
    read_categories,
    read_table,
    written,
)
from thaw.data.transforms import transform
from thaw.errors import ThawError, listed, of_each, refuse

Settings = Mapping[str, Any]
Categories = Mapping[str, Sequence[str]]


class Other(NamedTuple):
    """Another problem that this one depends on; `name` is for messages.

    pool: its rows, where they are split anew for each source model.
    """

    name: str
    description: Description
    pool: Pool | None = None


class Rows(NamedTuple):
    """The tables of a problem as they are learned from.

    tables: one with all rows, or that of the train and that of the test rows.
    columns, one_hot: the names of the features, and which of them are categories.
    x: the features, transformed but not scaled, `[rows of all tables, features]`.
    """

    tables: Sequence[Table]
    labels: Labels
    columns: Sequence[str]
    one_hot: np.ndarray
    x: np.ndarray
    digests: np.ndarray

    @property
    def place(self) -> str:
        """The first file, or the function, for messages."""
        return self.tables[0].place

    @property
    def numbers(self) -> np.ndarray:
        """Each row's number in its file, from 1."""
        return np.concatenate([t.labels.index.to_numpy(np.int64) for t in self.tables])

    @property
    def groups(self) -> np.ndarray:
        """The number of each row's group, from 0; empty where rows are in none."""
        if self.tables[0].groups is None:
            return np.empty(0, np.int64)
        groups = np.concatenate([table.groups for table in self.tables])
        return np.unique(groups, return_inverse=True)[1].astype(np.int64)


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
    read = _read(settings, files)
    tables, notes = _choose(settings, read, joined, source)
    missing = ""
    if fills(settings):
        missing = (
            f"missing values in {missing_in(tables)}; each is filled with the median "
            "of the rows that a network learns from"
        )
    elif "missing" in settings:
        missing = f"left out because of missing values: {missing_in(tables)}"
        tables = of_each(complete, tables)
    categorical = [
        name for name in settings.get("categorical", []) if name in tables[0].features
    ]
    settings = {**settings, "categorical": categorical}
    categories = _categories(settings, tables, joined, source)
    rows = _encode(settings, read, tables, categories, source)
    train, test = _parts(settings, rows)
    refuse(
        f"{rows.place}: column {name}: missing in all train rows; drop it"
        for name, empty in zip(
            rows.columns, np.isnan(rows.x[train]).all(0), strict=True
        )
        if empty
    )
    y = rows.labels.learned(train, test)
    centre, spread = scale_of(rows.x[train], ~rows.one_hot)
    description = Description(
        columns=rows.columns,
        classes=rows.labels.names,
        categories=categories,
        centre=centre.tolist(),
        spread=spread.tolist(),
        notes=[],
        shape=shape_of(settings) or [*tables[0].shape],
        transforms=settings.get("transforms", []),
        files=[*tables[0].files],
        tokens=settings.get("tokens", False),
        written=written(settings),
        fills=fills(settings),
        missing=missing,
    )
    pool = Pool(
        x=rows.x,
        y=y,
        rows=rows.numbers,
        classes=len(description.classes),
        task=rows.labels.task,
        groups=rows.groups,
        digests=rows.digests,
        fills=description.fills,
    )
    problem: Problem | Pool
    if settings.get("shuffle") == EACH:
        problem = _split_later(settings, pool, rows, source, like)
    else:
        problem = _split(settings, pool, rows, train, test, (centre, spread), like)
    notes += _notes(settings, description, problem, like)
    notes += _doubts(tables, description, source)
    return problem, description._replace(notes=notes)


def _read(settings: Settings, files: Sequence[Path]) -> list[Table]:
    """Read the files, or call the function that the settings name."""
    if IMAGES in settings:
        read = importlib.import_module(READS_IMAGES).read_images
        return [read(files[0], settings)]
    if "file" in settings:
        tables = of_each(lambda path: read_table(path, settings), files)
    else:
        [function] = [key for key in settings if key.startswith(("make_", "load_"))]
        tables = [_generate(function, dict(settings[function]))]
    if settings.get("tokens"):
        # A place in a sequence may hold the same token in every row.
        tables = [table._replace(named=False) for table in tables]
    return tables


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
        data = getattr(datasets, function)(**arguments)
    except (TypeError, ValueError) as error:
        raise ThawError(f"{function}: {' '.join(str(error).split())}") from error
    x, y = (data["data"], data["target"]) if loads else data
    if np.ndim(y) > 1:
        raise ThawError(f"{function}: several labels a row; a problem has one")
    if not loads:
        x = pd.DataFrame(x, columns=numbered(x.shape[1]))
    index = pd.RangeIndex(1, len(x) + 1)
    labels = as_text(pd.Series(y).set_axis(index))
    return Table(x.set_axis(index), labels, None, function, named=False)


def _choose(
    settings: Settings,
    tables: Sequence[Table],
    joined: Sequence[Path],
    source: Other | None,
) -> tuple[list[Table], list[str]]:
    """Return tables with the columns that are learned from, and a note on these.

    A target may take those in common with its source, a source those in common with
    its partner.
    """
    tables = of_each(lambda table: choose(table, settings), tables)
    partner = settings.get("joined", {})
    if source and settings.get("columns") == COMMON:
        shared, whose = source.description.before_encoding, source.name
    elif partner.get("columns") == COMMON:
        shared, whose = sorted(features_in(joined, partner)), "the target"
    else:
        return tables, []
    pairs = of_each(lambda table: common(table, shared, whose), tables)
    names = [*pairs[0][0].features]
    left = {
        "here": pairs[0][1],
        "there": [name for name in shared if name not in names],
    }
    parts = [f"; left out {at}: {listed(names)}" for at, names in left.items() if names]
    note = f"columns in common with {whose}: {listed(names)}{''.join(parts)}"
    return [table for table, _ in pairs], [note]


def _categories(
    settings: Settings,
    tables: Sequence[Table],
    joined: Sequence[Path],
    source: Other | None,
) -> dict[str, list[str]]:
    """Return the categories of each categorical column, of both problems."""
    columns = settings["categorical"]
    if source:
        # This problem's were joined with them when the source was made.
        known = source.description.categories
        return {name: list(known[name]) for name in columns if name in known}
    by_table = [
        {name: set(table.features[name].dropna()) for name in columns}
        for table in tables
    ]
    if columns:
        partner = settings.get("joined", {})
        by_table += [read_categories(path, columns, partner) for path in joined]
    return {
        name: sorted({value for names in by_table for value in names.get(name, ())})
        for name in columns
    }


def _encode(
    settings: Settings,
    read: Sequence[Table],
    tables: Sequence[Table],
    categories: Categories,
    source: Other | None,
) -> Rows:
    """Return the rows of tables, which are `read` with all of their rows, as numbers.

    Raises `ThawError` with all that is wrong with them.
    """
    columns, whose = encoded_names(tables[0], categories), tables[0].place
    if source:
        columns, whose = list(source.description.columns), source.name
    labels = _check(settings, read, tables, categories, columns, whose)
    one_hot = {f"{name}={value}" for name in categories for value in categories[name]}
    as_read = [encode(table, categories)[columns].to_numpy() for table in tables]
    shape, transforms = shape_of(settings), settings.get("transforms", [])
    parts = [transform(x, shape, transforms, part) for part, x in enumerate(as_read)]
    x = np.concatenate(parts)
    return Rows(
        tables=tables,
        labels=labels,
        columns=columns,
        one_hot=np.array([name in one_hot for name in columns]),
        x=x.astype(np.int64) if settings.get("tokens") else x,
        digests=digests_of_rows(np.concatenate(as_read)),
    )


def _check(
    settings: Settings,
    read: Sequence[Table],
    tables: Sequence[Table],
    categories: Categories,
    columns: Sequence[str],
    whose: str,
) -> Labels:
    """Return the labels of tables that are as the settings say.

    columns: the features that they must have, those of the problem `whose`.
    Raises `ThawError` with all that is wrong.
    """
    mistakes = [wrong for table in read for wrong in wrong_names(table)]
    for table in tables:
        if not table.files:  # no image has a point that is missing
            mistakes += wrong_features(table, settings["categorical"], fills(settings))
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
    # A missing label is a mistake already.
    known = [table._replace(labels=table.labels.dropna()) for table in tables]
    if all(len(table.labels) for table in known):
        try:
            labels = labels_of(known, settings)
        except ThawError as error:
            mistakes += error.args
    refuse(mistakes)
    return labels


def _parts(settings: Settings, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the train and of the test rows among those of all tables.

    Where they are split later, all rows are both.
    """
    strata, tables = rows.labels.strata, rows.tables
    if settings.get("shuffle") == EACH:
        every = np.arange(len(rows.x))
        return every, every
    if len(tables) == 1:
        groups = rows.groups
        return split(rows.place, strata[0], groups if len(groups) else None, settings)
    shuffle = settings.get("shuffle")
    train, test = (
        choose_rows(table.place, labels, settings.get(key), shuffle, key)
        for table, labels, key in zip(
            tables, strata, ("train_size", "test_size"), strict=True
        )
    )
    return train, len(strata[0]) + test


def _split(
    settings: Settings,
    pool: Pool,
    rows: Rows,
    train: np.ndarray,
    test: np.ndarray,
    scale: tuple[np.ndarray, np.ndarray],
    like: Other | None,
) -> Problem:
    """Return the problem of these train and test rows, scaled.

    `scale` are mean and standard deviation of the train rows.
    Raises `ThawError` if a value is too large once it is scaled.
    """
    if "scale" in settings:
        scale = _scale_of(like, rows) if like else scale
        pool = pool._replace(centre=scale[0], spread=scale[1])
    problem = take(pool, train, test)
    for part in (problem.train_x, problem.test_x):
        if np.isinf(part).any():
            column = rows.columns[int(np.argmax(np.isinf(part).any(0)))]
            raise ThawError(
                f"{rows.place}: column {column}: scaled, a value is too large for a "
                "number of 32 bits; scale by the problem's own train rows"
            )
    return problem


def _split_later(
    settings: Settings,
    pool: Pool,
    rows: Rows,
    source: Other | None,
    like: Other | None,
) -> Pool:
    """Return the pool with all that its splits follow from."""
    strata, largest = rows.labels.strata[0], 1
    if len(pool.groups):
        largest = int(np.bincount(pool.groups).max())
        strata = groups_in_strata(pool.groups, strata)
    if source and source.pool and _has_rows_of(pool, source.pool):
        # Split by other labels, test rows of the one were train rows of the other.
        strata = source.pool.strata
    train_size, test_size = sizes(rows.place, len(rows.x) - largest + 1, settings)
    pool = pool._replace(strata=strata, train_size=train_size, test_size=test_size)
    if "scale" not in settings:
        return pool
    if like and not like.pool:
        centre, spread = _scale_of(like, rows)
        return pool._replace(centre=centre, spread=spread)
    if like and like.pool:
        x = np.pad(like.pool.x, ((0, 0), (0, 1)))[:, _columns_of(like, rows)]
        pool = pool._replace(like=like.pool._replace(x=x, like=None))
    return pool._replace(scaled=~rows.one_hot)


def _has_rows_of(pool: Pool, other: Pool) -> bool:
    """Whether two pools have the same features, as they were read, and groups."""
    return np.array_equal(pool.digests, other.digests) and np.array_equal(
        pool.groups, other.groups
    )


def _scale_of(like: Other, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return by what another problem's train rows would scale these features."""
    columns, described = _columns_of(like, rows), like.description
    centre, spread = [*described.centre, 0], [*described.spread, 1]
    return np.array(centre)[columns], np.array(spread)[columns]


def _columns_of(like: Other, rows: Rows) -> list[int]:
    """Return where these features stand in another problem's.

    Those that are one-hot, and never scaled, stand behind its last one.
    """
    places = {name: place for place, name in enumerate(like.description.columns)}
    columns = []
    for name, is_one_hot in zip(rows.columns, rows.one_hot, strict=True):
        if not is_one_hot and name not in places:
            raise ThawError(
                f"{rows.place}: the column {name} is not one of {like.name}, by which "
                "it would be scaled"
            )
        columns.append(len(places) if is_one_hot else places[name])
    return columns


def _doubts(
    tables: Sequence[Table], description: Description, source: Other | None
) -> Iterator[str]:
    """Yield a warning of each column, class and category that looks wrong."""
    for table in tables:
        for name, why in doubts(table, description.categories):
            yield f"{WARNING}column {name} {why}; drop it?"
    # Classes that the source writes differently are new ones to the output.
    classes = [*description.classes, *(source.description.classes if source else [])]
    label = str(tables[0].labels.name)
    names = {label: [*dict.fromkeys(classes)], **description.categories}
    for column, values in names.items():
        yield from (f"{WARNING}column {column} {why}" for why in doubtful_names(values))


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
    features = f"features: {len(description.columns)}"
    if isinstance(problem, Pool):
        labels = _labels_in_words(problem.y, description)
        yield (
            f"{features}; rows: {len(problem.rows)} ({labels}), split anew for each "
            f"source model: {problem.train_size} train rows, {problem.test_size} test "
            "rows"
        )
        return
    train, test = (
        f"{len(y)} ({_labels_in_words(y, description)})"
        for y in (problem.train_y, problem.test_y)
    )
    yield f"{features}; train rows: {train}; test rows: {test}"


def _labels_in_words(y: np.ndarray, description: Description) -> str:
    if not description.classes:
        return f"labels {y.min():g} to {y.max():g}, mean {y.mean():g}"
    counts = zip(np.bincount(y), description.classes, strict=True)
    return ", ".join(f"{count} {name}" for count, name in counts)
