"""Tables: scores as samples of variants, and tables for programs and for people."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from thaw.errors import ThawError
from thaw.files import whole_file
from thaw.samples import Sample


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV that an earlier stage wrote.

    Raises `ThawError` if there is no table in it.
    """
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ThawError(
            f"{path} is not a whole table ({error}); delete it and run again"
        ) from error


def samples(
    scores: pd.DataFrame, variants: Sequence[str], column: str = "test_accuracy"
) -> dict[str, Sample]:
    """Return one column of the scores as a sample of each variant, in that order."""
    found = {}
    for variant in variants:
        rows = scores[scores["variant"] == variant]
        models = rows["source_model"]
        found[variant] = Sample(
            rows[column].to_numpy(),
            None if models.isna().all() else models.to_numpy(dtype=int),
        )
    return found


def write_frame(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV; what is not estimable is empty. Ten digits hide rounding noise."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that also reads well as plain text in a terminal.

    The first column is text and left-aligned, the others are right-aligned.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def aligned(line: Sequence[str]) -> str:
        first, *others = line
        cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return (
        "\n".join([aligned(lines[0]), aligned(rule), *map(aligned, lines[1:])]) + "\n"
    )


def number(value: float, sign: str = "-") -> str:
    """Return a number with three decimals; with `sign` "+", also the sign of a gain."""
    return "n/a" if np.isnan(value) else f"{value:{sign}z.3f}"


def p_value(value: float) -> str:
    """Return a p-value with three decimals, never as 0."""
    return "<0.001" if value < 0.001 else number(value)


def interval(low: float, high: float, sign: str = "-") -> str:
    """Return an interval in words."""
    if np.isnan(low):
        return "n/a"
    return f"{number(low, sign)} to {number(high, sign)}"
