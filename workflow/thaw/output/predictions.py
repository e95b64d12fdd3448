"""Predictions of one job's networks on disk, with the numbers of their rows.

A NumPy archive (.npz), deflated: the low bits of a logarithm are noise, so little can
be saved. It is 86 to 90 % of the size, written at 40 MB/s and read at 280 MB/s.
Shuffling bytes by their place in a number would make it 78 to 82 %, but unreadable to
`numpy.load`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from thaw.learning.tasks import TASKS
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require
from thaw.output.tiles import Tile


class Predictions(NamedTuple):
    """The predictions of R networks for each test row, and the digests of their inputs.

    said: in the form that the `task` keeps, `[R, rows, …]`, not finite only for
    networks that failed; R is 0 if a trainer wrote none. rows: int64 `[rows]`, the
    rows' numbers (see `thaw.data.problem`), or `[R, rows]`, if each network has its
    own.
    """

    task: str
    said: np.ndarray
    rows: np.ndarray
    saw: Mapping[str, Any]


def save_predictions(
    path: Path, predictions: Predictions, tile: Tile, recipe: Mapping[str, Any]
) -> None:
    """Write the predictions of a tile's networks, in its order."""
    task, said, rows, saw = predictions
    arrays: dict[str, Any] = {TASKS[task].kept: said, "rows": rows}
    found = record(recipe, saw, digest_of_arrays(arrays))
    text = json.dumps({"tile": tile.name} | found)
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, **arrays, record=np.array(text))


def load_predictions(path: Path, tile: Tile, key: str, task: str) -> Predictions:
    """Read the predictions of a tile's networks of the result `key`, for a task.

    Raises `ThawError` if the file is damaged or holds others.
    """
    with reading(path, "the predictions it should be"), np.load(path) as archive:
        found = check_record(str(archive["record"]), key)
        name = TASKS[task].kept
        said, rows = archive[name], archive["rows"]
        digest = digest_of_arrays({name: said, "rows": rows})
        require(digest == found["content"], "its predictions were changed")
        numbered = rows.dtype == np.int64 and rows.ndim in (1, 2)
        require(numbered, "its rows are not numbered")
        require(found["tile"] == tile.name, f"it holds {found['tile']}")
        settings, networks = found["recipe"]["settings"], tile.fits
        if not len(said) and "trainer" in settings.get("network", {}):
            networks = 0
        expected = networks, rows.shape[-1]
        fit = said.shape[:2] == expected and rows.shape in (expected, expected[1:])
        require(fit, f"{list(said.shape)} is not [{networks}, {rows.shape[-1]}, …]")
        require(TASKS[task].are_predictions(said), f"they are not of {task}")
    return Predictions(task, said, rows, found["saw"])
