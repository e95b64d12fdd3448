"""Weights on disk: safetensors files of named arrays, with a record.

That of networks also says what new rows need: the task, the meaning of the features,
and which networks failed.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thaw.errors import ThawError, listed
from thaw.learning.learner import SourceModels, State, take
from thaw.output.records import (
    content_digest,
    load_arrays,
    reading,
    require,
    save_arrays,
)
from thaw.output.tiles import Tile


def save_networks(
    path: Path,
    state: State,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a tile's networks, stacked `[networks, …]`, in its order.

    Of trained ones `about` has the name of their `task`, the meaning of the problem's
    numbers (`described`), and the places of those that `failed`.
    """
    arrays = {name: values.numpy() for name, values in state.items()}
    save_arrays(path, arrays, recipe, saw, tile, about=about)


def load_networks(path: Path) -> tuple[State, dict[str, Any]]:
    """Read the trained networks of a file, whatever made it, and their record.

    Raises `ThawError` if the file is damaged or holds something else.
    """
    arrays, record = load_arrays(path)
    with reading(path):
        require(bool(record["about"]), "it says nothing of what its networks learned")
    return _state(arrays), record


def load_source_models(
    path: Path, key: str, numbers: Sequence[int]
) -> tuple[SourceModels, dict[str, str]]:
    """Read the source models of these numbers, in order, from a file.

    Returns them and the digest of the file's weights by its name.
    Raises `ThawError` if it is damaged or holds other weights.
    """
    tile = tile_of(path)
    arrays, record = load_arrays(path, key, tile)
    about, state = record["about"], _state(arrays)
    check_all_there(path, tile.models, numbers)
    if [*numbers] != [*tile.models]:
        state = take(state, [tile.models.index(number) for number in numbers])
    # Weights of the user's say nothing.
    classes = about["described"]["classes"] if about else ()
    models = SourceModels(state, numbers, classes)
    return models, {path.name: content_digest(record)}


def tile_of(path: Path) -> Tile:
    """Return the tile after which a file is named; its record must say the same.

    Raises `ThawError` if it is named after none.
    """
    with reading(path):
        return Tile.named(path.stem)


def check_all_there(path: Path, held: Collection[int], numbers: Sequence[int]) -> None:
    """Raise `ThawError` unless source models of all these numbers are held."""
    if not {*numbers} <= {*held}:
        raise ThawError(
            f"{path}: it holds the source models {listed(held)}, not "
            f"{listed(numbers)}; delete it and run again"
        )


def _state(arrays: Mapping[str, np.ndarray]) -> State:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
