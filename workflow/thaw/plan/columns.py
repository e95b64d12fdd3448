"""Columns of a table that look like groups, identifiers, text or no features."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from thaw.data import SEPARATORS
from thaw.data.checks import MOSTLY, doubts
from thaw.data.tables import (
    DECIMAL_COMMA,
    Table,
    as_text,
    read_rows,
    require_columns,
    separator_in,
)
from thaw.errors import ThawError, listed

# A column that lacks a larger share of its values is dropped; of another one, the rows.
MOST_MISSING = 0.2

# A column of this name tells rows apart, and is no feature.
IDENTIFIER = re.compile(r"(?i:(^|[\W_])(id|key|nr|no|number|code))$|[a-z]I[Dd]$")

# A whole number, and one with commas between its thousands.
WHOLE = r"[-+]?\d+"
THOUSANDS = r"[-+]?[1-9]\d{0,2}(?:,\d{3})+"


class Rows(NamedTuple):
    """Rows of a file: those with a value in a column, or all.

    written: the keys of a problem that say how the file is written.
    """

    path: Path
    where: Mapping[str, str]
    written: Mapping[str, str] = {}

    def called(self, role: str) -> str:
        """Return a name for a problem of these rows; that of its role if need be."""
        return name_of("-".join(self.where.values()) or self.path.stem, role)


def name_of(text: str, default: str) -> str:
    """Return a name made of any text; the default if it holds no letter or digit."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    # Short enough for a study to be called from-NAME.
    return name[:90].rstrip("-") or default


def other_group(path: Path, column: str, value: str) -> tuple[str, list[str]]:
    """Return the largest group of rows with another value in a column, and the rest."""
    frame = _read(path, {column}, {}, how_written(path))
    counts = as_text(frame[column]).value_counts()
    if value not in counts or len(counts) == 1:
        who = "no row has" if value not in counts else "all rows have"
        raise ThawError(
            f"{path}: {who} {value!r} in the column {column}. It has "
            f"{listed(counts.index)}"
        )
    first, *rest = (name for name in counts.index if name != value)
    return first, rest


def _read(
    path: Path, text: set[str], where: Mapping[str, str], written: Mapping[str, str]
) -> pd.DataFrame:
    """Read a table's rows; raises `ThawError` if it lacks a column of `text`."""
    frame = read_rows(path, text, where, **written)
    require_columns(str(path), frame.columns, {"the command": text})
    return frame


def how_written(path: Path) -> dict[str, str]:
    """Return the keys that say how a text file is written, if it is not as usual.

    Raises `ThawError` if the file cannot be read.
    """
    if path.suffix not in SEPARATORS:
        return {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            mark = separator_in(lines.readline())
    except OSError as error:
        raise ThawError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ThawError(f"{path}: cannot be read as csv: {error}") from error
    keys = {} if mark == SEPARATORS[path.suffix] else {"separator": mark}
    frame = read_rows(path, (), {}, **keys)
    if any(_has_commas(frame[name]) for name in frame):
        keys["decimal"] = ","
    return keys


def _has_commas(column: pd.Series) -> bool:
    """Whether a column holds numbers with decimal commas, as text."""
    texts = column.dropna().astype(str)
    commas = texts.str.fullmatch(DECIMAL_COMMA)
    numbers = commas | texts.str.fullmatch(WHOLE)
    thousands = texts[commas].str.fullmatch(THOUSANDS)
    return bool(numbers.mean() > MOSTLY and not thousands.all())


def read_table(label: str, rows: Rows) -> Table:
    """Return the rows of a file, with this column as their labels."""
    frame = _read(rows.path, {label}, rows.where, rows.written)
    features = frame.drop(columns=[label, *rows.where])
    return Table(features, frame[label], None, str(rows.path), named=True)


def is_text(column: pd.Series) -> bool:
    """Whether a column holds words, not numbers with a slip of the pen among them."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    numbers = pd.to_numeric(column.dropna().astype(str), errors="coerce")
    return len(numbers) > 0 and numbers.notna().mean() <= MOSTLY


def repeating_column(table: Table) -> str:
    """Return the first column that names who a row is of, and repeats; "" if none."""
    rows = len(table.labels)
    for name, column in table.features.items():
        whole = is_text(column) or pd.api.types.is_integer_dtype(column)
        names = bool(IDENTIFIER.search(name)) or column.nunique() > rows / 2
        if whole and names and 1 < column.nunique() < rows:
            return name
    return ""


def rows_of_the_same(tables: Sequence[Table]) -> dict[str, int]:
    """Return how many rows of the second table are of someone in the first.

    They are counted by each column that names who a row is of, where there are any.
    """
    first, second = (table.features for table in tables)
    names = [name for name in second if name in first and IDENTIFIER.search(name)]
    counts = {
        name: int(second[name].isin(first[name].dropna()).sum()) for name in names
    }
    return {name: count for name, count in counts.items() if count}


def no_features(tables: Sequence[Table]) -> dict[str, str]:
    """Return which columns are no features, and why."""
    reasons: dict[str, str] = {}
    for table, other in (tables, tables[::-1]):
        words = [name for name in table.features if is_text(table.features[name])]
        reasons |= dict(doubts(table, words))
        for name, column in table.features.items():
            if IDENTIFIER.search(name):
                reasons[name] = "tells rows apart, by its name"
            elif name == other.labels.name:
                reasons[name] = "is the other's label"
            elif name not in other.features:
                reasons[name] = "is in one of the two only"
            elif pd.api.types.is_datetime64_any_dtype(column):
                reasons[name] = "holds dates"
            elif (missing := column.isna()).mean() > MOST_MISSING:
                rows = f"{missing.sum():,} of {len(column):,} rows"
                reasons[name] = f"is missing in {rows} of one of the two"
            elif column.nunique() == 1:
                value = column.dropna().iloc[0]
                reasons[name] = f"is {value} in all rows of one of the two"
    return reasons
