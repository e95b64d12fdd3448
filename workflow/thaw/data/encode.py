"""Features as numbers: categories one-hot encoded, columns in the source's order."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from thaw.data.table import Table
from thaw.errors import ThawError

# A message names so many of the columns that differ.
MOST_NAMED = 10


def join_categories(
    found: Iterable[Mapping[str, Iterable[str]]], columns: Sequence[str]
) -> dict[str, list[str]]:
    """Return the categories of these columns that were found anywhere, sorted."""
    everywhere = list(found)
    return {
        column: sorted({one for part in everywhere for one in part.get(column, ())})
        for column in columns
    }


def encode(table: Table, categories: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return features as float64: first the numbers, then a column a category.

    That of the category `water` of `solvent` is called `solvent=water`.
    Raises `ThawError` if there is an unknown category.
    """
    for column, known in categories.items():
        new = ~table.features[column].isin(known)
        if new.any():
            row = new.idxmax()
            raise ThawError(
                f"{table.place}: column {column}, row {row}: the source does not know "
                f"the category {table.features[column][row]!r}"
            )
    numbers = table.features.drop(columns=[*categories]).astype(np.float64)
    if not categories:
        return numbers
    ones = pd.get_dummies(
        pd.DataFrame(
            {
                column: pd.Categorical(table.features[column], known)
                for column, known in categories.items()
            },
            index=table.features.index,
        ),
        prefix_sep="=",
        dtype=np.float64,
    )
    return pd.concat([numbers, ones], axis=1)


def one_hot_columns(categories: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the names of the columns that `encode` makes of categories."""
    return {f"{column}={one}" for column, known in categories.items() for one in known}


def in_order(
    features: pd.DataFrame, place: str, columns: Sequence[str], whose: str
) -> pd.DataFrame:
    """Return the features in the order of `columns`, those of the problem `whose`.

    Raises `ThawError` that names the columns which differ, on both sides.
    """
    theirs, ours = set(columns), set(features.columns)
    if theirs == ours:
        return features[list(columns)]
    parts = [
        f"{who} only: {', '.join(names[:MOST_NAMED])}"
        + (", …" if len(names) > MOST_NAMED else "")
        for who, names in (
            (place, [name for name in features if name not in theirs]),
            (whose, [name for name in columns if name not in ours]),
        )
        if names
    ]
    raise ThawError(
        f"{place}: its columns are not those of {whose} ({'; '.join(parts)}); rename "
        "them, or name them under drop"
    )
