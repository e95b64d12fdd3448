"""Checks of a table: mistakes, all at once, and doubts, each with its place.

Nothing is repaired here: no value is filled in, no text is taken for a number.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.data.tables import DECIMAL_COMMA, Table
from thaw.errors import listed, refuse

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

# pandas' name for a column without one; the column's number follows.
NAMELESS = "Unnamed: "

# Words that often stand for a missing value.
ABSENT = ("", "-", "?", "na", "n/a", "nan", "none", "null")

LARGEST = float(np.finfo(np.float32).max)

# An embedding has a row for each token up to the largest; float32 holds these, too.
LARGEST_TOKEN = 2**24

# A label beyond this is a slip; so is a number of the unit next to nothing.
LARGEST_LABEL = 1e30


def wrong_features(
    table: Table, categorical: Collection[str], fills: bool = False
) -> Iterator[str]:
    """Yield what is wrong with each column: a value not there, or not a number.

    Where one `fills` them, some numbers of a column may be missing.

    A column with a name of its own must not be the same in all rows.
    """
    types = pd.api.types
    for name, values in table.features.items():
        place = f"{table.place}: column {name}"
        if table.named and name.startswith(NAMELESS):
            yield (
                f"{place} has no name in the file; give it one, or name it so under "
                "drop"
            )
            continue
        missing = values.isna()
        words = name in categorical
        if not fills or words or missing.all():
            remedy = "give them, drop the column, or choose missing: {drop: rows}"
            if words:
                remedy += ", because fill takes numbers only"
            elif not fills:
                remedy += " or {fill: median}"
            yield from _counted(table, values, missing, "missing", remedy)
        # Without what is missing, a column may hold nothing but true and false.
        column = values.dropna().infer_objects()
        if words or column.empty:
            continue
        if types.is_datetime64_any_dtype(column):
            yield f"{place} holds dates; drop it, or make numbers of it"
        elif types.is_any_real_numeric_dtype(column) or types.is_bool_dtype(column):
            # In numbers of 16 bits, the largest of 32 bits would be infinite.
            too_large = ~(column.astype(np.float64).abs() <= LARGEST)
            what = "not finite numbers, or too large for ones of 32 bits"
            yield from _counted(table, column, too_large, what, "correct them")
            if table.named and len(column) > 1 and (column == column.iloc[0]).all():
                yield (
                    f"{place} is {column.iloc[0]} in every row, and says nothing; name "
                    "it under drop"
                )
        else:
            wrong = pd.to_numeric(column.astype(str), errors="coerce").isna()
            remedy = "make them numbers, or empty where missing"
            if table.named:
                remedy += ", or name the column under categorical or drop"
            remedy = _decimal_comma(column[wrong]) or remedy
            yield from _counted(table, column, wrong, "not numbers", remedy)
            # Decimals of a database are numbers, of an odd type.
            if not wrong.any() and types.infer_dtype(column) != "decimal":
                remedy = "make them numbers"
                if table.named:
                    remedy = "correct the row that has no number there, or a decimal "
                    remedy += "mark that is not the problem's, or drop the column"
                yield (
                    f"{place} holds numbers as text, such as {column.iloc[0]!r}; "
                    f"{remedy}"
                )


def wrong_tokens(table: Table) -> Iterator[str]:
    """Yield what is wrong with columns of numbers that are to be tokens."""
    for _, values in table.features.items():
        column = pd.to_numeric(values, errors="coerce").astype(np.float64)
        # Missing values and text are reported as for any feature.
        wrong = column.notna() & ~are_tokens(column)
        what = f"no tokens: whole numbers from 0 to {LARGEST_TOKEN:,}"
        yield from _counted(table, values, wrong, what, "number them from 0")


def are_tokens(x: Any) -> Any:
    """Return which numbers, of a column or an array, are tokens."""
    return (x >= 0) & (x <= LARGEST_TOKEN) & (x == np.floor(x))


def wrong_names(table: Table) -> Iterator[str]:
    """Yield what is wrong with labels and groups of any kind: one is missing."""
    for values in (table.labels, table.groups):
        if values is not None:
            remedy = "give them, or leave the rows out"
            yield from _counted(table, values, values.isna(), "missing", remedy)


def wrong_categories(
    table: Table, categories: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Yield which categories are not among those that are known of each column."""
    for name, known in categories.items():
        values = table.features[name].dropna()
        what = "categories that the source does not know"
        remedy = "leave the rows out, or drop the column in both"
        yield from _counted(table, values, ~values.isin([*known]), what, remedy)


