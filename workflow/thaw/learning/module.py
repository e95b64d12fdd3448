"""User-supplied networks: any `torch.nn.Module` that a function returns.

A layer group is a part of the module's `state_dict`. The function is called once for
each network, with the global generators of Python, NumPy and PyTorch seeded from the
network's own stream. All fresh groups come from that one module, so a fresh group of
repeat r is the same in every variant.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from thaw.data.problem import Problem
from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.budget import ROWS_ASKED
from thaw.learning.front import Front, front_of, set_mode
from thaw.learning.learner import ALL_LEARN, Phase, Seen, State
from thaw.learning.module_learner import (
    ROWS_TRIED,
    ModuleLearner,
    PassedOn,
    rows_of,
    start_generators,
)
from thaw.learning.settings import Training

# The names of classes of norm layers. Libraries have some of their own.
NORM = re.compile("(Batch|Layer|Group|Instance|RMS)Norm")


class ModuleNetwork:
    """Networks of one kind, built by a function.

    `shape` is a row's shape, for rows that are not flat. `patterns` name the layer
    groups in order (see `grouped`).
    """

    def __init__(
        self,
        build: Callable[[], Module],
        patterns: Sequence[str] = (),
        shape: Sequence[int] = (),
    ) -> None:
        """Build one to see its entries; raises `ThawError` where groups do not fit."""
        self._build, self.shape = build, tuple(shape)
        self._passed_on = PassedOn()
        self._read: tuple[Module, Front | None] | None = None
        module = self.built()
        state = module.state_dict()
        self.groups = grouped(list(state), patterns)
        self.shapes = {name: tuple(values.shape) for name, values in state.items()}
        self.tied = shared(module)
        self._patterns = {
            name: name if patterns else re.escape(name) for name in self.groups
        }
        self._parts = self._entries_of_parts(module)
        self.norms = norm_entries(module)

    def built(self, whose: seeds.Whose = seeds.FIRST) -> Module:
        """Return the one module of `whose`, as the function builds it."""
        (stream,) = whose.generators(seeds.WEIGHTS)
        start_generators(stream)
        return self._build()

    def draw(self, groups: Sequence[str], whose: seeds.Whose) -> State:
        """Return fresh entries of these groups; see `thaw.learning.learner`."""
        wanted = [entry for group in groups for entry in self.groups[group]]
        states = []
        for place in range(len(whose.names)):
            state = self.built(whose.some([place])).state_dict() if wanted else {}
            states.append({entry: state[entry].clone() for entry in wanted})
        return {entry: torch.stack([s[entry] for s in states]) for entry in wanted}

    def at_once(self, rows: int) -> int:
        """Return 1: stacking convolutions gains nothing on a CPU, and changes bits."""
        return 1

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase = ALL_LEARN,
        whose: seeds.Whose = seeds.FIRST,
        rows: np.ndarray | None = None,
    ) -> ModuleLearner:
        """Return a learner that starts from `state`, that of one network."""
        module, own = self.built(whose), None if rows is None else rows[0]
        return ModuleLearner(
            *(module, self.groups, self._parts, state, problem, self.shape, training),
            *(phase, whose, self._passed_on, own),
        )

    @torch.no_grad()
    def see(self, state: State, x: np.ndarray) -> Seen:
        """Return what one network makes of rows; see `thaw.learning.learner`."""
        rows = rows_of(x, self.shape)
        if self._read is None:
            self._read = self._to_read(rows[:ROWS_TRIED])
        module, front = self._read
        module.load_state_dict({name: v.squeeze(0) for name, v in state.items()})
        set_mode(module, module.modules())
        # Copies, because a network may write to its rows.
        outputs = torch.cat([module(part.clone()) for part in rows.split(ROWS_ASKED)])
        if front is None:
            return Seen(None, outputs)
        passed_on = torch.cat([*map(front, rows.split(ROWS_ASKED))])
        return Seen(passed_on.flatten(1), outputs)

    def _to_read(self, rows: Tensor) -> tuple[Module, Front | None]:
        """Return a module, and all of it that runs before its output, if found.

        It is looked for with fresh weights, because those of a network may have failed.
        """
        module, (*hidden, _) = self.built(), self.groups.values()
        frozen = {entry for group in hidden for entry in group}
        entries = module.state_dict(keep_vars=True)
        for entry in frozen:
            entries[entry].requires_grad_(False)
        still = {
            part
            for path, part in module.named_modules(remove_duplicate=False)
            if self._parts[path] <= frozen
        }

        def seed() -> None:
            (stream,) = seeds.FIRST.generators(seeds.NOISE)
            start_generators(stream)

        return module, front_of(module, still, [rows], seed)

    def _entries_of_parts(self, module: Module) -> dict[str, set[str]]:
        """Return the entries of each part of a module: it is frozen if all of them are.

        They are those below it. A part without any (an activation, dropout) goes with
        the group that names it or, otherwise, with the part before it.
        """
        first, *_ = self.groups.values()
        found, before = {}, {*first}
        for path, _ in module.named_modules(remove_duplicate=False):
            inside = f"{path}." if path else ""
            below = {entry for entry in self.shapes if entry.startswith(inside)}
            named = {
                entry
                for name, pattern in self._patterns.items()
                if path and is_named(pattern, path)
                for entry in self.groups[name]
            }
            found[path] = below or named or before
            own = any(entry.rpartition(".")[0] == path for entry in below)
            if own or (named and not below):
                before = found[path]
        return found


def grouped(
    entries: Sequence[str], patterns: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Return the entries of each layer group, in order.

    A pattern, a name or a regular expression, takes all entries below the parts that it
    names: `layer1` takes those of `layer1.0.conv`, but not of `layer10`. Without
    patterns each top-level part with entries is a group, and entries of the module
    itself join the first.

    Raises `ThawError` unless each pattern takes entries, and each entry is taken once.
    """
    if not entries:
        raise ThawError("network: the module has no weights; there is nothing to learn")
    if not patterns:
        parts = dict.fromkeys(name.partition(".")[0] for name in entries if "." in name)
        first = next(iter(parts), entries[0])
        found: dict[str, list[str]] = {part: [] for part in parts or [first]}
        for name in entries:
            found[name.partition(".")[0] if "." in name else first].append(name)
        return found
    found = {p: [name for name in entries if is_named(p, name)] for p in patterns}
    parts = dict.fromkeys(name.rpartition(".")[0] or name for name in entries)
    mistakes = [
        f"{pattern!r} names nothing; there is {listed(parts, 6)}"
        for pattern, own in found.items()
        if not own
    ]
    takers = {name: [p for p in patterns if name in found[p]] for name in entries}
    lost = [name for name, taking in takers.items() if not taking]
    if lost:
        mistakes.append(f"no group has {listed(lost, 6)}")
    twice = [name for name, taking in takers.items() if len(taking) > 1]
    if twice:
        both = " and ".join(map(repr, takers[twice[0]]))
        mistakes.append(f"{both} both have {listed(twice, 6)}")
    if mistakes:
        raise ThawError(f"network.groups: {'; '.join(mistakes)}")
    return found


def is_named(pattern: str, path: str) -> bool:
    """Whether a pattern names a part or an entry, or a part around it."""
    return re.match(rf"(?:{pattern})(?:\.|$)", path) is not None


def norm_entries(module: Module) -> set[str]:
    """Return the entries of norm layers, known by the names of their classes."""
    paths = {
        path
        for path, part in module.named_modules(remove_duplicate=False)
        if any(NORM.search(kind.__name__) for kind in type(part).__mro__)
    }
    return {e for e in module.state_dict() if e.rpartition(".")[0] in paths}


def shared(module: Module) -> list[list[str]]:
    """Return all names of each entry that has several: tied weights."""
    found: dict[int, list[str]] = {}
    for name, values in module.state_dict(keep_vars=True).items():
        found.setdefault(id(values), []).append(name)
    return [same for same in found.values() if len(same) > 1]
