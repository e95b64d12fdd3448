"""Predictions of one job's networks on disk, with the numbers of their rows."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from thaw.learning.tasks import TASKS
from thaw.output.records import load_arrays, save_arrays
from thaw.output.tiles import Tile


class Predictions(NamedTuple):
    """The predictions of R networks for each test row, and the digests of their inputs.

    outputs: in the form that the `task` keeps, `[R, rows, …]`, not finite only for
    networks that failed. rows: int64 `[rows]`, the rows' numbers (see
    `thaw.data.problem`), or `[R, rows]`, if each network has its own.
    """

    task: str
    outputs: np.ndarray
    rows: np.ndarray
    saw: Mapping[str, Any]


def save_predictions(
    path: Path, predictions: Predictions, tile: Tile, recipe: Mapping[str, Any]
) -> None:
    """Write the predictions of a tile's networks, in its order."""
    name = TASKS[predictions.task].kept
    arrays = {name: predictions.outputs, "rows": predictions.rows}
    # The low bits of logarithms are noise, so that deflating saves but a tenth.
    saw, deflated = predictions.saw, zipfile.ZIP_DEFLATED
    save_arrays(path, arrays, recipe, saw, tile, compression=deflated)


def load_predictions(path: Path, tile: Tile, key: str, task: str) -> Predictions:
    """Read the predictions of a tile's networks of the result `key`, for a task.

    Raises `ThawError` if the file is damaged or holds others.
    """
    arrays, record = load_arrays(path, key, tile)
    outputs = arrays[TASKS[task].kept]
    return Predictions(task, outputs, arrays["rows"], record["saw"])
