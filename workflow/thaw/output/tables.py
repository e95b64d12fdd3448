"""Tables: for programs as CSV, for people as Markdown."""

import re
import textwrap
from collections.abc import Sequence

import pandas as pd

from thaw.errors import visible

# A spreadsheet takes these for a formula, unless they begin a number.
FORMULA = re.compile(r"[=@]|[-+](?![\d.]+(e[-+]?\d+)?$)")


def frame(table: pd.DataFrame) -> bytes:
    """Return a table as CSV; values that are not estimable are empty.

    Ten digits hide rounding noise.
    """
    text = table.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    return text.encode()


def plain(text: str) -> str:
    """Return users' text for a CSV: on one line, and never a formula."""
    text = visible(text)
    return f"'{text}" if FORMULA.match(text) else text


def cell(text: str) -> str:
    """Return users' text for a cell of a Markdown table: one line, without markup."""
    escaped = re.sub(r"[\\`*|\[\]]", r"\\\g<0>", visible(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;")


def paragraph(words: str) -> str:
    """Break a text into lines of at most 80 characters, but no number from its %.

    Names stay whole, too: Markdown reads the end of a line as a space.
    """
    whole = words.replace(" %", "\xa0%")
    lines = textwrap.fill(whole, 80, break_on_hyphens=False)
    return lines.replace("\xa0", " ") + "\n"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that also reads well as plain text in a terminal.

    The first column is text and left-aligned, the others are right-aligned.
    """
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def aligned(line: Sequence[str]) -> str:
        first, *numbers = line
        cells = [first.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return (
        "\n".join([aligned(lines[0]), aligned(rule), *map(aligned, lines[1:])]) + "\n"
    )
