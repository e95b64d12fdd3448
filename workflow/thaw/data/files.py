"""Tables from the user's files, read by pandas and NumPy."""

import csv
import itertools
import json
import math
import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.data import ARRAYS, PARQUET, SEPARATORS, TABLES, WRITTEN
from thaw.data.checks import MOSTLY, wrong_values
from thaw.data.table import MOST_EXACT, Table, as_text, numbered, require_columns
from thaw.errors import ThawError, listed, refuse

# Characters that may separate values.
SEPARATING = (",", ";", "\t", "|")

# A number with a decimal comma, one without, and one with commas between thousands.
DECIMAL_COMMA = r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)"
WHOLE = r"[-+]?\d+"
THOUSANDS = r"[-+]?[1-9]\d{0,2}(?:,\d{3})+"


def read_table(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read the rows of a file that a problem's settings choose.

    Its columns of categories are read as text.
    Raises `ThawError` if the file cannot be read, or is not as the settings say.
    """
    read = _arrays if path.suffix == ARRAYS else _columns
    return read(path, settings)


def _columns(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read a table with named columns."""
    label, group = settings["label"], settings.get("group")
    rows, categorical = settings.get("rows", {}), settings.get("categorical", [])
    text = {label, group, *categorical} - {None}
    frame = read_rows(path, text, rows, **written(settings))
    asked = {
        "label": [label],
        "group": [group] * bool(group),
        "categorical": categorical,
        "drop": settings.get("drop", []),
    }
    require_columns(str(path), frame.columns, asked)
    names = {*frame.columns}.difference(rows, settings.get("drop", []), text)
    numbers = [label] if _are_numbers(settings) else []
    if "decimal" not in settings:
        _refuse_commas(path, frame[[*numbers, *sorted(names)]])
    labels = _labels(path, frame[label], settings)
    groups = _names(path, frame[group]) if group else None
    others = {label, group, *rows} & {*frame.columns}
    features = frame.drop(columns=[*others])
    for name in categorical:
        features[name] = _names(path, features[name])
    return Table(features, labels, groups, str(path), named=True)


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
        name: set(_names(path, frame[name].dropna()))
        for name in columns
        if name in frame.columns
    }


def written(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a problem that say how its text files are written."""
    return {key: settings[key] for key in WRITTEN if key in settings}


def how_written(path: Path) -> dict[str, str]:
    """Return what these keys must be to read a file, as far as it shows.

    Raises `ThawError` if the file cannot be read.
    """
    if path.suffix not in SEPARATORS:
        return {}
    try:
        other = _other_separator(path, SEPARATORS[path.suffix])
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    found = {"separator": other} if other else {}
    frame = read_rows(path, (), {}, **found)
    if any(has_commas(frame[name]) for name in frame):
        found["decimal"] = ","
    return found


def features_in(paths: Sequence[Path], settings: Mapping[str, Any]) -> set[str]:
    """Return the columns of a problem's files that may be features."""
    apart = {settings["label"], settings.get("group"), *settings.get("drop", [])}
    apart |= {*settings.get("rows", {})}
    found = [read_rows(path, (), {}, **written(settings)).columns for path in paths]
    return set.intersection(*({*columns} for columns in found)) - apart


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
            frame = _parquet(path)
        else:
            sep = separator or SEPARATORS[path.suffix]
            frame = _text(path, {*text, *rows}, sep, decimal)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise _unreadable(path, error) from error
    require_columns(str(path), frame.columns, {"rows": rows})
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    for name, value in rows.items():
        frame = frame[frame[name].notna()]
        values = _names(path, frame[name])
        frame = frame[values == str(value)]
        if frame.empty:
            raise ThawError(
                f"{path}: no row has {value!r} in the column {name}. It has "
                f"{listed(values.unique()) or 'no value'}"
            )
    return frame


def _parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path, engine="pyarrow")
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


