"""Make a problem: read or generate its rows, then encode, split and scale them."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from thaw.data.checks import check_features, doubts
from thaw.data.files import read_categories, read_table
from thaw.data.labels import labels_of
from thaw.data.problem import Description, Problem, digests_of_rows
from thaw.data.split import some, split
from thaw.data.table import Table, as_text, choose, encode, in_order, numbered
from thaw.data.transforms import transform
from thaw.errors import ThawError

Settings = Mapping[str, Any]


class Other(NamedTuple):
    """Another problem that this one depends on; `name` is for messages."""

    name: str
    description: Description


def make_problem(
    settings: Settings,
    files: Sequence[Path] = (),
    joined: Sequence[Path] = (),
    source: Other | None = None,
    like: Other | None = None,
) -> tuple[Problem, Description]:
    """Make the problem that the settings describe.

    files: the file and, where there is one, the test file.
    joined: the files of a partner whose categories count too.
    source: the problem whose columns this one must have, in that order.
    like: the problem by whose train rows features are scaled.

    Raises `ThawError` if the data are not as the settings say.
    """
    tables = [choose(table, settings) for table in _tables(settings, files)]
    place, categorical = tables[0].place, settings.get("categorical", [])
    for table in tables:
        check_features(table, categorical)
    labels = labels_of(tables, settings)
    categories = _categories(settings, tables, joined, source)
    encoded = [encode(table, categories) for table in tables]
    columns, whose = list(encoded[0].columns), place
    if source:
        columns, whose = list(source.description.columns), source.name
    features = [
        in_order(frame, table.place, columns, whose)
        for frame, table in zip(encoded, tables, strict=True)
    ]
    shape = settings.get("shape", [])
    if shape and math.prod(shape) != len(columns):
        raise ThawError(
            f"{place}: shape {shape} takes {math.prod(shape)} features, and there are "
            f"{len(columns)}"
        )

    transforms = settings.get("transforms", [])
    as_read = [frame.to_numpy() for frame in features]
    x = [transform(rows, shape, transforms, part) for part, rows in enumerate(as_read)]
    train, test = _parts(settings, tables, labels.strata)
    train_x, test_x = x[0][train], x[-1][test]
    train_y, test_y = labels.parts(train, test)
    test_rows = tables[-1].labels.index.to_numpy(np.int64)[test]
    test_groups = _numbers_of_groups(tables[-1], test)

    one_hot = {f"{name}={one}" for name, known in categories.items() for one in known}
    scaler = StandardScaler().fit(train_x)
    left = np.array([name in one_hot for name in columns])
    centre = np.where(left, 0, scaler.mean_)
    spread = np.where(left, 1, scaler.scale_)
    description = Description(
        columns, labels.names, categories, centre.tolist(), spread.tolist(), shape, []
    )
    if "scale" in settings:
        by = _scale_of(like, place, columns, one_hot) if like else (centre, spread)
        train_x, test_x = (train_x - by[0]) / by[1], (test_x - by[0]) / by[1]
    with np.errstate(over="ignore"):  # told below
        train_x, test_x = train_x.astype(np.float32), test_x.astype(np.float32)
    classes = len(labels.names)
    problem = Problem(
        *(train_x, train_y, test_x, test_y, test_rows, classes, labels.task),
        test_groups,
        *(digests_of_rows(as_read[0][train]), digests_of_rows(as_read[-1][test])),
    )
    for part in (train_x, test_x):
        if not np.isfinite(part).all():
            column = columns[np.argmin(np.isfinite(part).all(0))]
            raise ThawError(
                f"{place}: column {column}: scaled, a value is too large for a number "
                "of 32 bits; scale by the problem's own train rows"
            )
    notes = [*_notes(settings, description, problem, like)]
    notes += [
        f"warning: {doubt}" for table in tables for doubt in doubts(table, categorical)
    ]
    return problem, description._replace(notes=notes)


def _tables(settings: Settings, files: Sequence[Path]) -> list[Table]:
    """Read the files, or call the function that the settings name."""
    if "file" in settings:
        return [read_table(path, settings) for path in files]
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
    labels = as_text(pd.Series(y).set_axis(index), function)
    return Table(x.set_axis(index), labels, None, function, named=False)


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
    found = [{name: set(table.features[name]) for name in columns} for table in tables]
    rows = settings.get("joined", {}).get("rows", {})
    found += [read_categories(path, columns, rows) for path in joined]
    return {
        name: sorted({one for part in found for one in part.get(name, ())})
        for name in columns
    }


def _parts(
    settings: Settings, tables: Sequence[Table], y: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the train rows of the first table and the test rows of the last one."""
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


def _scale_of(
    like: Other, place: str, columns: Sequence[str], one_hot: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return by what another problem's train rows would scale these features."""
    theirs = like.description
    known = dict(
        zip(theirs.columns, zip(theirs.centre, theirs.spread, strict=True), strict=True)
    )
    known |= dict.fromkeys(one_hot, (0, 1))
    missing = [name for name in columns if name not in known]
    if missing:
        raise ThawError(
            f"{place}: the column {missing[0]} is not one of {like.name}, by which it "
            "would be scaled"
        )
    centre, spread = np.array([known[name] for name in columns]).T
    return centre, spread


def _notes(
    settings: Settings, description: Description, problem: Problem, like: Other | None
) -> Iterator[str]:
    """Yield in words what was dropped, encoded, split and scaled."""
    if settings.get("drop"):
        yield f"dropped: {', '.join(settings['drop'])}"
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
    counts = []
    for y in (problem.train_y, problem.test_y):
        if description.classes:
            rows = zip(np.bincount(y), description.classes, strict=True)
            counts.append(", ".join(f"{count} {name}" for count, name in rows))
        else:
            counts.append(f"labels {y.min():g} to {y.max():g}, mean {y.mean():g}")
    yield (
        f"features: {len(description.columns)}; train rows: {len(problem.train_y)} "
        f"({counts[0]}); test rows: {len(problem.test_y)} ({counts[1]})"
    )
