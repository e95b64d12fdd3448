"""The scores that a trainer wrote: a CSV, checked strictly.

It has a row for each network, in any order: its number, its scores on the whole test
set and, optionally, on its train rows.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from thaw.errors import ThawError

FAILED = "failed"


def read_scores(
    path: Path, column: str, labels: Sequence[str], known: Sequence[str]
) -> tuple[Mapping[str, np.ndarray], np.ndarray]:
    """Read the scores of networks with these `labels`, which stand in `column`.

    `known` are the names of scores; the first is required.
    Return the scores that were written, by name, float64 `[R]` in the order of
    `labels`, and which networks failed, bool `[R]`.
    Raises `ThawError` that names the file, the row and the remedy.
    """
    header, *lines = _lines(path)
    allowed = (column, *known, FAILED)
    for name in (column, known[0]):
        if name not in header:
            raise ThawError(f"{path}: the column {name} is missing")
    for name in header:
        if name not in allowed:
            raise ThawError(
                f"{path}: unknown column {name!r}. Allowed: {', '.join(allowed)}"
            )
        if header.count(name) > 1:
            raise ThawError(f"{path}: the column {name} is there twice")
    found: dict[str, dict[str, float]] = {}
    for number, line in enumerate(lines, start=2):
        place = f"{path}, line {number}"
        if len(line) != len(header):
            raise ThawError(
                f"{place}: {len(line)} values instead of the header's {len(header)}"
            )
        values = dict(zip(header, line, strict=True))
        network = values.pop(column)
        if network not in labels:
            ends = dict.fromkeys([labels[0], labels[-1]])
            raise ThawError(
                f"{place}: {column} is {network!r}. Allowed: {' to '.join(ends)}"
            )
        if network in found:
            raise ThawError(
                f"{place}: {column} {network} is there twice; write one row for each"
            )
        found[network] = {
            name: _value(f"{place}: {name}", name, text)
            for name, text in values.items()
        }
    missing = [label for label in labels if label not in found]
    if missing:
        raise ThawError(
            f"{path}: no row of {column} {', '.join(missing)}; write one row for each "
            "network"
        )
    rows = [found[label] for label in labels]
    scores = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    failed = scores.pop(FAILED, np.zeros(len(rows))) == 1
    return scores, failed


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise ThawError(
            f"it wrote no scores: {path} is missing; write to the path that the job's "
            "file gives under `scores`"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ThawError(f"{path} is not a CSV file in UTF-8: {error}") from None
    if not lines:
        raise ThawError(f"{path} is empty; write a header and a row for each network")
    return lines


def _value(place: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ThawError(
            f"{place} is {text!r}, which is not a number; write nan for a network that "
            "failed, and leave out the column of a score that you do not know"
        ) from None
    if name == FAILED and value not in (0, 1):
        raise ThawError(f"{place} is {text}. Allowed: 0, 1")
    if name.endswith("accuracy") and np.isfinite(value) and not 0 <= value <= 1:
        raise ThawError(f"{place} is {text}. Allowed: 0 to 1, a share of rows")
    if value < 0:
        raise ThawError(f"{place} is {text}. Allowed: 0 or more")
    return value
