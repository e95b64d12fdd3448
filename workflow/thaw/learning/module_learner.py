"""Train a module by autograd and PyTorch's own optimizers."""

import random
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning.augmentation import Augmentation
from thaw.learning.budget import MOST_KEPT, ROWS_ASKED
from thaw.learning.learner import Part, State
from thaw.learning.seeds import AUGMENTATION, NOISE, Whose
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS


def start_generators(stream: np.random.Generator) -> None:
    """Seed every global generator that a module may draw from."""
    torch.manual_seed(int(stream.integers(2**63)))
    np.random.seed(int(stream.integers(2**32)))
    random.seed(int(stream.integers(2**63)))


class _Kept(NamedTuple):
    """Outputs of frozen parts for a data set, given their weights."""

    data: np.ndarray
    weights: State
    values: Tensor


class PassedOn:
    """Keeps the outputs of frozen parts, up to `most` numbers.

    So the frozen parts of a source model run once for all repeats that start from it.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Start empty."""
        self._kept: list[_Kept] = []
        self._most = most

    def of(self, front: Module, data: np.ndarray, x: Tensor) -> Tensor:
        """Return the output of `front` for the rows `x` of the data set `data`."""
        first = front(x[:ROWS_ASKED].clone())
        weights = front.state_dict()
        for kept in self._kept:
            if kept.data is data and _same(kept, weights, first):
                return kept.values
        numbers = first.numel() // len(first) * len(x)
        if numbers + sum(kept.values.numel() for kept in self._kept) > self._most:
            self._kept.clear()
        rest = x[ROWS_ASKED:].split(ROWS_ASKED) if len(x) > ROWS_ASKED else ()
        values = torch.cat([first, *(front(rows.clone()) for rows in rest)])
        copies = {name: entry.clone() for name, entry in weights.items()}
        self._kept.append(_Kept(data, copies, values))
        return values


