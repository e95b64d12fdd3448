"""Weights on disk: safetensors files of named arrays, with a record.

That of networks also says what new rows need: the task, the meaning of the features,
and which networks failed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from thaw.data.problem import Description
from thaw.errors import ThawError, listed
from thaw.learning.learner import SourceModels, State, stacked, take
from thaw.output.records import (
    content_digest,
    load_arrays,
    reading,
    require,
    save_arrays,
)
from thaw.output.tiles import Tile


class About(NamedTuple):
    """Facts about trained networks beside their weights.

    task: its name. described: the meaning of the problem's numbers. failed: the places
    of the networks that failed.
    """

    task: str
    described: Description
    failed: Sequence[int]


class Networks(NamedTuple):
    """A file with networks: which they are, weights `[networks, …]`, settings."""

    tile: Tile
    state: State
    settings: Mapping[str, Any]
    about: About


def save_networks(
    path: Path,
    state: State,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    about: About | None = None,
) -> None:
    """Write a tile's networks, stacked `[networks, …]`, in its order."""
    arrays = {name: values.numpy() for name, values in state.items()}
    in_record = about and about._asdict() | {"described": about.described._asdict()}
    save_arrays(path, arrays, recipe, saw, tile, about=in_record)


def load_networks(path: Path) -> Networks:
    """Read the trained networks of a file, whatever made it.

    Raises `ThawError` if the file is damaged or holds something else.
    """
    arrays, record = load_arrays(path)
    with reading(path):
        about = record["about"]
        require(bool(about), "it says nothing of what its networks learned")
        described = Description(**about["described"])
        return Networks(
            tile=Tile.named(record["tile"]),
            state=_state(arrays),
            settings=record["recipe"]["settings"],
            about=About(about["task"], described, about["failed"]),
        )


def load_source_models(
    paths: Sequence[Path], key: str, numbers: Sequence[int]
) -> tuple[SourceModels, dict[str, str]]:
    """Read the source models of these numbers, in order, from a study's files.

    Returns them and the digest of each file's weights by its name.
    Raises `ThawError` if a file is damaged or holds other weights.
    """
    states, held, digests = [], [], {}
    classes: Sequence[str] = ()
    for path in paths:
        tile = tile_of(path)
        arrays, record = load_arrays(path, key, tile)
        digests[path.name] = content_digest(record)
        if about := record["about"]:  # weights of the user's say nothing
            classes = about["described"]["classes"]
        inside = [number for number in numbers if number in tile.models]
        state = _state(arrays)
        if inside != list(tile.models):
            state = take(state, [tile.models.index(number) for number in inside])
        states.append(state)
        held += inside
    check_all_there(paths, held, numbers)
    return SourceModels(stacked(states), held, classes), digests


def tile_of(path: Path) -> Tile:
    """Return the tile after which a file is named; its record must say the same.

    Raises `ThawError` if it is named after none.
    """
    with reading(path):
        return Tile.named(path.stem)


def check_all_there(
    paths: Sequence[Path], held: Sequence[int], numbers: Sequence[int]
) -> None:
    """Raise `ThawError` unless source models of these numbers are held, in order."""
    if list(held) != list(numbers):
        raise ThawError(
            f"{paths[0].parent}: its files hold the source models {listed(held)}, not "
            f"{listed(numbers)}; delete them and run again"
        )


def _state(arrays: Mapping[str, np.ndarray]) -> State:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
