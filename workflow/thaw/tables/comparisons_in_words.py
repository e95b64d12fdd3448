"""The comparisons of a study in two tables, for a terminal."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from thaw.findings.failures import meaning_of_weak
from thaw.findings.gains import Row, estimate, shares
from thaw.findings.metrics import Metric
from thaw.findings.samples import BEYOND
from thaw.findings.shown import coverage, enumerate_words, units
from thaw.findings.verdicts import in_words
from thaw.output.tables import markdown, paragraph


def for_people(
    table: pd.DataFrame,
    metric: Metric,
    settings: Mapping[str, Any],
) -> str:
    """Return the comparisons as Markdown, at most 80 columns wide.

    It is empty if there is one variant only. With several target sizes it has the
    typical differences alone; the rest is in the CSV. `settings` are the study's.
    """
    if table.empty:
        return ""
    margin, rows = settings["margin"], table.to_dict("records")
    is_swept = table["target_size"].nunique() > 1

    def cells(row: Row) -> list[str]:
        size = [str(row["target_size"])] * is_swept
        words = in_words(row["verdict"], row["note"], f"{margin:g}{metric.suffix}")
        return [_name(row), *size, estimate(row, margin, ""), words]

    about = (
        f"The typical (median) {metric.gain}, of {enumerate_words(units(table))}. "
        f"{coverage(table, settings['has_splits'])}"
    )
    header = ["comparison", *["rows"] * is_swept, "typical difference", "verdict"]
    widths = (18, 5, 23, 21) if is_swept else (22, 25, 23)
    parts = [paragraph(about), _table(header, map(cells, rows), widths)]
    if not is_swept:
        parts += _beside_verdicts(rows, metric, settings)
    return "\n".join(parts)


def _beside_verdicts(
    rows: Sequence[Row], metric: Metric, settings: Mapping[str, Any]
) -> list[str]:
    """Return what carries no verdict of its own: means, failed and weak networks."""
    about = (
        "The difference of the means at 95 %, which carries no verdict"
        f"{f'; {BEYOND}' * (not metric.has_bounds)}. The shares of networks, and in "
        "brackets the reference's, that failed or are weak, and their difference "
        f"in points (weak: {meaning_of_weak(metric, settings['baseline'])}):"
    )

    def cells(row: Row) -> list[str]:
        mean = estimate(row, settings["margin"], "", "mean")
        return [_name(row), mean, shares(row)]

    header = ("comparison", "mean difference", "failed, weak")
    return [paragraph(about), _table(header, map(cells, rows), (22, 25, 18))]


def _name(row: Row) -> str:
    return f"{row['variant']} - {row['reference']}"


def _table(header: Sequence[str], rows: Any, widths: Sequence[int]) -> str:
    """Return a table whose wide cells continue in the lines below."""
    lines: list[Sequence[str]] = []
    for row in rows:
        cells = map(textwrap.wrap, row, widths)
        lines += itertools.zip_longest(*cells, fillvalue="")
    return markdown(header, lines)
