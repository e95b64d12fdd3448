"""Weights on disk: safetensors files of named arrays, with a record.

That of networks also says what new rows need: the task, the meaning of the features,
and which networks failed.
"""

from collections.abc import Mapping, Sequence
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
    arrays, record, held = load_models(path, key, numbers)
    about, state = record["about"], _state(arrays)
    if [*numbers] != [*held]:
        state = take(state, [held.index(number) for number in numbers])
    # Weights of the user's say nothing.
    classes = about["described"]["classes"] if about else ()
    models = SourceModels(state, numbers, classes)
    return models, {path.name: content_digest(record)}


def load_models(
    path: Path, key: str, numbers: Sequence[int]
) -> tuple[dict[str, np.ndarray], dict[str, Any], range]:
    """Read the arrays of a file of source models, its record, and which it holds.

    Raises `ThawError` if it is damaged, or lacks any of these numbers.
    """
    with reading(path):
        tile = Tile.named(path.stem)
    arrays, record = load_arrays(path, key, tile)
    if not {*numbers} <= {*tile.models}:
        raise ThawError(
            f"{path}: it holds the source models {listed(tile.models)}, not "
            f"{listed(numbers)}; delete it and run again"
        )
    return arrays, record, tile.models


def _state(arrays: Mapping[str, np.ndarray]) -> State:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
