"""The seam between the loop that trains and the networks that learn.

A network's description is a `Network`; together with weights and data it builds a
`Learner`, which the loop in `thaw.learning.training` drives.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.seeds import REPEAT, Whose
from thaw.learning.state import Groups, State

Part = Literal["train", "test"]

# Whose random numbers a single network draws where nobody says.
FIRST = Whose(0, REPEAT, (0,))


class Training(NamedTuple):
    """How a network learns; see the config's reference page for each.

    Either `epochs` or `steps` is set. Of several learning rates each network keeps the
    one that is best on rows held out of its own train rows, a share of
    `validation_size`. What a learner is told is one rate, or one for each network. What
    to `augment` (the fields of `thaw.learning.augmentation`), and a `device` other than
    the CPU, only modules know.
    """

    epochs: int | None
    batch_size: int
    learning_rate: Any
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    steps: int | None = None
    validation_size: float | None = None
    keep: Literal["last", "best"] = "last"
    augment: Mapping[str, Any] | None = None
    device: Literal["cpu", "cuda", "auto"] = "cpu"

    @property
    def rates(self) -> Sequence[float]:
        """The learning rates to choose from."""
        several = isinstance(self.learning_rate, Sequence)
        return self.learning_rate if several else [self.learning_rate]


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
