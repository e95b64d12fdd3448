"""The seam between the loop that trains and the networks that learn.

A network's description is a `Network`; together with weights and data it builds a
`Learner`, which the loop in `thaw.learning.training` drives.

The weights of R networks of one kind have one form everywhere, a *state*: it maps an
entry's name to its values for all networks, `[R, …]`, as a module's `state_dict`,
stacked. Layer groups say which entries belong together; the last group is the output.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.seeds import FIRST, Whose
from thaw.learning.settings import Training

Part = Literal["train", "test"]

State = dict[str, Tensor]

# The names of a group's entries by the group's name, from the input to the output.
Groups = Mapping[str, Sequence[str]]


class SourceModels(NamedTuple):
    """Source models, or those of them that are needed: `state` holds `numbers`."""

    state: State
    numbers: Sequence[int]


def take(state: State, places: Sequence[int]) -> State:
    """Return a copy of the networks at these places, in this order."""
    return {name: values[list(places)] for name, values in state.items()}


def stacked(states: Sequence[State]) -> State:
    """Return several states as one, their networks one after the other."""
    return {name: torch.cat([state[name] for state in states]) for name in states[0]}


class Learner(Protocol):
    """R networks in training. None depends on the others."""

    def epoch(self, order: Tensor) -> None:
        """Learn one epoch from the train rows in the order given, int64 `[R, rows]`.

        Batches are consecutive parts of it; the last, short one is kept and averaged
        over its own size. The last epoch may be cut and then has fewer rows.
        """

    def outputs(self, part: Part) -> Tensor:
        """Return what each network says of each row, `[R, width, rows]`.

        Logits of the classes or, of numbers, the scaled number.
        """

    def state(self) -> State:
        """Return the weights as they are now."""


class Network(Protocol):
    """A network's description, without weights."""

    @property
    def groups(self) -> Groups:
        """The layer groups, the output last."""

    @property
    def shapes(self) -> Mapping[str, Sequence[int]]:
        """The shape of each entry of one network."""

    @property
    def tied(self) -> Sequence[Sequence[str]]:
        """The names of each entry that has several."""

    def draw(self, groups: Sequence[str], whose: Whose) -> State:
        """Return fresh entries of these groups for each of `whose`."""

    def at_once(self, rows: int) -> int:
        """Return how many networks to train together on that many rows."""

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        frozen: Sequence[str],
        whose: Whose = FIRST,
    ) -> Learner:
        """Return a learner that starts from `state` and draws the numbers of `whose`.

        The groups named `frozen`, the first ones, neither learn nor remember: every
        entry of theirs keeps its bits.
        """
