"""New rows of a problem: checked, and encoded as those that networks learned from.

Not in `data`, because a change here changes no key.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from thaw.data.checks import LARGEST
from thaw.data.problem import Description
from thaw.data.tables import Table, as_text, encode
from thaw.data.transforms import transform
from thaw.errors import ThawError, listed


def features_of(rows: pd.DataFrame, described: Description, place: str) -> np.ndarray:
    """Return the features of rows before scaling, float64 `[rows, features]`.

    Other columns than those of the problem are ignored. Of its transforms the noise is
    left out: new rows have their own. `place` is what messages call the rows, which are
    numbered from 1.
    Raises `ThawError` if a column or value is missing, or if one is of another kind. A
    missing number is nan if those of the problem are filled.
    """
    wanted = described.before_encoding
    missing = [name for name in wanted if name not in rows]
    if missing:
        raise ThawError(
            f"{place}: missing columns: {listed(missing)}. The networks learned from "
            f"{listed(wanted)}"
        )
    if rows.empty:
        raise ThawError(f"{place}: there are no rows")
    rows = rows[wanted].set_axis(pd.RangeIndex(1, len(rows) + 1))
    for name in wanted:
        known = described.categories.get(name)
        rows[name] = _read(rows[name], known, place, described.fills)
    table = Table(rows, pd.Series(), None, place, named=True)
    x = encode(table, described.categories)[[*described.columns]].to_numpy()
    steps = [step for step in described.transforms if "noise" not in step]
    return transform(x, described.shape, steps, part=0)


def _read(
    column: pd.Series, known: Sequence[str] | None, place: str, fills: bool
) -> pd.Series:
    """Return a column as float64 or, if its categories are `known`, as text.

    Raises `ThawError` if a value is no finite number, or not among these; or if it is
    missing, unless one `fills` numbers.
    """
    if known is None:
        values = pd.to_numeric(column, errors="coerce").astype(np.float64)
        wrong = ~(values.abs() <= LARGEST) & ~(fills & column.isna())
        reason = "{!r} is not a finite number; correct it, or leave the row out"
    else:
        values = as_text(column)
        wrong = ~values.isin(known)
        reason = f"the category {{!r}} is unknown. Allowed: {listed(known)}"
    if wrong.any():
        row = wrong.idxmax()
        if pd.isna(column[row]):
            reason = "a value is missing; give it, or leave the row out"
        where = f"{place}: column {column.name}, row {row}"
        raise ThawError(f"{where}: {reason.format(str(column[row]))}")
    return values
