"""The seam between the training loop and the networks that it trains.

A `Network` is a description; with weights and data it builds a `Learner`, which the
loop in `thaw.learning.training` drives.

The weights of R networks of one kind have one form everywhere, a *state*: a module's
`state_dict`, stacked, which maps an entry's name to its values in all networks,
`[R, …]`. Layer groups say which entries belong together; the last one is the output.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.seeds import FIRST, Whose
from thaw.learning.settings import Training

Part = Literal["train", "test"]

State = dict[str, Tensor]

# The names of each group's entries, by group, from the input to the output.
Groups = Mapping[str, Sequence[str]]


class SourceModels(NamedTuple):
    """Some source models: `state` holds those of `numbers`.

    classes: the names of what their output tells apart; empty if unknown, or a number.
    """

    state: State
    numbers: Sequence[int]
    classes: Sequence[str] = ()


def take(state: State, places: Sequence[int]) -> State:
    """Return the networks at these places, in this order; a single one is no copy."""
    if len(places) == 1:
        (place,) = places
        return {name: values[place : place + 1] for name, values in state.items()}
    return {name: values[list(places)] for name, values in state.items()}


def stacked(states: Sequence[State]) -> State:
    """Return several states as one, their networks one after the other.

    It takes their entries away, so that all are in memory about once.
    """
    if len(states) == 1:
        return states[0]
    names = list(states[0])
    return {name: torch.cat([state.pop(name) for state in states]) for name in names}


class Phase(NamedTuple):
    """What learns, and how, for some epochs; most trainings are a single phase.

    frozen: the groups, or single entries of a module, that neither learn nor remember:
    all their entries keep their bits. factors: what the learning rate of a group is
    multiplied by. towards: by group, the strength s of a pull to the weights w₀ from
    which the networks started: s · (w - w₀) is added to the gradient (L2-SP; Li,
    Grandvalet and Davoine 2018).
    epochs: how many there are, or all. learning_rate: its own, or the training's.
    """

    frozen: Collection[str] = ()
    factors: Mapping[str, float] = {}
    towards: Mapping[str, float] = {}
    epochs: int | None = None
    learning_rate: float | None = None


ALL_LEARN = Phase()


class Learner(Protocol):
    """R networks in training, independent of each other."""

    def begin(self, training: Training, phase: Phase) -> None:
        """Begin another phase with new optimizers, and with `training` for its steps.

        Random streams run on.
        """

    def epoch(self, order: Tensor) -> None:
        """Learn one epoch from the train rows in the order given, int64 `[R, rows]`.

        Batches are consecutive parts of it; a last, short one is kept and averaged over
        its own size. The last epoch may be cut and then has fewer rows.
        """

    def outputs(self, part: Part) -> Tensor:
        """Return each network's outputs for each row, `[R, width, rows]`.

        Logits of the classes or, in a regression, the scaled number.
        """

    def state(self) -> State:
        """Return the current weights.

        Raises `ThawError` if a user's module changed a frozen one.
        """


class Seen(NamedTuple):
    """What one network makes of some rows.

    passed_on: what all groups but the output pass on to it, `[rows, width]`; None where
    that is not known. outputs: `[rows, width]`.
    """

    passed_on: Tensor | None
    outputs: Tensor


class Network(Protocol):
    """A network's description, without weights.

    groups: the layer groups, the output last. shapes: of each entry of one network.
    tied: all names of each entry that has several. norms: the entries of norm layers.
    """

    groups: Groups
    shapes: dict[str, tuple[int, ...]]
    tied: Sequence[Sequence[str]] = ()
    norms: Collection[str] = ()

    def draw(self, groups: Sequence[str], whose: Whose) -> State:
        """Return fresh entries of these groups for each of `whose`."""

    def at_once(self, rows: int) -> int:
        """Return how many networks to train together on that many rows."""

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase = ALL_LEARN,
        whose: Whose = FIRST,
        rows: np.ndarray | None = None,
    ) -> Learner:
        """Return a learner that starts from `state` and draws the numbers of `whose`.

        `phase` is the first one, and `training` has its rate and steps.
        Each network learns from the train rows of the problem whose numbers are `rows`,
        int64 `[R, size]`, or from all. The problem's features are those of all rows,
        its labels those of `rows`.
        """

    def see(self, state: State, x: np.ndarray) -> Seen:
        """Return what the one network of `state` makes of rows `[rows, features]`."""
