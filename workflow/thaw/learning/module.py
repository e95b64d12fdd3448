"""User-supplied networks: any `torch.nn.Module` that a function returns.

A layer group is a part of the module's `state_dict`. The function is called once for
each network, with the global generators of Python, NumPy and PyTorch seeded from the
network's own stream. All fresh groups come from that one module, so a fresh group of
repeat r is the same in every variant. They learn one after the other, by autograd and
PyTorch's own optimizers.
"""

# ruff: noqa: D102 (`Network` and `Learner` explain these)

import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from thaw.data.problem import Problem
from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.budget import MOST_KEPT, ROWS_AT_ONCE
from thaw.learning.front import Front, front_of, set_mode
from thaw.learning.learner import ALL_LEARN, Learner, Network, Part, Phase, Seen, State
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS

# The names of classes of norm layers. Libraries have some of their own.
NORM = re.compile("(Batch|Layer|Group|Instance|RMS)Norm")

# Rows on which it is tried whether frozen parts need to run only once; few sequences
# are so long, whose positions could be taken for rows.
ROWS_TRIED = 17


class ModuleNetwork(Network):
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
        self.passed_on = PassedOn()
        self._seeing: tuple[Module, Front | None] | None = None
        module = self.built()
        state = module.state_dict(keep_vars=True)
        self.groups = grouped(list(state), patterns)
        self.shapes = {name: tuple(values.shape) for name, values in state.items()}
        self.tied = shared(state)
        self.norms = norm_entries(module)
        self._parts = self._entries_of_parts(module, patterns)

    def built(self, whose: seeds.Whose = seeds.FIRST) -> Module:
        """Return the one module of `whose`, as the function builds it."""
        start_generators(*whose.generators(seeds.WEIGHTS))
        return self._build()

    def draw(self, groups: Sequence[str], whose: seeds.Whose) -> State:
        entries = [entry for group in groups for entry in self.groups[group]]
        states = []
        for place in range(len(whose.names)):
            state = self.built(whose.at([place])).state_dict() if entries else {}
            states.append({entry: state[entry].clone() for entry in entries})
        return {entry: torch.stack([s[entry] for s in states]) for entry in entries}

    def at_once(self, rows: int) -> int:
        """One: stacking convolutions gains nothing on a CPU, and changes bits."""
        return 1

    def learner(
        self,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase = ALL_LEARN,
        whose: seeds.Whose = seeds.FIRST,
        rows: np.ndarray | None = None,
    ) -> "ModuleLearner":
        return ModuleLearner(self, state, problem, training, phase, whose, rows)

    @torch.no_grad()
    def see(self, state: State, x: np.ndarray) -> Seen:
        rows = rows_of(x, self.shape)
        if self._seeing is None:
            self._seeing = self._start_seeing(rows[:ROWS_TRIED])
        module, front = self._seeing
        module.load_state_dict({name: v.squeeze(0) for name, v in state.items()})
        set_mode(module, module.modules())
        # Copies, because a network may write to its rows.
        outputs = in_parts(lambda part: module(part.clone()), rows)
        return Seen(in_parts(front, rows).flatten(1) if front else None, outputs)

    def _start_seeing(self, rows: Tensor) -> tuple[Module, Front | None]:
        """Return a module, and all of it that runs before its output, if found.

        It is looked for with fresh weights, because those of a network may have failed.
        """
        module, (*hidden, _) = self.built(), self.groups.values()
        frozen = {entry for group in hidden for entry in group}
        entries = module.state_dict(keep_vars=True)
        for entry in frozen:
            entries[entry].requires_grad_(False)

        def seed() -> None:
            start_generators(*seeds.FIRST.generators(seeds.NOISE))

        return module, front_of(module, self.still(module, frozen), [rows], seed)

    def still(self, module: Module, frozen: Collection[str]) -> set[Module]:
        """Return the parts of a module that are frozen with these entries."""
        return {
            part
            for path, part in module.named_modules(remove_duplicate=False)
            if self._parts[path] <= {*frozen}
        }

    def _entries_of_parts(
        self, module: Module, patterns: Sequence[str]
    ) -> dict[str, set[str]]:
        """Return the entries of each part of a module: it is frozen if all of them are.

        They are those below it. A part without any (an activation, dropout) goes with
        the group that names it or, otherwise, with the part before it.
        """
        first, *_ = self.groups.values()
        parts, before = {}, {*first}
        for path, _ in module.named_modules(remove_duplicate=False):
            inside = f"{path}." if path else ""
            below = {entry for entry in self.shapes if entry.startswith(inside)}
            named = {
                entry
                for group, entries in self.groups.items()
                if path and is_named(group if patterns else re.escape(group), path)
                for entry in entries
            }
            parts[path] = below or named or before
            has_entries = any(entry.rpartition(".")[0] == path for entry in below)
            if has_entries or (named and not below):
                before = parts[path]
        return parts


