"""Weights on disk: a safetensors file with the entries of a state and a record."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save

from thaw.learning.learner import SourceModels, State, stacked, take
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require


def save_networks(
    path: Path,
    state: State,
    numbers: Sequence[int],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write networks of these consecutive numbers, stacked `[networks, …]`."""
    text = json.dumps(
        {"numbers": [numbers[0], numbers[-1]]} | record(recipe, saw, _digest(state))
    )
    with whole_file(path) as temporary:
        # Not `save_file`: it makes a file that only its owner can read.
        temporary.write_bytes(save(state, {"record": text}))


def load_source_models(
    paths: Sequence[Path], key: str, numbers: Sequence[int]
) -> tuple[SourceModels, dict[str, str]]:
    """Read the source models of these numbers, in order, from a study's files.

    Returns them and the digest of each file's weights by its name.
    Raises `ThawError` if a file is damaged or holds other weights.
    """
    states, held, digests = [], [], {}
    for path in paths:
        with reading(path, "the source models it should be"):
            with safe_open(path, "pt") as file:
                found = check_record(file.metadata()["record"], key)
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            first, last = found["numbers"]
            shapes = {values.shape[:1] for values in state.values()}
            require(
                shapes == {(last - first + 1,)}, "it holds another number of models"
            )
            require(_digest(state) == found["content"], "its weights were changed")
        digests[path.name] = found["content"]
        inside = [number for number in numbers if first <= number <= last]
        states.append(take(state, [number - first for number in inside]))
        held += inside
    with reading(paths[0], "all the source models that are needed"):
        require(held == list(numbers), "some are missing in these files")
    return SourceModels(stacked(states), held), digests


def _digest(state: State) -> str:
    return digest_of_arrays({name: values.numpy() for name, values in state.items()})
