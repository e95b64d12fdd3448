"""A table: rows as they came, before anything is encoded, split or scaled."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import pandas as pd

from thaw.errors import ThawError

# A message names so many of a table's columns, or of a column's values.
MOST_NAMED = 20


class Table(NamedTuple):
    """Rows as they came.

    features: a column a feature. The index numbers the rows as the file does, from 1.
    labels: text, with the same index.
    groups: text, with the same index; None where rows are in no groups.
    place: what messages call it, a file's path or a function's name.
    named: whether the columns have names of their own, by which one can be dropped.
    """

    features: pd.DataFrame
    labels: pd.Series
    groups: pd.Series | None
    place: str
    named: bool


def choose(table: Table, settings: Mapping[str, Any]) -> Table:
    """Return the table without dropped features, and with rows of the `classes` only.

    Raises `ThawError` if nothing is left, or what is to be dropped is not there.
    """
    drop = settings.get("drop", [])
    require_columns(table.place, table.features.columns, "drop", drop)
    features = table.features.drop(columns=drop)
    labels, groups = table.labels, table.groups
    if "classes" in settings:
        kept = labels.isin([*map(str, settings["classes"])])
        features, labels = features[kept], labels[kept]
        groups = None if groups is None else groups[kept]
    if features.empty:
        what = "feature" if len(features) else "row"
        raise ThawError(f"{table.place}: no {what} is left to learn from")
    return table._replace(features=features, labels=labels, groups=groups)


def require_columns(
    place: str, columns: Collection[str], key: str, names: Collection[str]
) -> None:
    """Raise `ThawError` unless the columns that a key of the config names are there."""
    for name in names:
        if name not in columns:
            raise ThawError(
                f"{place}: there is no column {name!r}, which {key} names. Its columns "
                f"are {listed(columns)}"
            )


def listed(names: Collection[str]) -> str:
    """Return the names, or the first of many, for a message."""
    more = ", …" if len(names) > MOST_NAMED else ""
    return ", ".join([*names][:MOST_NAMED]) + more


def numbered(count: int) -> list[str]:
    """Return names for features that have none."""
    return [f"feature {number}" for number in range(1, count + 1)]


def as_text(values: pd.Series, place: str) -> pd.Series:
    """Return labels, groups or categories as text, a whole number without a point.

    Raises `ThawError` if one is missing.
    """
    missing = values.isna()
    if missing.any():
        raise ThawError(
            f"{place}: column {values.name}, row {missing.idxmax()}: a value is "
            "missing; give it one, or leave the row out"
        )
    if pd.api.types.is_float_dtype(values) and (values == values.round()).all():
        values = values.astype("int64")
    return values.astype(str)