# The weights of frozen parts and, for a part of a problem, its rows and the outputs.
_Outputs = tuple[State, dict[Part, tuple[np.ndarray, Tensor]]]


class PassedOn:
    """Keeps the outputs of frozen parts, those of one source model in each phase.

    So they run once for all repeats that start from it, which come one after the other.
    """

    def __init__(self) -> None:
        """Start empty."""
        # By the names of the frozen entries, in which phases differ.
        self._kept: dict[frozenset[str], _Outputs] = {}

    def of(
        self, front: Front, weights: State, part: Part, data: np.ndarray, x: Tensor
    ) -> Tensor:
        """Return the output of `front` for the rows `x` of the data set `data`.

        weights: the entries of frozen parts, which nobody may change. Of each part of a
        problem the last data set is kept.
        """
        entries = frozenset(weights)
        if entries not in self._kept or not _same(self._kept[entries][0], weights):
            self._kept[entries] = weights, {}
        by_part = self._kept[entries][1]
        head, *rest = x.split(ROWS_AT_ONCE)
        first = front(head)
        last_data, values = by_part.get(part, (None, first))
        # A module may hold numbers outside its entries.
        if last_data is not data or not torch.equal(values[: len(first)], first):
            values = torch.cat([first, *map(front, rest)])
            by_part[part] = data, values
        return values


def _same(before: State, now: State) -> bool:
    return before.keys() == now.keys() and all(
        torch.equal(values, now[name]) for name, values in before.items()
    )