def _same(kept: _Kept, weights: State, first: Tensor) -> bool:
    """Whether the weights, and their output for the first rows, are the same.

    Weights alone do not suffice: a module may hold numbers outside its entries.
    """
    return (
        torch.equal(kept.values[: len(first)], first)
        and kept.weights.keys() == weights.keys()
        and all(torch.equal(kept.weights[name], weights[name]) for name in weights)
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
        still: Sequence[Module],
        kept: Collection[str],
        problem: Problem,
        shape: Sequence[int],
        training: Training,
        whose: Whose,
        passed_on: PassedOn,
    ) -> None:
        """Start from the module as it is.

        still: its frozen parts, nested ones included. kept: the entries that must keep
        their bits. shape: a row's. whose: names the random streams of this network.
        passed_on: keeps the outputs of frozen parts at the front of a sequence, unless
        rows are augmented.

        Raises `ThawError` if the training needs a GPU and there is none.
        """
        device = device_of(training.device)
        module.to(device)
        self._module, self._still, self._training = module, still, training
        self._whose, self._epochs = whose, 0
        self._augment: Callable[[Tensor], Tensor] | None = None
        if training.augment:
            (own,) = whose.generators(AUGMENTATION)
            self._augment = partial(Augmentation(**training.augment), stream=own)
        entries = module.state_dict(keep_vars=True)
        # A parameter with several names is frozen if any of them is.
        frozen = {id(entries[name]) for name in kept}
        for parameter in module.parameters():
            if id(parameter) in frozen:
                parameter.requires_grad_(False)
        self._kept = {name: entries[name].detach().clone() for name in sorted(kept)}
        learning = [values for values in module.parameters() if values.requires_grad]
        self._optimizer = torch_optimizer(learning, training)
        self._task, weights = TASKS[problem.task], training.class_weight
        self._weights = (
            None if weights is None else torch.from_numpy(weights).to(device)
        )
        self._y = torch.from_numpy(problem.train_y.reshape(-1)).to(device)
        self._x = {
            "train": rows_of(problem.train_x, shape).to(device),
            "test": rows_of(problem.test_x, shape).to(device),
        }
        self._ahead: Callable[[Tensor], Tensor] = module
        self._seed()
        self._stop_learning()
        if not training.augment:
            self._run_frozen_parts_once(problem, passed_on)

    def epoch(self, order: Tensor) -> None:
        """Learn one epoch, int64 `[1, rows]`; see `thaw.learning.learner`."""
        self._epochs += 1
        self._seed()
        self._module.train()
        for part in self._still:
            part.training = False
        x, y = self._x["train"], self._y
        for rows in order.squeeze(0).split(self._training.batch_size):
            batch = self._augment(x[rows]) if self._augment else x[rows]
            self._optimizer.zero_grad()
            said = self._ahead(batch)
            self._task.mean_loss(said, y[rows], self._weights).backward()
            self._optimizer.step()

    @torch.no_grad()
    def outputs(self, part: Part) -> Tensor:
        """Return the network's outputs for each row, `[1, width, rows]`."""
        self._stop_learning()
        # A network may write to its rows, and these stay.
        said = [self._ahead(rows.clone()) for rows in self._x[part].split(ROWS_ASKED)]
        return torch.cat(said).T[None].cpu()

    def state(self) -> State:
        """Return the current entries.

        Raises `ThawError` if the module changed a frozen one.
        """
        state = self._module.state_dict()
        for name, before in self._kept.items():
            if not torch.equal(bits(before), bits(state[name])):
                raise ThawError(
                    f"the module changed {name}, which is frozen: its forward() or "
                    "train() writes to it, even where the part is in eval mode"
                )
        return {name: values.clone()[None].cpu() for name, values in state.items()}

    def _seed(self) -> None:
        """Seed the global generators for an epoch; 0 is before the first."""
        (stream,) = self._whose.generators(NOISE, self._epochs)
        start_generators(stream)

    def _stop_learning(self) -> None:
        self._module.eval()
        for part in self._module.modules():
            part.training = False

    @torch.no_grad()
    def _run_frozen_parts_once(self, problem: Problem, passed_on: PassedOn) -> None:
        """Compute the outputs of frozen parts at the front of a sequence once.

        Only if each row's output depends on that row alone and is always the same.
        """
        parts, still = sequence_of(self._module), {*self._still}
        count = 0
        while count < len(parts) and still.issuperset(parts[count].modules()):
            count += 1
        if not count:
            return
        front = torch.nn.Sequential(*parts[:count])
        some = self._x["train"][:ROWS_ASKED]
        together, alone = front(some.clone()), front(some[:2].clone())
        rows = sum(map(len, self._x.values()))
        if (
            together.numel() // len(some) * rows > MOST_KEPT
            or len(together) != len(some)
            or not torch.allclose(together[:2], alone, rtol=1e-3, atol=1e-5)
        ):
            return
        for part, data in (("train", problem.train_x), ("test", problem.test_x)):
            self._x[part] = passed_on.of(front, data, self._x[part])
        self._ahead = torch.nn.Sequential(*parts[count:])


def bits(values: Tensor) -> Tensor:
    """Return the bytes of a tensor, so that nan equals itself."""
    return values.reshape(-1).view(torch.uint8)


def sequence_of(module: Module) -> Sequence[Module]:
    """Return the parts of a module that runs them one after the other, or none.

    These are the children of an `nn.Sequential`, or what a module's attribute
    `in_sequence` names.
    """
    if type(module) is torch.nn.Sequential:
        return list(module)
    return list(getattr(module, "in_sequence", []))


def rows_of(x: np.ndarray, shape: Sequence[int]) -> Tensor:
    """Return data points `[…, rows, features]` as `[rows, *shape]`."""
    return torch.from_numpy(x).reshape(-1, *(shape or x.shape[-1:]))


def torch_optimizer(
    parameters: Sequence[Parameter], training: Training
) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer for these settings."""
    rate, decay = training.learning_rate, training.weight_decay
    if training.optimizer == "sgd":
        more = training.momentum, 0, decay, training.nesterov  # no dampening
        return torch.optim.SGD(parameters, rate, *more)
    adam = torch.optim.Adam if training.optimizer == "adam" else torch.optim.AdamW
    return adam(parameters, rate, weight_decay=decay)


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
