"""Tables: rows from the user's files, read by pandas and NumPy, and as numbers."""

import json
import math
import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.data import ARRAYS, PARQUET, SEPARATORS, TABLES, WRITTEN
from thaw.errors import ThawError, listed, refuse

# NumPy's errors for what is no archive of these arrays, is damaged, or is too large.
NOT_READ = (
    *(OSError, ValueError, TypeError, LookupError, EOFError, MemoryError),
    zipfile.BadZipFile,
)

# Characters that may separate values.
SEPARATING = (",", ";", "\t", "|")

# A number with a decimal comma.
DECIMAL_COMMA = r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)"

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
    shape: how a row's features were arranged, if not in a line.
    """

    features: pd.DataFrame
    labels: pd.Series
    groups: pd.Series | None
    place: str
    named: bool
    files: Sequence[str] = ()
    shape: Sequence[int] = ()

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
    rest = [name for name in table.features if name not in shared]
    return table._replace(features=table.features[names]), rest


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
    rows = f"{missing.any(axis=1).sum():,} of {len(missing):,} rows"
    return f"{rows} ({listed(columns, 10)})" if columns else rows


def require_columns(
    place: str, columns: Collection[str], keys: Mapping[str, Collection[str]]
) -> None:
    """Raise `ThawError` unless the columns that keys of the config name are there."""
    refuse(
        f"{place}: there is no column {name!r}, which {key} names. Its columns are "
        f"{listed([_with_blanks(str(column)) for column in columns])}"
        for key, names in keys.items()
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

    Missing values stay missing.
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
        f"{column}={value}": table.features[column] == value
        for column, known in categories.items()
        for value in known
    }
    frame = pd.DataFrame(ones, index=numbers.index, dtype=np.float64)
    return pd.concat([numbers, frame], axis=1)


def encoded_names(table: Table, categories: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of the columns that `encode` returns."""
    numbers = [name for name in table.features if name not in categories]
    ones = [
        f"{column}={value}" for column, known in categories.items() for value in known
    ]
    return [*numbers, *ones]