class ModuleLearner(Learner):
    """One module in training.

    Frozen parts neither learn nor remember: their parameters get no gradient, and the
    parts stay in eval mode whatever the module's own `train()` does. So dropout is off
    and the statistics of batch norm stand still.
    """

    def __init__(
        self,
        network: ModuleNetwork,
        state: State,
        problem: Problem,
        training: Training,
        phase: Phase,
        whose: seeds.Whose,
        rows: np.ndarray | None,
    ) -> None:
        device = device_of(training.device)
        self._network, self._problem, self._whose = network, problem, whose
        self._epochs, self._module = 0, network.built(whose)
        # Nothing has learned yet, so all entries are as they came: no copies.
        self._kept = {name: values.squeeze(0) for name, values in state.items()}
        self._module.load_state_dict(self._kept)
        self._module.to(device)
        parameters = self._module.named_parameters()
        self._may_learn = {name for name, v in parameters if v.requires_grad}
        self._starts = {
            entry: self._kept[entry].to(device)
            for group in phase.towards
            for entry in network.groups[group]
        }
        self._task, weights = TASKS[problem.task], training.class_weight
        self._class_weight = (
            None if weights is None else torch.from_numpy(weights).to(device)
        )
        self._y = torch.from_numpy(problem.train_y.reshape(-1)).to(device)
        x = rows_of(problem.train_x, network.shape)
        self._rows = None if rows is None else torch.from_numpy(rows[0])
        self._x: dict[Part, Tensor] = {
            "train": (x if self._rows is None else x[self._rows]).to(device),
            "test": rows_of(problem.test_x, network.shape).to(device),
        }
        self.begin(training, phase)

    def begin(self, training: Training, phase: Phase) -> None:
        module, groups = self._module, self._network.groups
        self._training, self._steps = training, 0
        frozen = {e for name in phase.frozen for e in groups.get(name, [name])}
        entries = module.state_dict(keep_vars=True)
        self._kept = {
            name: self._kept[name]
            if name in self._kept
            else entries[name].detach().to("cpu", copy=True)
            for name in frozen
        }
        # A parameter with several names is frozen if any of them is, and so is a part
        # with several places.
        still = {id(entries[name]) for name in frozen}
        for name, parameter in module.named_parameters():
            may_learn = name in self._may_learn
            parameter.requires_grad_(may_learn and id(parameter) not in still)
        self._still = self._network.still(module, frozen)
        factors, pulls = (
            {entry: value for name, value in values.items() for entry in groups[name]}
            for values in (phase.factors, phase.towards)
        )
        self._optimizer = torch_optimizer(module, training, factors)
        self._pulled = [
            (parameter, self._starts[name], pulls[name])
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and name in pulls
        ]
        self._front: Front | None = None
        self._passed: dict[Part, Tensor] = {}
        set_mode(module, module.modules())
        if self._still:
            self._run_frozen_parts_once()
        self._seed()

    def epoch(self, order: Tensor) -> None:
        self._epochs += 1
        self._seed()
        set_mode(self._module, self._still)
        for rows in order.squeeze(0).split(self._training.batch_size):
            outputs = self._run("train", rows)
            loss = self._task.mean_loss(outputs, self._y[rows], self._class_weight)
            loss.backward()
            for weights, start, strength in self._pulled:
                if weights.grad is not None:
                    weights.grad.add_(weights.detach() - start, alpha=strength)
            rate = self._training.learning_rate
            rate *= self._training.rate_factor(self._steps)
            for group in self._optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            self._optimizer.step()
            self._steps += 1
            self._optimizer.zero_grad()  # here, as gradients take memory

    @torch.no_grad()
    def outputs(self, part: Part) -> Tensor:
        set_mode(self._module, self._module.modules())
        # Chosen by number, rows are copies: a network may write to them.
        batches = torch.arange(len(self._x[part])).split(ROWS_AT_ONCE)
        return torch.cat([self._run(part, rows) for rows in batches]).T[None].cpu()

    def state(self) -> State:
        state, kept = self._module.state_dict(), self._kept
        for name, before in kept.items():
            if not torch.equal(bits(before), bits(state[name].cpu())):
                raise ThawError(
                    f"the module changed {name}, which is frozen: its forward() or "
                    "train() writes to it, even where the part is in eval mode"
                )
        return {
            name: (kept[name] if name in kept else values.clone())[None].cpu()
            for name, values in state.items()
        }

    def _seed(self) -> None:
        """Seed the global generators for an epoch; 0 is before the first."""
        start_generators(*self._whose.generators(seeds.NOISE, self._epochs))

    def _run(self, part: Part, rows: Tensor) -> Tensor:
        """Return the module's output for some rows."""
        x = self._x[part][rows]
        if self._front:
            return self._front.rest(x, self._passed[part][rows])
        return self._module(x)

    @torch.no_grad()
    def _run_frozen_parts_once(self) -> None:
        """Compute once what the frozen parts that run first pass on, if that can be.

        The networks of a study each learn from others of all train rows, and find again
        what all pass on; fewer than half of them cost less alone.
        """
        problem = self._problem
        x = rows_of(problem.train_x, self._network.shape).to(self._y.device)
        train_x, test_x = self._x["train"], self._x["test"]
        samples = [rows[:ROWS_TRIED] for rows in (train_x, test_x)]
        front = front_of(self._module, self._still, samples, self._seed)
        if front is None:
            return
        of_all = self._rows is None or 2 * len(train_x) >= len(x)
        rows = len(x if of_all else train_x) + len(test_x)
        if front(samples[0][:1]).numel() * rows > MOST_KEPT:
            return
        pass_on = partial(self._network.passed_on.of, front, self._kept)
        try:
            test = pass_on("test", problem.test_x, test_x)
            if of_all:
                train = pass_on("train", problem.train_x, x)
                train = train if self._rows is None else train[self._rows]
            else:
                train = in_parts(front, train_x)
        except ThawError:  # for some rows other frozen parts run
            return
        self._passed, self._front = {"train": train, "test": test}, front


