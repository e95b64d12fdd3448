"""Tables: rows as they came, and their features as numbers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.errors import ThawError, listed, refuse

# Above this, a float stands for several neighbouring whole numbers.
MOST_EXACT = 2**53


class Table(NamedTuple):
    """Rows as they came.

    features: a column a feature. The index numbers the rows as the file does, from 1.
    labels: text, with the same index; a missing one stays missing.
    groups: the same; None where rows are in no groups.
    place: what messages call it, a file's path or a function's name.
    named: whether the columns have names of their own, by which one can be dropped.
    files: of images, the file that each row of the index stands for, from row 1.
    """

    features: pd.DataFrame
    labels: pd.Series
    groups: pd.Series | None
    place: str
    named: bool
    files: Sequence[str] = ()

    def row(self, number: int) -> str:
        """Return what messages call a row."""
        return self.files[number - 1] if self.files else f"row {number}"


def choose(table: Table, settings: Mapping[str, Any]) -> Table:
    """Return the table without dropped features, and with rows of the `classes` only.

    Raises `ThawError` if nothing is left, or what is to be dropped is not there.
    """
    drop = settings.get("drop", [])
    require_columns(table.place, table.features.columns, {"drop": drop})
    features = table.features.drop(columns=drop)
    chosen = table._replace(features=features)
    if "classes" not in settings:
        return _kept(chosen, slice(None))
    return _kept(chosen, table.labels.isin([*map(str, settings["classes"])]))


def common(
    table: Table, shared: Collection[str], whose: str
) -> tuple[Table, list[str]]:
    """Return a table with the features that are `shared`, and the names of the others.

    Raises `ThawError` if none is; `whose` are those of the problem it shares them with.
    """
    names = [name for name in table.features if name in shared]
    if not names:
        raise ThawError(
            f"{table.place}: columns: common, but it shares no column with {whose}, "
            f"which has {listed(sorted(shared), 10)}"
        )
    others = [name for name in table.features if name not in shared]
    return table._replace(features=table.features[names]), others


def complete(table: Table) -> Table:
    """Return the table without rows that lack a feature.

    Raises `ThawError` if nothing is left.
    """
    return _kept(table, table.features.notna().all(axis=1))


def _kept(table: Table, rows: Any) -> Table:
    """Return some rows of a table; raises `ThawError` if nothing is left."""
    features, groups = table.features[rows], table.groups
    if features.empty:
        what = "feature" if len(features) else "row"
        raise ThawError(f"{table.place}: no {what} is left to learn from")
    groups = None if groups is None else groups[rows]
    return table._replace(features=features, labels=table.labels[rows], groups=groups)


def missing_in(tables: Sequence[Table]) -> str:
    """Say how many rows lack a feature, and how often each is missing."""
    missing = pd.concat([table.features.isna() for table in tables])
    columns = [f"{name} {rows}" for name, rows in missing.sum().items() if rows]
    found = f"{missing.any(axis=1).sum():,} of {len(missing):,} rows"
    return f"{found} ({listed(columns, 10)})" if columns else found


def require_columns(
    place: str, columns: Collection[str], asked: Mapping[str, Collection[str]]
) -> None:
    """Raise `ThawError` unless the columns that keys of the config name are there."""
    refuse(
        f"{place}: there is no column {name!r}, which {key} names. Its columns are "
        f"{listed([_with_blanks(str(one)) for one in columns])}"
        for key, names in asked.items()
        for name in names
        if name not in columns
    )


def _with_blanks(name: str) -> str:
    """Return a name, in quotes if blanks around it would not be seen."""
    return name if name == name.strip() else repr(name)


def numbered(count: int) -> list[str]:
    """Return names for features that have none."""
    return [f"feature {number}" for number in range(1, count + 1)]


def as_text(values: pd.Series) -> pd.Series:
    """Return labels, groups or categories as text, a whole number without a point.

    What is missing stays missing.
    """
    if values.isna().any():
        return as_text(values.dropna()).reindex(values.index)
    whole = pd.api.types.is_float_dtype(values) and (values == values.round()).all()
    if whole and (values.abs() < MOST_EXACT).all():
        values = values.astype("int64")
    return values.astype(str)


def encode(table: Table, categories: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return features as float64: first the numbers, then a column a category.

    That of the category `water` of `solvent` is called `solvent=water`.
    """
    numbers = table.features.drop(columns=[*categories]).astype(np.float64)
    ones = {
        f"{column}={one}": table.features[column] == one
        for column, known in categories.items()
        for one in known
    }
    frame = pd.DataFrame(ones, index=numbers.index, dtype=np.float64)
    return pd.concat([numbers, frame], axis=1)


def encoded_names(table: Table, categories: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of the columns that `encode` returns."""
    numbers = [name for name in table.features if name not in categories]
    ones = [f"{column}={one}" for column, known in categories.items() for one in known]
    return [*numbers, *ones]