def wrong_columns(
    place: str,
    names: Collection[str],
    columns: Collection[str],
    whose: str,
    may_share: bool,
) -> Iterator[str]:
    """Yield which columns differ from those of the problem `whose`, on both sides.

    may_share: whether the problem could take the columns in common.
    """
    here, there = {*names}, {*columns}
    only = (
        (place, [name for name in names if name not in there]),
        (whose, [name for name in columns if name not in here]),
    )
    parts = [f"{who} only: {listed(left, 10)}" for who, left in only if left]
    if parts:
        remedy = "rename them, or name them under drop"
        if may_share and here & there:
            remedy += ", or take those of both (columns: common)"
        yield (
            f"{place}: its columns are not those of {whose} ({'; '.join(parts)}); "
            f"{remedy}"
        )


def are_measured(labels: pd.Series) -> bool:
    """Whether labels are numbers, too many different ones to be classes."""
    rows = labels.value_counts()
    most = MOST_NUMBERS_IF_RARE if rows.min() == 1 else MOST_NUMBERS
    return _as_numbers(rows.index).notna().mean() > MOSTLY and len(rows) > most


def _as_numbers(names: Iterable[str]) -> pd.Series:
    """Return the numbers that names are; what is none is missing."""
    return pd.to_numeric(pd.Series(names, dtype=object), errors="coerce")


def wrong_classes(tables: Sequence[Table], wanted: Sequence[str]) -> Iterator[str]:
    """Yield why the labels are no classes, or not those that are `wanted`."""
    place = tables[0].place
    labels = pd.concat([table.labels for table in tables])
    rows = labels.value_counts()
    if are_measured(labels) and not tables[0].files:
        odd = rows.index[_as_numbers(rows.index).isna()]
        but = ""
        if len(odd):
            row = labels.index[labels == odd[0]][0]
            but = f" (but for {odd[0]!r} in row {row}: correct it first)"
        yield (
            f"{place}: the label has {len(rows)} distinct numbers{but}, which looks "
            "like a measurement; give the problem task: regression, or bins: 3 for "
            "classes by quantiles"
        )
        return
    absent = [name for name in wanted if name not in rows]
    yield from (f"{place}: no row has the class {name!r}" for name in absent)
    if len(rows) < 2 and not absent:
        yield (
            f"{place}: all rows belong to class {rows.index[0]!r}; at least two "
            "classes are needed"
        )
    for name in sorted(rows.index[rows < 2]):
        row = labels.index[labels == name][0]
        yield (
            f"{place}: class {name!r} has one row ({tables[0].row(row)}); one to train "
            "on and one to test on are the least"
        )


def class_names(tables: Sequence[Table], wanted: Sequence[str]) -> list[str]:
    """Return the classes' names in order: as `wanted`, or else by number or text."""
    if wanted:
        return list(wanted)
    names = pd.concat([table.labels for table in tables]).value_counts().index
    numbers = _as_numbers(names)
    if numbers.notna().all():
        return list(names[np.argsort(numbers, kind="stable")])
    return sorted(names)