def start_generators(stream: np.random.Generator) -> None:
    """Seed every global generator that a module may draw from."""
    torch.manual_seed(int(stream.integers(2**63)))
    np.random.seed(int(stream.integers(2**32)))
    random.seed(int(stream.integers(2**63)))


def in_parts(run: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Return what all rows give, in batches of one size: others round differently."""
    return torch.cat([run(part) for part in rows.split(ROWS_AT_ONCE)])


def bits(values: Tensor) -> Tensor:
    """Return the bytes of a tensor, so that nan equals itself."""
    return values.reshape(-1).view(torch.uint8)


def rows_of(x: np.ndarray, shape: Sequence[int]) -> Tensor:
    """Return data points `[…, rows, features]` as `[rows, *shape]`."""
    return torch.from_numpy(x).reshape(-1, *(shape or x.shape[-1:]))


def torch_optimizer(
    module: Module, training: Training, factors: Mapping[str, float]
) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer of the parameters that learn.

    Its groups of parameters have the `factor` of their learning rate, by parameter in
    `factors`, by default 1.
    """
    rate, decay = training.learning_rate, training.weight_decay
    parameters: dict[float, list[Tensor]] = {}
    for name, values in module.named_parameters():
        if values.requires_grad:
            parameters.setdefault(factors.get(name, 1.0), []).append(values)
    groups = [
        {"params": values, "factor": times} for times, values in parameters.items()
    ]
    if training.optimizer == "sgd":
        more = training.momentum, 0, decay, training.nesterov  # no dampening
        return torch.optim.SGD(groups, rate, *more)
    adam = torch.optim.Adam if training.optimizer == "adam" else torch.optim.AdamW
    return adam(groups, rate, weight_decay=decay)


def device_of(name: str) -> torch.device:
    """Return the device: `cpu`, `cuda`, or for `auto` a GPU if there is one.

    Raises `ThawError` if there is no GPU that PyTorch can use.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        built = "sees none here" if torch.version.cuda else "is built for the CPU only"
        raise ThawError(
            f"device: cuda asks for a GPU, and PyTorch {built}; run this where there "
            "is one (a cluster's jobs ask for it, as resource gpu), or say auto or cpu"
        )
    if name == "cpu" or not there:
        return torch.device("cpu")
    # Otherwise the same job may give other bits from one run to the next.
    torch.backends.cudnn.deterministic = True
    return torch.device("cuda")


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
        groups: dict[str, list[str]] = {part: [] for part in parts or [first]}
        for name in entries:
            groups[name.partition(".")[0] if "." in name else first].append(name)
        return groups
    groups = {p: [name for name in entries if is_named(p, name)] for p in patterns}
    parts = dict.fromkeys(name.rpartition(".")[0] or name for name in entries)
    mistakes = [
        f"{pattern!r} names nothing; there is {listed(parts, 6)}"
        for pattern, names in groups.items()
        if not names
    ]
    takers = {name: [p for p in patterns if name in groups[p]] for name in entries}
    lost = [name for name, taking in takers.items() if not taking]
    if lost:
        mistakes.append(f"no group has {listed(lost, 6)}")
    twice = [name for name, taking in takers.items() if len(taking) > 1]
    if twice:
        both = " and ".join(map(repr, takers[twice[0]]))
        mistakes.append(f"{both} both have {listed(twice, 6)}")
    if mistakes:
        raise ThawError(f"network.groups: {'; '.join(mistakes)}")
    return groups


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


def shared(state: Mapping[str, Tensor]) -> list[list[str]]:
    """Return all names of each entry that has several: tied weights."""
    names_by_tensor: dict[int, list[str]] = {}
    for name, values in state.items():
        names_by_tensor.setdefault(id(values), []).append(name)
    return [names for names in names_by_tensor.values() if len(names) > 1]