def read_table(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read the rows of a file that a problem's settings choose.

    Its columns of categories are read as text.
    Raises `ThawError` if the file cannot be read, or is not as the settings say.
    """
    read = _read_arrays if path.suffix == ARRAYS else _read_columns
    return read(path, settings)


def _read_columns(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read a table with named columns."""
    label, group = settings["label"], settings.get("group")
    rows, categorical = settings.get("rows", {}), settings.get("categorical", [])
    text = {label, group, *categorical} - {None}
    frame = read_rows(path, text, rows, **written(settings))
    keys = {
        "label": [label],
        "group": [group] * bool(group),
        "categorical": categorical,
        "drop": settings.get("drop", []),
    }
    require_columns(str(path), frame.columns, keys)
    features = frame.drop(columns=[*{label, group, *rows} & {*frame.columns}])
    for name in categorical:
        features[name] = as_text(features[name])
    groups = as_text(frame[group]) if group else None
    return Table(features, as_text(frame[label]), groups, str(path), named=True)


def read_categories(
    path: Path, columns: Collection[str], settings: Mapping[str, Any]
) -> dict[str, set[str]]:
    """Return the values of these columns of a file, in the rows that it is read for.

    `settings` are those of its problem that say which rows, and how it is written.
    """
    if path.suffix == ARRAYS:
        return {}
    frame = read_rows(path, columns, settings.get("rows", {}), **written(settings))
    return {
        name: set(as_text(frame[name].dropna()))
        for name in columns
        if name in frame.columns
    }


def written(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a problem that say how its text files are written."""
    return {key: settings[key] for key in WRITTEN if key in settings}


def features_in(paths: Sequence[Path], settings: Mapping[str, Any]) -> set[str]:
    """Return the columns of a problem's files that may be features."""
    apart = {settings["label"], settings.get("group"), *settings.get("drop", [])}
    apart |= {*settings.get("rows", {})}
    frames = [read_rows(path, (), {}, **written(settings)) for path in paths]
    return set.intersection(*({*frame.columns} for frame in frames)) - apart


def read_rows(
    path: Path,
    text: Collection[str],
    rows: Mapping[str, Any],
    separator: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read a file's rows, numbered from 1, that have the values that `rows` names.

    The columns of `text` are read as text, in which numbers get a decimal point.
    Raises `ThawError` if the file is no table, cannot be read, or has no such rows.
    """
    if path.suffix not in TABLES:
        raise ThawError(
            f"{path}: it is no table with named columns. Allowed: {listed(TABLES)}"
        )
    try:
        if path.suffix == PARQUET:
            frame = _read_parquet(path)
        else:
            sep = separator or SEPARATORS[path.suffix]
            frame = _read_text(path, {*text, *rows}, sep, decimal)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise _unreadable(path, error) from error
    require_columns(str(path), frame.columns, {"rows": rows})
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    for name, value in rows.items():
        frame = frame[frame[name].notna()]
        values = as_text(frame[name])
        frame = frame[values == str(value)]
        if frame.empty:
            raise ThawError(
                f"{path}: no row has {value!r} in the column {name}. It has "
                f"{listed(values.unique()) or 'no value'}"
            )
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    with path.open("rb") as file:  # pandas would take some names for addresses
        frame = pd.read_parquet(file, engine="pyarrow")
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = frame.columns.astype(str)
    for name in frame:
        match pd.api.types.infer_dtype(frame[name]):
            case "bytes":
                frame[name] = frame[name].str.decode("utf-8", "backslashreplace")
            case "mixed":  # lists, say, which pandas cannot compare
                frame[name] = frame[name].map(str, na_action="ignore")
    return frame


def _read_text(
    path: Path, text: Collection[str], sep: str, decimal: str
) -> pd.DataFrame:
    """Read the columns of a text file; for the rest see `read_rows`."""
    how: dict[str, Any] = {
        "sep": sep,
        # Empty is missing. A word such as NA may be a label.
        "keep_default_na": False,
        "na_values": [""],
    }
    with (
        # Without the mark that spreadsheets put first.
        path.open(encoding="utf-8-sig", newline="") as file,
        warnings.catch_warnings(),
    ):
        header = pd.read_csv(file, header=None, nrows=1, dtype=str, **how).iloc[0]
        if len(header) == 1 and (mark := separator_in(header[0])) != sep:
            raise ValueError(
                f"it is separated by {mark!r}, not by {sep!r}; write separator: "
                f"{json.dumps(mark)} in the problem"
            )
        # pandas would give a column that stands twice another name.
        for name in header[header.duplicated()].dropna():
            raise ValueError(f"the column {name} stands twice")
        # pandas only warns that it leaves out fields beyond the header's.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        file.seek(0)
        # In chunks pandas might take parts of a column for another type.
        frame = pd.read_csv(
            file,
            index_col=False,
            dtype=dict.fromkeys(text, str),
            low_memory=False,
            decimal=decimal,
            **how,
        )
    if decimal == ",":
        # Also where a word among numbers made them text.
        words = [n for n in frame if pd.api.types.infer_dtype(frame[n]) == "string"]
        for name in words:
            frame[name] = frame[name].str.replace(
                f"^{DECIMAL_COMMA}$", r"\1.\2", regex=True
            )
    return frame


def separator_in(header: object) -> str:
    """Return the character that separates a line's names, by how often it is there."""
    return max(SEPARATING, key=str(header).count)


def _read_arrays(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read X `[rows, …]` and y `[rows]` from a NumPy archive."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["X"], archive["y"]
        if y.dtype.kind == "S":
            y = np.char.decode(y, "utf-8")
    except NOT_READ as error:
        raise _unreadable(path, error) from None
    if y.shape[1:] == (1,):
        y = y[:, 0]
    if x.ndim < 2 or y.shape != x.shape[:1]:
        raise ThawError(
            f"{path}: X has the shape {list(x.shape)}, y {list(y.shape)}. Allowed: "
            "X [rows, features] and y [rows], a label a row"
        )
    for name, array in (("X", x), ("y", y)):
        if array.dtype.kind not in "biufU":
            raise ThawError(
                f"{path}: {name} holds {array.dtype}. Allowed: real numbers, or text"
            )
    # pandas takes the machine's byte order only.
    x, y = (a.astype(a.dtype.newbyteorder("="), copy=False) for a in (x, y))
    index = pd.RangeIndex(1, len(x) + 1)
    shape = x.shape[1:] if x.ndim > 2 else ()
    x = x.reshape(len(x), math.prod(x.shape[1:]))
    features = pd.DataFrame(x, index, numbered(x.shape[1]))
    labels = as_text(pd.Series(y, index, name="y"))
    return Table(features, labels, None, str(path), named=False, shape=shape)


def _unreadable(path: Path, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    kind, remedy = path.suffix.removeprefix("."), ""
    if path.suffix == ARRAYS:
        remedy = "; numpy.savez(path, X=…, y=…) writes numbers or text as it is read"
    elif isinstance(error, UnicodeDecodeError):
        remedy = "; save it in UTF-8, in Excel as CSV UTF-8"
    elif isinstance(error, pd.errors.ParserWarning) or "Expected" in reason:
        remedy = "; the first line must name every column, with nothing above it"
    return ThawError(f"{path}: cannot be read as {kind}: {reason}{remedy}")
