"""Weights on disk: safetensors files of named arrays, with a record."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save

from thaw.learning.learner import SourceModels, State, stacked, take
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require
from thaw.output.tiles import Tile

WHAT = "the source models it should be"


def save_entries(
    path: Path,
    entries: Mapping[str, np.ndarray],
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the entries of a tile's networks."""
    found = record(recipe, saw, digest_of_arrays(entries))
    text = json.dumps({"tile": tile.name} | found)
    # A view such as a transpose would be written in the order of its memory.
    whole = {name: np.ascontiguousarray(values) for name, values in entries.items()}
    with whole_file(path) as temporary:
        # Not `save_file`, whose files only their owner can read.
        temporary.write_bytes(save(whole, {"record": text}))


def load_entries(path: Path, key: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read entries and their record; to be called within `reading`.

    Raises `ValueError` if they are another result's or were changed.
    """
    with safe_open(path, "np") as file:
        found = check_record(file.metadata()["record"], key)
        entries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    require(digest_of_arrays(entries) == found["content"], "its weights were changed")
    return entries, found


def save_networks(
    path: Path,
    state: State,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write a tile's networks, stacked `[networks, …]`, in its order."""
    entries = {name: values.numpy() for name, values in state.items()}
    save_entries(path, entries, tile, recipe, saw)


def load_source_models(
    paths: Sequence[Path], key: str, numbers: Sequence[int]
) -> tuple[SourceModels, dict[str, str]]:
    """Read the source models of these numbers, in order, from a study's files.

    Returns them and the digest of each file's weights by its name.
    Raises `ThawError` if a file is damaged or holds other weights.
    """
    states, held, digests = [], [], {}
    for path in paths:
        with reading(path, WHAT):
            entries, found = load_entries(path, key)
            there = Tile.named(found["tile"]).models
            count = {values.shape[:1] for values in entries.values()}
            require(count == {(len(there),)}, "it holds another number of models")
        digests[path.name] = found["content"]
        inside = [number for number in numbers if number in there]
        state = {name: torch.from_numpy(values) for name, values in entries.items()}
        states.append(take(state, [there.index(number) for number in inside]))
        held += inside
    check_all_there(paths, held, numbers)
    return SourceModels(stacked(states), held), digests


def check_all_there(
    paths: Sequence[Path], held: Sequence[int], numbers: Sequence[int]
) -> None:
    """Raise `ThawError` unless the source models of these numbers are held."""
    with reading(paths[0], "all the source models that are needed"):
        require(list(held) == list(numbers), "some are missing in these files")
