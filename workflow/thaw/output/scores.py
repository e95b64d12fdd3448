"""Scores and histories of one job, and their two files.

Scores are CSV, for people: a row for each repeat (or source model). Histories are a
hundred times as many numbers, which only programs read, so they are a NumPy archive: a
third of the size of a CSV and written in a tenth of the time. The archive holds the
record of both, and determines every byte of the CSV.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    columns_of,
    final_scores,
    kept,
)
from thaw.learning.seeds import Address
from thaw.learning.tasks import Constant
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require
from thaw.output.tiles import Tile

# The types of scores other than float32.
TYPES = {"failed": bool, "epoch": np.int64, "learning_rate": np.float64}


class Scores(NamedTuple):
    """The results of a job, the digests of its inputs, and its recipe."""

    reached: Reached
    saw: dict[str, Any]
    recipe: dict[str, Any]


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
    """Write the results of a tile's networks, in its order.

    The scores are the final ones.
    """
    arrays = named_arrays(reached)
    content = {"histories": digest_of_arrays(arrays)}
    of_both = json.dumps(record(recipe, saw, content))
    with whole_file(csv_path) as temporary:
        temporary.write_bytes(_scores_text(tile, reached))
    with whole_file(history_path) as temporary:
        np.savez(temporary, **arrays, record=np.array(of_both))


def load_scores(csv_path: Path, history_path: Path, tile: Tile, key: str) -> Scores:
    """Read the results of a tile's networks.

    Raises `ThawError` if a file is damaged or another job's, or if the two disagree.
    """
    with reading(history_path, "the histories it should be"):
        with np.load(history_path) as archive:
            found = check_record(str(archive["record"]), key)
            reached = Reached(
                History(*(archive[name] for name in METRICS)),
                Final(*(archive[name] for name in Final._fields)),
                Constant(*archive["constant"].tolist()),
                archive["steps"],
                str(archive["task"]),
            )
        digest = digest_of_arrays(named_arrays(reached))
        same = digest == found["content"]["histories"]
        require(same, "its histories were changed")
        # A user-supplied trainer may leave scores out.
        complete = "trainer" not in found["recipe"]["settings"].get("network", {})
        _check(reached, tile.fits, complete)
    with reading(csv_path, "the scores it should be"):
        require(
            csv_path.read_bytes() == _scores_text(tile, reached),
            f"it disagrees with {history_path.name} or has other rows than {tile.name}",
        )
    return Scores(reached, found["saw"], found["recipe"])


def named_arrays(reached: Reached) -> dict[str, Any]:
    """Return the results of networks as arrays, by their names in archives."""
    return {
        **reached.history._asdict(),
        **reached.final._asdict(),
        "constant": np.array(reached.constant),
        "steps": reached.steps,
        "task": np.array(reached.task),
    }


def _check(reached: Reached, networks: int, complete: bool) -> None:
    """Raise `ValueError` unless these can be the results of so many networks.

    A network that diverged has a loss that is not finite, and counts. Scores may be
    missing, as nan, unless they are `complete`.
    """
    history, final, _, steps, _ = reached
    for name, values in (history._asdict() | final._asdict()).items():
        shape = (networks, len(steps)) if name in METRICS else (networks,)
        require(values.shape == shape, f"{name} is {values.shape} and not {shape}")
        right_type = TYPES.get(name, np.float32)
        require(values.dtype == right_type, f"{name} has another type")
        if name.endswith(("score", "loss")):
            require(not (values < 0).any(), f"{name} is less than 0")
    there = (final.epoch >= 0) & (final.epoch < len(steps))
    require(there.all(), "there is no such epoch")
    # nan for an estimator.
    require(not (final.learning_rate <= 0).any(), "a learning rate is not above 0")
    test_loss = kept(history.test_loss, final.epoch)
    lost = ~np.isfinite(test_loss) if complete else np.isinf(test_loss)
    require(
        final.failed[lost].all(),
        "a network whose loss is not finite is not said to have failed",
    )


def _scores_text(tile: Tile, reached: Reached) -> bytes:
    names: Sequence[str] = ["source_model"]
    which: Sequence[tuple[int, ...]] = [(number,) for number in tile.models]
    if tile.repeats is not None:
        names, which = Address._fields, tile.addresses
    rows = zip(which, final_scores(reached), strict=True)
    columns = (*names, *columns_of(reached.task))
    return csv_file(columns, ((*who, *scores) for who, scores in rows))
