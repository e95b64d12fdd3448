"""Fully connected networks: their layer groups and their initial weights.

A layer is a group of two entries with the names and shapes of `torch.nn.Linear`:
`hidden-1.weight` `[R, out, in]`, `hidden-1.bias` `[R, out]`, …, `output.weight`,
`output.bias`.
"""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import linear

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import at_once
from thaw.learning.ensemble import Ensemble
from thaw.learning.layers import ACTIVATIONS, Dropout
from thaw.learning.learner import ALL_LEARN, Phase, Seen, State
from thaw.learning.rows import chosen
from thaw.learning.settings import Training

# The activations whose layers start with He et al.'s kernels.
HE = ("relu", "elu")


class FullyConnected:
    """Fully connected networks of one shape."""

    tied = ()
    norms = ()

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        width: int,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        """Describe networks with hidden layers of these widths, the first one first.

        width: the number of outputs. dropout: the share of a hidden layer's units that
        a step leaves out.
        """
        self._widths, self._activation = [features, *hidden], activation
        self._dropout = dropout
        names = [*(f"hidden-{number + 1}" for number in range(len(hidden))), "output"]
        self.groups = {name: (f"{name}.weight", f"{name}.bias") for name in names}
        fans = itertools.pairwise([*self._widths, width])
        self._fans = dict(zip(names, fans, strict=True))
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name, (fan_in, fan_out) in self._fans.items():
            self.shapes[f"{name}.weight"] = (fan_out, fan_in)
            self.shapes[f"{name}.bias"] = (fan_out,)

    def draw(self, groups: Sequence[str], whose: seeds.Whose) -> State:
        """Return fresh entries of these groups for each of `whose`, as Keras draws.

        Hidden kernels before (E)LUs are He uniform (He et al. 2015), other kernels
        Glorot uniform (Glorot and Bengio 2010), biases zero. A stream is named by the
        layer's shape and, if several layers of one shape are drawn, by its place among
        them. So fresh layers of the same shape start the same in every variant.
        """
        state, drawn = {}, Counter[tuple[int, int]]()
        for name in groups:
            fan_in, fan_out = self._fans[name]
            glorot = name == "output" or self._activation not in HE
            limit = np.sqrt(6 / (fan_in + fan_out if glorot else fan_in))
            use = (seeds.WEIGHTS, fan_in, fan_out, drawn[fan_in, fan_out])
            drawn[fan_in, fan_out] += 1
            streams = whose.generators(*use)
            shape = self.shapes[f"{name}.weight"]
            weight = np.stack([s.uniform(-limit, limit, shape) for s in streams])
            state[f"{name}.weight"] = torch.from_numpy(weight.astype(np.float32))
            state[f"{name}.bias"] = torch.zeros(len(streams), fan_out)
        return state

    def at_once(self, rows: int) -> int:
        """Return how many networks to train together: as many as fit into the cache."""
        return at_once(rows, max(self._widths))

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase = ALL_LEARN,
        whose: seeds.Whose = seeds.FIRST,
        rows: np.ndarray | None = None,
    ) -> Ensemble:
        """Return a learner that starts from `state`; see `thaw.learning.learner`."""
        if rows is not None:
            problem = problem._replace(train_x=chosen(problem.train_x, rows, of_one=2))
        return Ensemble(
            list(self.groups),
            state,
            problem,
            training,
            phase,
            self._activation,
            Dropout(self._dropout, whose) if self._dropout else None,
        )

    def see(self, state: State, x: np.ndarray) -> Seen:
        """Return what one network makes of rows; see `thaw.learning.learner`."""
        *hidden, output = [
            (state[f"{name}.weight"][0], state[f"{name}.bias"][0])
            for name in self.groups
        ]
        passed_on = torch.from_numpy(x)
        for layer in hidden:
            passed_on = ACTIVATIONS[self._activation].apply(linear(passed_on, *layer))
        return Seen(passed_on, linear(passed_on, *output))
