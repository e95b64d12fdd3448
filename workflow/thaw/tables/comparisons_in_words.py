"""The comparisons of a study in words and tables, for a terminal."""

import itertools
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.failures import KINDS, meaning_of_weak
from thaw.findings.gains import enumerate_words
from thaw.findings.metrics import Metric
from thaw.findings.samples import BEYOND, CONDITION
from thaw.findings.shown import gain, interval, number, units
from thaw.output.tables import markdown, paragraph, percent

# The longer side of an interval that needs a word, in lengths of the shorter one.
LOPSIDED = 2


def for_people(
    table: pd.DataFrame,
    depths: pd.DataFrame,
    baseline: str,
    metric: Metric,
    margin: float,
    is_capped: bool = False,
    has_splits: bool = False,
) -> str:
    """Return the comparisons as Markdown, at most 80 columns wide.

    It is empty if there is one variant only. With several target sizes it has the
    typical differences alone; the rest is in the CSV. `is_capped` says whether means
    count no score as worse than the constant prediction's, `has_splits` whether each
    source model has its own split.
    """
    if table.empty:
        return ""
    rows = list(table.itertuples())

    def typical(row: Any) -> str:
        return _gain(row, "typical", margin)

    parts = [paragraph(_about_typical(table, metric, has_splits))]
    if table["target_size"].nunique() > 1:
        parts.append(
            _table(
                ("comparison", "rows", "typical difference", "verdict"),
                [(_name(r), str(r.target_size), typical(r), r.verdict) for r in rows],
                (18, 5, 23, 21),
            )
        )
        for size, own in depths.groupby("target_size", sort=False):
            if len(own) > 1:
                parts.append(paragraph(f"From {size} rows: {_about_depths(own)}"))
        return "\n".join(parts)
    parts.append(
        _table(
            ("comparison", "typical difference", "verdict"),
            [(_name(r), typical(r), r.verdict) for r in rows],
            (22, 25, 23),
        )
    )
    if len(depths) > 1:
        parts.append(paragraph(_about_depths(depths)))
    about_means = _about_means(table, metric, is_capped)
    parts += [
        paragraph(
            "On these test rows alone, the typical difference, and how often a repeat "
            "of the one beats one of the other:"
        ),
        _table(
            ("comparison", "typical difference", "is better in"),
            [
                (
                    _name(r),
                    interval(r.these_rows_low, r.these_rows_high, margin, "+"),
                    _share(r, "better"),
                )
                for r in rows
            ],
            (22, 23, 23),
        ),
        paragraph(about_means),
        _table(
            ("comparison", "mean difference"),
            [(_name(r), _gain(r, "mean", margin)) for r in rows],
            (30, 40),
        ),
        *_about_failures(table, meaning_of_weak(metric, baseline)),
    ]
    return "\n".join(parts)


def _about_means(table: pd.DataFrame, metric: Metric, is_capped: bool) -> str:
    """Introduce the differences of means, and name lopsided intervals."""
    if table["mean_low"].isna().all():
        return "The difference of the means, which has no interval here:"
    words = (
        "The difference of the means, whose interval is at 95 %; no verdict rests on it"
    )
    if not table["given"].astype(bool).all():
        words += ", allowing for failures that did not occur here"
    if is_capped:
        words += f"; {BEYOND}"
    below, above = table["mean"] - table["mean_low"], table["mean_high"] - table["mean"]
    if (np.maximum(below, above) > LOPSIDED * np.minimum(below, above)).any():
        words += (
            ". An interval that reaches further to one side than to the other allows "
            "for a few very bad networks on that side"
        )
    return f"{words}:"


def _about_depths(depths: pd.DataFrame) -> str:
    kept = ", ".join(depths.loc[depths["may_be_best"] == "yes", "variant"])
    tried = ", ".join(depths["variant"])
    return f"Of the depths {tried}, these may be the best: {kept}."


def _about_typical(table: pd.DataFrame, metric: Metric, has_splits: bool) -> str:
    over = enumerate_words(units(table))
    if has_splits:
        over += ", each with a split of its own,"
    conditional = table["given"].astype(bool)
    given = f", {CONDITION}" if conditional.all() else ""
    level = f"{100 * table['level'].iloc[0]:.4g} %"
    together = f"each interval at {level}, so that all verdicts together hold with 95 %"
    covers = " and new test rows" if (table["row_units"] > 0).all() else ""
    words = (
        f"The typical (median) {metric.gain}, {together}, over {over}{covers}{given}"
    )
    if not covers:
        words += " (other test rows are not covered)"
    if conditional.any() and not conditional.all():
        pairs = dict.fromkeys(_name(row) for row in table[conditional].itertuples())
        words += f" ({', '.join(pairs)}: {CONDITION})"
    return f"{words}:"


def _about_failures(table: pd.DataFrame, meaning: str) -> Iterator[str]:
    rows = [
        (_name(row), kind, *map(percent, shares), _share(row, kind, "_difference", "+"))
        for row in table.itertuples()
        for kind in KINDS
        if max(shares := (getattr(row, kind), getattr(row, f"reference_{kind}"))) > 0
    ]
    known = table["weak"].notna().any()
    limit = f"weak, {meaning}"
    if not rows:
        weak = f", and none is {limit}" if known else ""
        yield paragraph(f"No network failed{weak}.")
        return
    weak = f", or are {limit}" if known else ""
    yield paragraph(f"Shares of networks that failed{weak}:")
    header = ("comparison", "kind", "share", "reference", "difference")
    yield _table(header, rows, (22, 6, 6, 9, 24))


def _name(row: Any) -> str:
    return f"{row.variant} - {row.reference}"


def _gain(row: Any, name: str, margin: float) -> str:
    """Return a difference of scores and its interval, if it has one."""
    value, low, high = (getattr(row, name + end) for end in ("", "_low", "_high"))
    if np.isnan(low) or (np.isneginf(low) and np.isposinf(high)):
        return number(value, margin, "+")
    return gain(value, low, high, margin)


def _share(row: Any, name: str, value: str = "", sign: str = "-") -> str:
    """Return a share, in the column that ends with `value`, and its interval."""
    found, low, high = (
        percent(getattr(row, name + end), sign) for end in (value, "_low", "_high")
    )
    return f"{found} ({low} to {high})"


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> str:
    """Return a table whose wide cells continue in the lines below."""
    lines: list[Sequence[str]] = []
    for row in rows:
        cells = map(textwrap.wrap, row, widths)
        lines += itertools.zip_longest(*cells, fillvalue="")
    return markdown(header, lines)
