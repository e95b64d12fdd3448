"""Train a module by autograd and PyTorch's own optimizers."""

import random
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning.augmentation import Augmentation
from thaw.learning.budget import MOST_KEPT, ROWS_ASKED
from thaw.learning.front import Front, front_of, set_mode
from thaw.learning.learner import Groups, Part, Phase, State
from thaw.learning.schedule import factor
from thaw.learning.seeds import AUGMENTATION, NOISE, Whose
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS

# Rows on which it is tried whether frozen parts need to run only once; few sequences
# are so long, whose positions could be taken for rows.
ROWS_TRIED = 17


def start_generators(stream: np.random.Generator) -> None:
    """Seed every global generator that a module may draw from."""
    torch.manual_seed(int(stream.integers(2**63)))
    np.random.seed(int(stream.integers(2**32)))
    random.seed(int(stream.integers(2**63)))


class PassedOn:
    """Keeps the outputs of frozen parts, those of one source model.

    So they run once for all repeats that start from it, which come one after the other.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._weights: State = {}
        self._kept: dict[Part, tuple[np.ndarray, Tensor]] = {}

    def of(
        self, front: Front, weights: State, part: Part, data: np.ndarray, x: Tensor
    ) -> Tensor:
        """Return the output of `front` for the rows `x` of the data set `data`.

        weights: the entries of frozen parts, which nobody may change. Of each part of a
        problem the last data set is kept.
        """
        if not _same(self._weights, weights):
            self._weights, self._kept = weights, {}
        head, *rest = x.split(ROWS_ASKED)
        first = front(head)
        known, values = self._kept.get(part, (None, first))
        # A module may hold numbers outside its entries.
        if known is not data or not torch.equal(values[: len(first)], first):
            values = torch.cat([first, *map(front, rest)])
            self._kept[part] = data, values
        return values


def _same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one
    )


class ModuleLearner:
    """One module in training: a `thaw.learning.learner.Learner` of one network.

    Frozen parts neither learn nor remember: their parameters get no gradient, and the
    parts stay in eval mode whatever the module's own `train()` does. So dropout is off
    and the statistics of batch norm stand still.
    """

    def __init__(
        self,
        module: Module,
        groups: Groups,
        parts: Mapping[str, Set[str]],
        state: State,
        problem: Problem,
        shape: Sequence[int],
        training: Training,
        phase: Phase,
        whose: Whose,
        passed_on: PassedOn,
        rows: np.ndarray | None = None,
    ) -> None:
        """Start from `state`, that of one network.

        groups: the module's layer groups. parts: by the path of each part, the entries
        with which it is frozen. shape: a row's. whose: names the random streams of this
        network. passed_on: keeps the outputs of frozen parts that run before all
        others, unless rows are augmented. rows: the numbers of the train rows it learns
        from, int64 `[size]`, or all.

        Raises `ThawError` if the training needs a GPU and there is none.
        """
        device = device_of(training.device)
        # Nothing has learned yet, so all entries are as they came: no copies.
        self._kept = {name: values.squeeze(0) for name, values in state.items()}
        module.load_state_dict(self._kept)
        module.to(device)
        self._module, self._groups, self._parts = module, groups, parts
        self._problem, self._shape, self._passed_on = problem, shape, passed_on
        self._whose, self._epochs = whose, 0
        self._augment: Callable[[Tensor], Tensor] | None = None
        if training.augment:
            (own,) = whose.generators(AUGMENTATION)
            self._augment = partial(Augmentation(**training.augment), stream=own)
        self._may_learn = {n for n, v in module.named_parameters() if v.requires_grad}
        self._starts = {
            entry: self._kept[entry].to(device)
            for group in phase.towards
            for entry in groups[group]
        }
        self._task, weights = TASKS[problem.task], training.class_weight
        self._weights = (
            None if weights is None else torch.from_numpy(weights).to(device)
        )
        self._y = torch.from_numpy(problem.train_y.reshape(-1)).to(device)
        x = rows_of(problem.train_x, shape)
        self._rows = None if rows is None else torch.from_numpy(rows)
        self._x = {
            "train": (x if self._rows is None else x[self._rows]).to(device),
            "test": rows_of(problem.test_x, shape).to(device),
        }
        self.begin(training, phase)

    def begin(self, training: Training, phase: Phase) -> None:
        """Begin a phase; see `thaw.learning.learner`."""
        module, self._training = self._module, training
        frozen = {e for name in phase.frozen for e in self._groups.get(name, [name])}
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
        self._still = [
            part
            for path, part in module.named_modules(remove_duplicate=False)
            if self._parts[path] <= frozen
        ]
        factors = self._by_entry(phase.factors)
        self._optimizer, self._steps = torch_optimizer(module, training, factors), 0
        strengths = self._by_entry(phase.towards)
        self._pulled = [
            (parameter, self._starts[name], strengths[name])
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and name in strengths
        ]
        self._front: Front | None = None
        self._passed: dict[Part, Tensor] = {}
        set_mode(module, module.modules())
        if self._still and not training.augment:
            self._run_frozen_parts_once()
        self._seed()

    def _by_entry(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values of groups by entry."""
        return {e: value for name, value in values.items() for e in self._groups[name]}

    def epoch(self, order: Tensor) -> None:
        """Learn one epoch, int64 `[1, rows]`; see `thaw.learning.learner`."""
        self._epochs += 1
        self._seed()
        set_mode(self._module, self._still)
        for rows in order.squeeze(0).split(self._training.batch_size):
            said = self._said("train", rows, self._augment)
            self._task.mean_loss(said, self._y[rows], self._weights).backward()
            for weights, start, strength in self._pulled:
                if weights.grad is not None:
                    weights.grad.add_(weights.detach() - start, alpha=strength)
            rate = self._training.learning_rate * factor(self._training, self._steps)
            for group in self._optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            self._optimizer.step()
            self._steps += 1
            self._optimizer.zero_grad()  # here, as gradients take memory

    @torch.no_grad()
    def outputs(self, part: Part) -> Tensor:
        """Return the network's outputs for each row, `[1, width, rows]`."""
        set_mode(self._module, self._module.modules())
        # Chosen by number, rows are copies: a network may write to them.
        batches = torch.arange(len(self._x[part])).split(ROWS_ASKED)
        said = [self._said(part, rows) for rows in batches]
        return torch.cat(said).T[None].cpu()

    def state(self) -> State:
        """Return the current entries.

        Raises `ThawError` if the module changed a frozen one.
        """
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
        (stream,) = self._whose.generators(NOISE, self._epochs)
        start_generators(stream)

    def _said(
        self,
        part: Part,
        rows: Tensor,
        change: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Return the module's output for some rows, after a `change`, if any."""
        x = self._x[part][rows]
        if self._front:
            return self._front.rest(x, self._passed[part][rows])
        return self._module(change(x) if change else x)

    @torch.no_grad()
    def _run_frozen_parts_once(self) -> None:
        """Compute once what the frozen parts that run first pass on, if that can be.

        The networks of a study each learn from others of all train rows, and find again
        what all pass on; fewer than half of them cost less alone.
        """
        problem = self._problem
        x = rows_of(problem.train_x, self._shape).to(self._y.device)
        own, tests = self._x["train"], self._x["test"]
        samples = [rows[:ROWS_TRIED] for rows in (own, tests)]
        front = front_of(self._module, {*self._still}, samples, self._seed)
        if front is None:
            return
        of_all = self._rows is None or 2 * len(own) >= len(x)
        rows = len(x if of_all else own) + len(tests)
        if front(samples[0][:1]).numel() * rows > MOST_KEPT:
            return
        asked = partial(self._passed_on.of, front, self._kept)
        try:
            test = asked("test", problem.test_x, tests)
            if of_all:
                train = asked("train", problem.train_x, x)
                train = train if self._rows is None else train[self._rows]
            else:
                train = torch.cat([*map(front, own.split(ROWS_ASKED))])
        except ThawError:  # for some rows other frozen parts run
            return
        self._passed = {"train": train, "test": test}
        self._front = front


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

    Its groups of parameters have the `factor` of their learning rate, which is 1 unless
    `factors`, by parameter, says otherwise.
    """
    rate, decay = training.learning_rate, training.weight_decay
    found: dict[tuple[float, float], list[Tensor]] = {}
    for name, values in module.named_parameters():
        if values.requires_grad:
            # By timm's rule, since libraries have norm layers of their own.
            spared = values.ndim < 2 or name.endswith("bias")
            own = 0.0 if spared and not training.decay_bias_and_norm else decay
            found.setdefault((factors.get(name, 1.0), own), []).append(values)
    groups = [
        {"params": own, "factor": times, "weight_decay": shrinks}
        for (times, shrinks), own in found.items()
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
