"""Rows of tables by target size: a number, or `all`, which a CSV gives back as text."""

from collections.abc import Sequence

import pandas as pd

from thaw.findings.arms import TargetSize


def rows_at(table: pd.DataFrame, size: TargetSize) -> pd.DataFrame:
    """Return the rows of one target size."""
    return table[table["target_size"].astype(str) == str(size)]


def by_size(table: pd.DataFrame, sizes: Sequence[TargetSize]) -> pd.DataFrame:
    """Return a table with a row a size in the order of `sizes`; none if it has none."""
    named = table.set_index(table["target_size"].astype(str))
    return named.loc[[str(size) for size in sizes]] if len(table) else table
