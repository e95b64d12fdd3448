"""Pretrained weights, and the network that they must fit."""

from collections.abc import Sequence

import torch

from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.learner import Network, State


def source_models(network: Network, files: Sequence[tuple[str, State]]) -> State:
    """Return the weights of files (name and content) as source models, `[files, …]`.

    A file's entries are those of one network. Entries of the output may be missing or
    of another shape, if they are so in all files: the output is then drawn anew. One of
    tied entries is enough, because safetensors writes only one. Numbers are converted
    to the network's types.

    Raises `ThawError` for entries that are missing, unexpected or of another shape.
    """
    *hidden, output = network.groups
    drawn = network.draw([*hidden, output], 0, seeds.REPEAT, [0])
    own = {entry: values[0] for entry, values in drawn.items()}
    body = [entry for group in hidden for entry in network.groups[group]]
    files = [(name, _with_tied(state, network.tied)) for name, state in files]
    for name, state in files:
        mistakes = {
            "missing": [entry for entry in body if entry not in state],
            "not in the network": [entry for entry in state if entry not in own],
            "of another shape": [
                f"{entry} ({size_of(state[entry].shape)} in the file, "
                f"{size_of(own[entry].shape)} in the network)"
                for entry in body
                if entry in state and state[entry].shape != own[entry].shape
            ],
            "whole numbers where others are expected, or the other way round": [
                entry
                for entry, values in state.items()
                if entry in own
                and values.is_floating_point() != own[entry].is_floating_point()
            ],
        }
        told = [f"{what}: {listed(wrong)}" for what, wrong in mistakes.items() if wrong]
        if told:
            raise ThawError(
                f"{name} does not fit the network: {'; '.join(told)}"
                f"{_all_below(state, body)}"
            )
    (first, start), *others = files
    shapes = {entry: values.shape for entry, values in start.items()}
    for name, state in others:
        theirs = {entry: values.shape for entry, values in state.items()}
        own_output = network.groups[output]
        differ = [e for e in own_output if theirs.get(e) != shapes.get(e)]
        if differ:
            raise ThawError(f"{name} and {first} differ in shape: {listed(differ)}")
    return {
        entry: torch.stack([state[entry].to(own[entry].dtype) for _, state in files])
        for entry in own
        if entry in start
    }


def _with_tied(state: State, tied: Sequence[Sequence[str]]) -> State:
    """Return a state with all names of tied entries, if it has one of them."""
    found = dict(state)
    for names in tied:
        there = [state[name] for name in names if name in state]
        found |= {name: there[0] for name in names if there and name not in state}
    return found


def _all_below(state: State, body: Sequence[str]) -> str:
    """Hint at names that would fit without their common prefix, as DataParallel's."""
    first = next(iter(state), "").partition(".")[0] + "."
    names = {name.removeprefix(first) for name in state if name.startswith(first)}
    if len(names) == len(state) > 0 and names.issuperset(body):
        return f"; without {first} at their beginning, its names would fit: rename them"
    return ""


def size_of(shape: Sequence[int]) -> str:
    """Return a shape in words."""
    return " by ".join(map(str, shape)) or "one number"