def wrong_numbers(table: Table) -> Iterator[str]:
    """Yield what is wrong with labels that are to be numbers."""
    labels = table.labels
    numbers = [_number(text) for text in labels]
    none = pd.Series([number is None for number in numbers], labels.index)
    far = [
        number is not None and not abs(number) <= LARGEST_LABEL for number in numbers
    ]
    remedy = "correct them, or leave the rows out"
    what = "not numbers, which task: regression and bins take"
    mark = _decimal_comma(labels[none])
    yield from _counted(table, labels, none, what, mark or remedy)
    what = "not finite numbers, or too large"
    yield from _counted(table, labels, pd.Series(far, labels.index), what, remedy)


def numbers_of(table: Table) -> np.ndarray:
    """Return a table's labels, which nothing is wrong with, as float64 `[rows]`."""
    return np.array([*map(_number, table.labels)], np.float64)


def _number(text: str) -> float | None:
    """Return the number that a text is, if it is one."""
    try:
        # Python would take underscores for part of a number.
        return float(text.replace("_", "?"))
    except ValueError:
        return None


def _decimal_comma(values: pd.Series) -> str:
    """Return the remedy for numbers with decimal commas; empty if there are none."""
    if values.astype(str).str.fullmatch(DECIMAL_COMMA).any():
        return 'where a comma is the decimal mark, write decimal: "," in the problem'
    return ""


def _counted(
    table: Table, values: pd.Series, wrong: pd.Series, what: str, remedy: str
) -> Iterator[str]:
    """Yield how many values of a table's column are wrong; see `wrong_values`."""
    total = len(table.features)
    yield from wrong_values(table.place, total, values, wrong, what, remedy)


def wrong_values(
    place: str, total: int, values: pd.Series, wrong: pd.Series, what: str, remedy: str
) -> Iterator[str]:
    """Yield how many values of a column are wrong, if any, and the first of them.

    total: the rows of the table, of which `values` may be some.
    """
    if wrong.any():
        row = wrong.idxmax()
        yield (
            f"{place}: column {values.name}: {wrong.sum():,} of {total:,} {what}, "
            f"first {_quoted(values[row])}in row {row}; {remedy}"
        )


def _quoted(value: object) -> str:
    """Return a value with a space behind it; nothing if it is missing."""
    if isinstance(value, str):
        return f"{value!r} "
    return "" if pd.isna(value) else f"{value} "


def check_parts(
    place: str, names: Sequence[str], train: np.ndarray, test: np.ndarray
) -> None:
    """Raise `ThawError` if classes are missing from the train or the test labels."""
    refuse(
        f"{place}: no {part} row has the class {name!r}; another split (shuffle, "
        "train_size, test_size) may have some"
        for part, labels in (("train", train), ("test", test))
        for label, name in enumerate(names)
        if not (labels == label).any()
    )


def doubts(table: Table, categorical: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each column that looks like an identifier or a date, and why it does."""
    rows = len(table.features)
    if not table.named or rows < FEWEST_ROWS:
        return
    for name, column in table.features.items():
        if name in categorical:
            if column.nunique() > rows / 2:
                many = f"{column.nunique()} categories in {rows} rows"
                first = column.dropna().iloc[0]
                yield name, f"has {many}, such as {first!r}, as an identifier has"
        elif not pd.api.types.is_integer_dtype(column):
            continue
        elif column.between(FIRST_DAY, LAST_DAY).all() and not (
            pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce")
            .isna()
            .any()
        ):
            yield name, "looks like a date"
        elif column.is_unique and column.max() - column.min() < 2 * rows:
            yield name, "is another whole number in each row, as an identifier is"


def doubtful_names(names: Sequence[str]) -> Iterator[str]:
    """Yield what is doubtful about the classes or categories of a column."""
    for name in names:
        if name.strip().casefold() in ABSENT:
            yield f"has {name!r}, which may mean a missing value; leave the rows out?"
    if len(names) == 1:
        yield f"has the category {names[0]!r} in every row, and says nothing; drop it?"
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(" ".join(name.split()).casefold(), []).append(name)
    for same in alike.values():
        if len(same) > 1:
            named = listed([repr(name) for name in same])
            yield f"has {named}, which differ in case or blanks only; write them alike?"
