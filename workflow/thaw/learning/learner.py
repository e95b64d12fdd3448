"""The seam between the loop that trains and the networks that learn.

A network's description is a `Network`; together with weights and data it builds a
`Learner`, which the loop in `thaw.learning.training` drives.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.seeds import REPEAT, Whose
from thaw.learning.settings import Training
from thaw.learning.state import Groups, State

Part = Literal["train", "test"]

# Whose random numbers a single network draws where nobody says.
FIRST = Whose(0, REPEAT, (0,))


class Learner(Protocol):
    """R networks in training. What one learns never depends on the others."""

    def epoch(self, order: Tensor) -> None:
        """Learn one epoch from the train rows in the order given, int64 `[R, rows]`.

        The last epoch may be cut, and then has fewer of them.

        Batches are consecutive parts of it; the last, short one is kept and averaged
        over its own size.
        """

    def logits(self, part: Part) -> Tensor:
        """Return what the networks say of each row, `[R, classes, rows]`."""

    def state(self) -> State:
        """Return the weights as they are now."""


class Network(Protocol):
    """What a network looks like, without weights."""

    @property
    def groups(self) -> Groups:
        """The layer groups, the output last."""

    @property
    def shapes(self) -> Mapping[str, Sequence[int]]:
        """The shape of each entry of one network."""

    @property
    def tied(self) -> Sequence[Sequence[str]]:
        """The names of each entry that has several."""

    def draw(
        self, groups: Sequence[str], seed: int, kind: int, numbers: Sequence[int]
    ) -> State:
        """Return fresh entries of these groups for each of `numbers`.

        `kind` is what is trained (see `thaw.learning.seeds`).
        """

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
