"""Checks of a table: errors and doubts, each with its place.

Nothing is repaired here: no value is filled in, no text is taken for a number.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd

from thaw.data.table import Table
from thaw.errors import ThawError

# Labels with more distinct numbers than this are measurements, not classes.
MOST_NUMBERS = 100

# So are labels with more than this where one number stands in a single row.
MOST_NUMBERS_IF_RARE = 10

# A measurement may have a slip of the pen among its values.
MOSTLY = 0.9

# Too few rows to guess at the meaning of a column.
FEWEST_ROWS = 20

# A date written as a whole number, 20240131.
FIRST_DAY, LAST_DAY = 19000101, 21001231

LARGEST = float(np.finfo(np.float32).max)

# A label beyond this is a slip; so is a number of the unit next to nothing.
LARGEST_LABEL = 1e30


def check_features(table: Table, categorical: Collection[str]) -> None:
    """Raise `ThawError` unless every value is there and, if no category, a number.

    A column with a name of its own must not be the same in all rows.
    """
    types = pd.api.types
    for name, column in table.features.items():
        place = f"{table.place}: column {name}"
        missing = column.isna()
        if missing.any():
            raise ThawError(
                f"{place}, row {missing.idxmax()}: a value is missing; give it one, "
                "leave the row out, or drop the column"
            )
        if name in categorical:
            continue
        if types.is_datetime64_any_dtype(column):
            raise ThawError(f"{place} holds dates; drop it, or make numbers of it")
        if not (types.is_any_real_numeric_dtype(column) or types.is_bool_dtype(column)):
            wrong = pd.to_numeric(column.astype(str), errors="coerce").isna()
            row = wrong.idxmax() if wrong.any() else column.index[0]
            raise ThawError(
                f"{place}, row {row}: {column[row]!r} is not a number; make it one, or "
                "name the column under categorical or drop"
            )
        too_large = ~(column.abs() <= LARGEST)
        if too_large.any():
            row = too_large.idxmax()
            raise ThawError(
                f"{place}, row {row}: {column[row]} is not a finite number, or too "
                "large for one of 32 bits"
            )
        if table.named and len(column) > 1 and (column == column.iloc[0]).all():
            raise ThawError(
                f"{place} is {column.iloc[0]} in every row, and says nothing; name it "
                "under drop"
            )


def class_names(tables: Sequence[Table], asked: Sequence[str]) -> list[str]:
    """Return the classes' names in order: as `asked`, or else by number or text.

    Raises `ThawError` if the labels are no classes.
    """
    place = tables[0].place
    labels = pd.concat([table.labels for table in tables])
    rows = labels.value_counts()
    numbers = pd.to_numeric(pd.Series(rows.index, dtype=object), errors="coerce")
    most = MOST_NUMBERS_IF_RARE if rows.min() == 1 else MOST_NUMBERS
    if numbers.notna().mean() > MOSTLY and len(rows) > most:
        odd = rows.index[numbers.isna()]
        but = ""
        if len(odd):
            row = labels.index[labels == odd[0]][0]
            but = f" (but for {odd[0]!r} in row {row}: correct it first)"
        raise ThawError(
            f"{place}: the label has {len(rows)} distinct numbers{but}, which looks "
            "like a measurement; give the problem task: regression, or bins: 3 for "
            "classes by quantiles"
        )
    for name in asked:
        if name not in rows:
            raise ThawError(f"{place}: no row has the class {name!r}")
    if len(rows) < 2:
        raise ThawError(
            f"{place}: all rows belong to class {rows.index[0]!r}; at least two "
            "classes are needed"
        )
    if rows.min() < 2:
        name = rows.idxmin()
        row = labels.index[labels == name][0]
        raise ThawError(
            f"{place}: class {name!r} has one row (row {row}); one to train on and one "
            "to test on are the least"
        )
    if asked:
        return list(asked)
    if numbers.notna().all():
        return list(rows.index[np.argsort(numbers, kind="stable")])
    return sorted(rows.index)


def numbers_of(table: Table) -> np.ndarray:
    """Return a table's labels as numbers, float64 `[rows]`.

    Raises `ThawError` unless each is a finite number.
    """
    found = []
    for row, text in table.labels.items():
        place = f"{table.place}: column {table.labels.name}, row {row}"
        try:
            # Python would take underscores for part of a number.
            number = float(text.replace("_", "?"))
        except ValueError:
            raise ThawError(
                f"{place}: the label {text!r} is not a number, which task: regression "
                "and bins take; correct it, or leave the row out"
            ) from None
        if not abs(number) <= LARGEST_LABEL:
            raise ThawError(
                f"{place}: the label {text} is not a finite number, or too large; "
                "correct it, or leave the row out"
            )
        found.append(number)
    return np.array(found)


def check_parts(
    place: str, names: Sequence[str], train: np.ndarray, test: np.ndarray
) -> None:
    """Raise `ThawError` if a class is missing from the train or the test labels."""
    for part, labels in (("train", train), ("test", test)):
        counts = np.bincount(labels, minlength=len(names))
        for name, count in zip(names, counts, strict=True):
            if not count:
                raise ThawError(
                    f"{place}: no {part} row has the class {name!r}; another split "
                    "(shuffle, train_size, test_size) may have some"
                )


def doubts(table: Table, categorical: Collection[str]) -> Iterator[str]:
    """Yield a word on each column that looks like an identifier or a date."""
    rows = len(table.features)
    if not table.named or rows < FEWEST_ROWS:
        return
    for name, column in table.features.items():
        if name in categorical:
            if column.nunique() > rows / 2:
                yield (
                    f"column {name} has {column.nunique()} categories in {rows} rows, "
                    "as an identifier has; drop it?"
                )
        elif not pd.api.types.is_integer_dtype(column):
            continue
        elif column.between(FIRST_DAY, LAST_DAY).all() and not (
            pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce")
            .isna()
            .any()
        ):
            yield f"column {name} looks like a date; drop it?"
        elif column.is_unique and column.max() - column.min() < 2 * rows:
            yield (
                f"column {name} is another whole number in each row, as an identifier "
                "is; drop it?"
            )
