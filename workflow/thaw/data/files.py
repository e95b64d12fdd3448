"""Tables from the user's files, read by pandas and NumPy."""

import warnings
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.data import ARRAYS, PARQUET, SEPARATORS, TABLES
from thaw.data.table import Table, as_text, numbered, require_columns
from thaw.errors import ThawError, listed


def read_table(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read the rows of a file that a problem's settings choose.

    Its columns of categories are read as text.
    Raises `ThawError` if the file cannot be read, or is not as the settings say.
    """
    return _arrays(path) if path.suffix == ARRAYS else _columns(path, settings)


def _columns(path: Path, settings: Mapping[str, Any]) -> Table:
    """Read a table with named columns."""
    label, group = settings["label"], settings.get("group")
    rows, categorical = settings.get("rows", {}), settings.get("categorical", [])
    frame = read_rows(path, {label, group, *categorical} - {None}, rows)
    asked = {
        "label": [label],
        "group": [group] * bool(group),
        "categorical": categorical,
        "drop": settings.get("drop", []),
    }
    require_columns(str(path), frame.columns, asked)
    labels = as_text(frame[label])
    groups = as_text(frame[group]) if group else None
    others = {label, group, *rows} & {*frame.columns}
    features = frame.drop(columns=[*others])
    for name in categorical:
        features[name] = as_text(features[name])
    return Table(features, labels, groups, str(path), named=True)


def read_categories(
    path: Path, columns: Collection[str], rows: Mapping[str, Any]
) -> dict[str, set[str]]:
    """Return the values of these columns of a file, in the rows that `rows` chooses."""
    if path.suffix == ARRAYS:
        return {}
    frame = read_rows(path, columns, rows)
    return {
        name: set(as_text(frame[name].dropna()))
        for name in columns
        if name in frame.columns
    }


def read_rows(
    path: Path, text: Collection[str], rows: Mapping[str, Any]
) -> pd.DataFrame:
    """Read a file's rows, numbered from 1, that have the values that `rows` names.

    The columns of `text` are read as text.
    Raises `ThawError` if the file is no table, cannot be read, or has no such rows.
    """
    if path.suffix not in TABLES:
        raise ThawError(
            f"{path}: it is no table with named columns. Allowed: {listed(TABLES)}"
        )
    try:
        frame = _frame(path, {*text, *rows})
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


def _frame(path: Path, text: Collection[str]) -> pd.DataFrame:
    """Read a file's columns; those of `text` as text, unchanged."""
    if path.suffix == PARQUET:
        frame = pd.read_parquet(path, engine="pyarrow")
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index()
        frame.columns = frame.columns.astype(str)
        return frame
    how: dict[str, Any] = {
        "sep": SEPARATORS[path.suffix],
        # Without the mark that spreadsheets put first.
        "encoding": "utf-8-sig",
        # Empty is missing. A word such as NA may be a label.
        "keep_default_na": False,
        "na_values": [""],
    }
    # pandas would give a column that stands twice another name.
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, **how).iloc[0]
    for name in header[header.duplicated()]:
        raise ValueError(f"the column {name} stands twice")
    with warnings.catch_warnings():
        # pandas only warns that it leaves out fields beyond the header's.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # In chunks pandas might take parts of a column for another type.
        return pd.read_csv(
            path,
            index_col=False,
            dtype=dict.fromkeys(text, str),
            low_memory=False,
            **how,
        )


def _arrays(path: Path) -> Table:
    """Read X `[rows, …]` and y `[rows]` from a NumPy archive."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["X"], archive["y"]
    except KeyError:
        raise ThawError(
            f"{path}: it lacks an array X or y; numpy.savez(path, X=…, y=…) writes both"
        ) from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
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
    x = x.reshape(len(x), -1)
    features = pd.DataFrame(x, index, numbered(x.shape[1]))
    labels = as_text(pd.Series(y, index, name="y"))
    return Table(features, labels, None, str(path), named=False)


def _unreadable(path: Path, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    kind = path.suffix.removeprefix(".")
    return ThawError(f"{path}: cannot be read as {kind}: {reason}")
