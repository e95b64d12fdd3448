"""Scores and histories, and their files.

Scores are CSV, for people: a row a repeat. Histories are a hundred times as many
numbers, which only programs read, so they are NumPy archives: a third of the size of
a CSV and written in a tenth of the time.
"""

import csv
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from thaw.errors import ThawError
from thaw.files import whole_file


class History(NamedTuple):
    """Scores on the whole train and test set after each epoch; epoch 0 is the start.

    Each is float32 `[R, epochs + 1]`. Losses are mean cross-entropies in nats.
    """

    train_accuracy: np.ndarray
    train_loss: np.ndarray
    test_accuracy: np.ndarray
    test_loss: np.ndarray


METRICS = History._fields
SCORE_COLUMNS = ("study", "variant", "source_model", "repeat", *METRICS)
SOURCE_MODEL_COLUMNS = ("source_model", *METRICS)


def joined(histories: Sequence[History]) -> History:
    """Return the histories of several ensembles as one."""
    return History(*(np.concatenate(column) for column in zip(*histories, strict=True)))


def final_scores(history: History) -> Iterator[tuple[np.float32, ...]]:
    """Yield, for each network, its scores after the last epoch, as in `METRICS`."""
    return zip(*(column[:, -1] for column in history), strict=True)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a CSV, numbers in the shortest form that reads back the same."""
    with whole_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_score_rows(path: Path, repeats: Sequence[int]) -> list[list[str]]:
    """Read a training job's scores, as text, one row for each of its repeats.

    Raises `ThawError` if the file does not hold exactly these repeats.
    """
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    number = SCORE_COLUMNS.index("repeat")
    whole = header == list(SCORE_COLUMNS)
    whole = whole and all(len(row) == len(header) for row in rows)
    if not whole or [row[number] for row in rows] != [str(r) for r in repeats]:
        raise ThawError(
            f"{path} does not hold the scores of repeats {repeats[0]} to "
            f"{repeats[-1]}; delete it and run again"
        )
    return rows


def save_history(path: Path, repeats: Sequence[int], history: History) -> None:
    """Write a job's histories: the repeats' numbers and the arrays of `History`."""
    with whole_file(path) as temporary:
        np.savez(temporary, repeat=np.asarray(repeats), **history._asdict())


def load_metric(path: Path, repeats: Sequence[int], metric: str) -> np.ndarray:
    """Read one array of a job's histories, float32 `[R, epochs + 1]`.

    Raises `ThawError` if the file does not hold exactly these repeats.
    """
    try:
        with np.load(path) as archive:
            if not np.array_equal(archive["repeat"], repeats):
                raise ValueError("other repeats")
            return archive[metric]
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ThawError(
            f"{path} does not hold the histories of repeats {repeats[0]} to "
            f"{repeats[-1]} ({error}); delete it and run again"
        ) from error
