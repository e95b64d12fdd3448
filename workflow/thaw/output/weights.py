"""Weights on disk: safetensors files of named arrays, with a record.

That of networks also says what new rows need: the task, the meaning of the features,
and which networks failed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save

from thaw.data.problem import Description
from thaw.keys import canonical
from thaw.learning.learner import SourceModels, State, stacked, take
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require
from thaw.output.tiles import Tile

WHAT = "the source models it should be"


class About(NamedTuple):
    """What is to be known of trained networks beside their weights.

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


def save_entries(
    path: Path,
    entries: Mapping[str, np.ndarray],
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write the entries of a tile's networks, and what the record says about them."""
    found = record(recipe, saw, _content(entries, about))
    text = json.dumps({"tile": tile.name, "about": about} | found)
    # A view such as a transpose would be written in the order of its memory.
    whole = {name: np.ascontiguousarray(values) for name, values in entries.items()}
    with whole_file(path) as temporary:
        # Not `save_file`, whose files only their owner can read.
        temporary.write_bytes(save(whole, {"record": text}))


def load_entries(
    path: Path, key: str | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read entries and their record; to be called within `reading`.

    Raises `ValueError` if they are not those of a `key` or were changed.
    """
    with safe_open(path, "np") as file:
        text = file.metadata()["record"]
        found = check_record(text, key or json.loads(text)["key"])
        entries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    same = _content(entries, found["about"]) == found["content"]
    require(same, "its weights were changed")
    return entries, found


def _content(entries: Mapping[str, np.ndarray], about: Any) -> str:
    """Return the digest of entries and of what is said about them."""
    return digest_of_arrays({**entries, "": np.array(canonical(about))})


def save_networks(
    path: Path,
    state: State,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    about: About | None = None,
) -> None:
    """Write a tile's networks, stacked `[networks, …]`, in its order."""
    entries = {name: values.numpy() for name, values in state.items()}
    told = about and about._asdict() | {"described": about.described._asdict()}
    save_entries(path, entries, tile, recipe, saw, told)


def load_networks(path: Path) -> Networks:
    """Read the trained networks of a file, whatever made it.

    Raises `ThawError` if the file is damaged or holds something else.
    """
    with reading(path, "the trained networks it should be"):
        entries, found = load_entries(path)
        require(bool(found["about"]), "it says nothing of what its networks learned")
        about = About(**found["about"])
        about = about._replace(described=Description(**found["about"]["described"]))
        tile = Tile.named(found["tile"])
        count = {values.shape[:1] for values in entries.values()}
        require(count == {(tile.fits,)}, "it holds another number of networks")
    state = {name: torch.from_numpy(values) for name, values in entries.items()}
    return Networks(tile, state, found["recipe"]["settings"], about)


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
        if inside != list(there):
            state = take(state, [there.index(number) for number in inside])
        states.append(state)
        held += inside
    check_all_there(paths, held, numbers)
    return SourceModels(stacked(states), held), digests


def check_all_there(
    paths: Sequence[Path], held: Sequence[int], numbers: Sequence[int]
) -> None:
    """Raise `ThawError` unless the source models of these numbers are held."""
    with reading(paths[0], "all the source models that are needed"):
        require(list(held) == list(numbers), "some are missing in these files")
