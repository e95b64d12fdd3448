"""States: the weights of R networks of one kind, in one form everywhere.

A state maps an entry's name to its values for all networks, `[R, …]`: a module's
`state_dict`, stacked. Layer groups say which entries belong together; the last group is
the output.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

State = dict[str, Tensor]

# The names of a group's entries by the group's name, from the input to the output.
Groups = Mapping[str, Sequence[str]]


class SourceModels(NamedTuple):
    """Source models, or those of them that are needed: `state` holds `numbers`."""

    state: State
    numbers: Sequence[int]


def entries(groups: Groups, names: Sequence[str]) -> list[str]:
    """Return the entries of the groups of these names."""
    return [entry for name in names for entry in groups[name]]


def take(state: State, places: Sequence[int]) -> State:
    """Return a copy of the networks at these places, in this order."""
    return {name: values[list(places)] for name, values in state.items()}


def stacked(states: Sequence[State]) -> State:
    """Return several states as one, their networks one after the other."""
    return {name: torch.cat([state[name] for state in states]) for name in states[0]}
