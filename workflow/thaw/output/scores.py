"""Scores and histories of one job, and their two files.

Scores are CSV, for people: a row for each repeat (or source model). Histories are a
hundred times as many numbers, which only programs read, so they are a NumPy archive: a
third of the size of a CSV and written in a tenth of the time. The archive holds the
record of both, and determines every byte of the CSV.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    columns_of,
    final_scores,
)
from thaw.learning.seeds import Address
from thaw.learning.tasks import Constant
from thaw.output.records import (
    load_arrays,
    reading,
    require,
    save_arrays,
    whole_file,
)
from thaw.output.tiles import Tile


def csv_file(columns: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    """Return a CSV; numbers are the shortest that read back the same."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def save_scores(
    csv_path: Path,
    history_path: Path,
    tile: Tile,
    reached: Reached,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the results of a tile's networks, in its order; the CSV has the final ones.

    The CSV comes first: where a job is killed between the two, it is no whole result.
    """
    with whole_file(csv_path) as temporary:
        temporary.write_bytes(_scores_csv(tile, reached))
    save_arrays(history_path, named_arrays(reached), recipe, saw, tile)


def load_scores(
    csv_path: Path, history_path: Path, tile: Tile, key: str
) -> tuple[Reached, dict[str, Any]]:
    """Read the results of a tile's networks, and their record.

    Raises `ThawError` if a file is damaged or another job's, or if the two disagree.
    """
    arrays, record = load_arrays(history_path, key, tile)
    reached = Reached(
        history=History(*(arrays[name] for name in METRICS)),
        final=Final(*(arrays[name] for name in Final._fields)),
        constant=Constant(*arrays["constant"].tolist()),
        steps=arrays["steps"],
        task=str(arrays["task"]),
    )
    with reading(csv_path):
        same = csv_path.read_bytes() == _scores_csv(tile, reached)
        require(same, f"it disagrees with {history_path.name}")
    return reached, record


def named_arrays(reached: Reached) -> dict[str, Any]:
    """Return the results of networks as arrays, by their names in archives."""
    return {
        **reached.history._asdict(),
        **reached.final._asdict(),
        "constant": np.array(reached.constant),
        "steps": reached.steps,
        "task": np.array(reached.task),
    }


def _scores_csv(tile: Tile, reached: Reached) -> bytes:
    names: Sequence[str] = ["source_model"]
    numbers: Sequence[tuple[int, ...]] = [(number,) for number in tile.models]
    if tile.repeats is not None:
        names, numbers = Address._fields, tile.addresses
    rows = zip(numbers, final_scores(reached), strict=True)
    columns = (*names, *columns_of(reached.task))
    return csv_file(columns, ((*number, *scores) for number, scores in rows))
