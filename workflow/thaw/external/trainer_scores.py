"""The scores and histories that a trainer wrote: CSV files, checked strictly.

Scores have a row for each network, in any order: its number, its scores on the whole
test set and, optionally, on its train rows. Histories have a row for each network and
epoch, and all scores: a long table, which every language can append to as it trains.
"""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from thaw.errors import ThawError, listed

FAILED, EPOCH = "failed", "epoch"


def read_scores(
    path: Path, column: str, labels: Sequence[str], known: Sequence[str]
) -> tuple[Mapping[str, np.ndarray], np.ndarray]:
    """Read the scores of networks with these `labels`, which stand in `column`.

    `known` are the names of scores; the first is required.
    Return the scores that were written, by name, float64 `[R]` in the order of
    `labels`, and which networks failed, bool `[R]`.
    Raises `ThawError` that names the file, the row and the remedy.
    """
    found: dict[str, dict[str, float]] = {}
    required, allowed = (column, known[0]), (column, *known, FAILED)
    for place, values in _rows(path, "scores", required, allowed):
        network = _network(place, column, values, labels)
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


def read_history(
    path: Path, column: str, labels: Sequence[str], known: Sequence[str], epochs: int
) -> dict[str, np.ndarray]:
    """Read the scores of networks after each epoch; epoch 0 is before training.

    Return all scores by their names, which are `known`, float64 `[R, epochs + 1]`.
    Arguments and errors are as for `read_scores`.
    """
    found = {name: np.empty((len(labels), epochs + 1)) for name in known}
    there = np.zeros((len(labels), epochs + 1), bool)
    places = {label: place for place, label in enumerate(labels)}
    numbers = {str(number): number for number in range(epochs + 1)}
    required = (column, EPOCH, *known)
    for place, values in _rows(path, "history", required, required):
        network, epoch = _network(place, column, values, labels), values.pop(EPOCH)
        if epoch not in numbers:
            raise ThawError(f"{place}: epoch is {epoch!r}. Allowed: 0 to {epochs}")
        at = places[network], numbers[epoch]
        if there[at]:
            raise ThawError(
                f"{place}: epoch {epoch} of {column} {network} is there twice; write "
                "one row for each"
            )
        there[at] = True
        for name, text in values.items():
            found[name][at] = _value(f"{place}: {name}", name, text)
    if not there.all():
        network, epoch = np.argwhere(~there)[0]
        raise ThawError(
            f"{path}: no row of epoch {epoch} of {column} {labels[network]}; write one "
            f"row for each network and each epoch from 0, before training, to {epochs}"
        )
    return found


def _rows(
    path: Path, what: str, required: Collection[str], allowed: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place of each row, and its values by column."""
    header, *lines = _lines(path, what)
    for name in required:
        if name not in header:
            raise ThawError(
                f"{path}: the column {name} is missing; its header, separated by "
                f"commas, is {listed(header, 6)}"
            )
    for name in header:
        if name not in allowed:
            raise ThawError(
                f"{path}: unknown column {name!r}. Allowed: {', '.join(allowed)}"
            )
        if header.count(name) > 1:
            raise ThawError(f"{path}: the column {name} is there twice")
    for number, line in enumerate(lines, start=2):
        place = f"{path}, line {number}"
        if not line:  # often the last
            continue
        if len(line) != len(header):
            raise ThawError(
                f"{place}: {len(line)} values instead of the header's {len(header)}"
            )
        yield place, dict(zip(header, line, strict=True))


def _network(
    place: str, column: str, values: dict[str, str], labels: Sequence[str]
) -> str:
    """Take the network's number out of a row's values."""
    network = values.pop(column)
    if network not in labels:
        ends = dict.fromkeys([labels[0], labels[-1]])
        raise ThawError(
            f"{place}: {column} is {network!r}. Allowed: {' to '.join(ends)}"
        )
    return network


def _lines(path: Path, what: str) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True, skipinitialspace=True))
    except FileNotFoundError:
        raise ThawError(
            f"it wrote no {what}: {path} is missing; write to the path that the job's "
            f"file gives under `{what}`"
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
        if name == FAILED:
            raise ThawError(f"{place} is {text!r}. Allowed: 0, 1") from None
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