def _text(path: Path, text: Collection[str], sep: str, decimal: str) -> pd.DataFrame:
    """Read the columns of a text file; for the rest see `read_rows`."""
    how: dict[str, Any] = {
        "sep": sep,
        # Without the mark that spreadsheets put first.
        "encoding": "utf-8-sig",
        # Empty is missing. A word such as NA may be a label.
        "keep_default_na": False,
        "na_values": [""],
    }
    if other := _other_separator(path, sep):
        raise ValueError(
            f"it is separated by {other!r}, not by {sep!r}; a problem says so by "
            f"separator: {json.dumps(other)}"
        )
    # pandas would give a column that stands twice another name.
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, **how).iloc[0]
    for name in header[header.duplicated()].dropna():
        raise ValueError(f"the column {name} stands twice")
    with warnings.catch_warnings():
        # pandas only warns that it leaves out fields beyond the header's.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # In chunks pandas might take parts of a column for another type.
        frame = pd.read_csv(
            path,
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


def _other_separator(path: Path, sep: str) -> str | None:
    """Return which other character separates the values of a file, if one does.

    It stands in the header as often as in the first row, where `sep` does not.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        first = [*itertools.islice(lines, 2)]

    def separates(mark: str) -> bool:
        with suppress(csv.Error):  # pandas can read more
            found = {len(row) for row in csv.reader(first, delimiter=mark)}
            return len(found) == 1 and min(found) > 1
        return False

    others = [mark for mark in SEPARATING if separates(mark)]
    return others[0] if others and not separates(sep) else None


def has_commas(column: pd.Series) -> bool:
    """Whether a column of text holds numbers with decimal commas."""
    texts = column.dropna()
    if pd.api.types.is_numeric_dtype(texts) or texts.empty:
        return False
    texts = texts.astype(str)
    commas = texts.str.fullmatch(DECIMAL_COMMA)
    numbers = commas | texts.str.fullmatch(WHOLE)
    thousands = texts[commas].str.fullmatch(THOUSANDS)
    return bool(numbers.mean() > MOSTLY and not thousands.all())


def _refuse_commas(path: Path, frame: pd.DataFrame) -> None:
    """Raise `ThawError` if columns hold numbers with decimal commas."""
    names = [name for name in frame if has_commas(frame[name])]
    if path.suffix in SEPARATORS and names:
        raise ThawError(
            f"{path}: decimal commas in the columns {listed(names)}; write decimal: "
            '"," in the problem'
        )


def _labels(path: Path, values: pd.Series, settings: Mapping[str, Any]) -> pd.Series:
    """Return labels as text; of classes they are names."""
    return as_text(values) if _are_numbers(settings) else _names(path, values)


def _are_numbers(settings: Mapping[str, Any]) -> bool:
    """Whether a problem's labels are numbers as they stand in a file."""
    return settings.get("task") == "regression" or "bins" in settings


def _names(path: Path, values: pd.Series) -> pd.Series:
    """Return names of classes, groups or categories as text.

    Raises `ThawError` if they are floats so large that several names may be one.
    """
    if pd.api.types.is_float_dtype(values):
        large = (values.abs() >= MOST_EXACT) & np.isfinite(values)
        what = "floats of 2^53 or more, where neighbouring whole numbers are one"
        remedy = "save them as text"
        refuse(wrong_values(str(path), len(values), values, large, what, remedy))
    return as_text(values)


def _arrays(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read X `[rows, …]` and y `[rows]` from a NumPy archive."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["X"], archive["y"]
    except KeyError:
        raise ThawError(
            f"{path}: it lacks an array X or y; numpy.savez(path, X=…, y=…) writes both"
        ) from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        # NumPy's advice is to load them all the same; a single array is no archive.
        if "pickle" in str(error) or isinstance(error, TypeError):
            raise ThawError(f"{path}: {_no_arrays(path)}") from None
        raise _unreadable(path, error) from error
    except MemoryError as error:
        raise _unreadable(path, error) from None
    for name, array in (("X", x), ("y", y)):
        if array.dtype.kind == "V":
            raise ThawError(
                f"{path}: {name} is a structured array; save plain ones, X as "
                "numpy.lib.recfunctions.structured_to_unstructured(X)"
            )
        if array.dtype.kind == "c":
            raise ThawError(
                f"{path}: {name} holds complex numbers; save real ones, such as "
                f"{name}.real or abs({name})"
            )
    # pandas takes the machine's byte order only.
    x, y = (a.astype(a.dtype.newbyteorder("="), copy=False) for a in (x, y))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        raise ThawError(
            f"{path}: y has the shape {list(y.shape)}, several labels a row; a problem "
            "has one: keep one column"
        )
    if x.ndim < 2 or y.shape != x.shape[:1]:
        raise ThawError(
            f"{path}: X has the shape {list(x.shape)}, y {list(y.shape)}. Allowed: "
            "X [rows, features] and y [rows]"
        )
    index = pd.RangeIndex(1, len(x) + 1)
    x = x.reshape(len(x), math.prod(x.shape[1:]))
    features = pd.DataFrame(x, index, numbered(x.shape[1]))
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise ThawError(
                f"{path}: y holds bytes that are not UTF-8, such as {error.object!r}; "
                "save text, such as numpy.char.decode(y, 'latin-1')"
            ) from None
    labels = _labels(path, pd.Series(y, index, name="y"), settings)
    return Table(features, labels, None, str(path), named=False)


def _no_arrays(path: Path) -> str:
    """Say why NumPy finds pickled objects in an archive, and what to save instead."""
    if not zipfile.is_zipfile(path):
        return "it is no archive of arrays; numpy.savez(path, X=…, y=…) writes one"
    return (
        "X or y holds Python objects; save arrays of numbers or text, such as "
        "numpy.savez(path, X=X.astype(float), y=y.astype(str))"
    )


def _unreadable(path: Path, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        reason = (
            f"it is not in UTF-8 ({error.object[error.start : error.end]!r}); save it "
            "so, in Excel as CSV UTF-8"
        )
    elif isinstance(error, pd.errors.ParserWarning) or "Expected" in reason:
        reason = (
            "a row has more values than the first line has names; the first line must "
            f"name every column, with nothing above it ({reason})"
        )
    kind = path.suffix.removeprefix(".")
    return ThawError(f"{path}: cannot be read as {kind}: {reason}")
