"""A minimal network of any `torch.nn.Module`, which shows that the seam bears one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.learner import Part, Training
from thaw.learning.state import State, take


class ModuleNetwork:
    """Networks that a function builds; a layer group is a child with entries."""

    def __init__(self, build: Callable[[], torch.nn.Module]) -> None:
        self._build = build
        entries = build().state_dict()
        names = dict.fromkeys(name.split(".")[0] for name in entries)
        self.groups = {
            name: [entry for entry in entries if entry.split(".")[0] == name]
            for name in names
        }
        self.shapes = {name: tuple(values.shape) for name, values in entries.items()}

    def draw(
        self, groups: Sequence[str], seed: int, kind: int, numbers: Sequence[int]
    ) -> State:
        states = []
        for number in numbers:
            torch.manual_seed(seed + number)
            states.append(self._build().state_dict())
        stacked = {
            name: torch.stack([state[name] for state in states]) for name in self.shapes
        }
        return {name: stacked[name] for group in groups for name in self.groups[group]}

    def at_once(self, rows: int) -> int:
        return 30

    def learner(
        self, state: State, problem: Problem, training: Training, frozen: Sequence[str]
    ) -> "ModuleLearner":
        return ModuleLearner(self._build, state, problem, training, frozen)


class ModuleLearner:
    """Modules that learn one after the other, by autograd."""

    def __init__(
        self,
        build: Callable[[], torch.nn.Module],
        state: State,
        problem: Problem,
        training: Training,
        frozen: Sequence[str],
    ) -> None:
        self._modules = []
        for place in range(len(next(iter(state.values())))):
            module = build()
            one = take(state, [place])
            module.load_state_dict({name: values[0] for name, values in one.items()})
            self._modules.append(module)
        self._training, self._frozen = training, frozen
        self._x = {
            "train": torch.from_numpy(problem.train_x),
            "test": torch.from_numpy(problem.test_x),
        }
        self._y = torch.from_numpy(problem.train_y)

    def epoch(self, order: Tensor) -> None:
        for module, rows in zip(self._modules, order, strict=True):
            module.train()
            learning = []
            for name, child in module.named_children():
                if name in self._frozen:
                    child.eval()
                else:
                    learning += child.parameters()
            for batch in rows.split(self._training.batch_size):
                loss = torch.nn.functional.cross_entropy(
                    module(self._x["train"][batch]), self._y[batch]
                )
                gradients = torch.autograd.grad(loss, learning)
                with torch.no_grad():
                    for values, gradient in zip(learning, gradients, strict=True):
                        values -= self._training.learning_rate * gradient

    def logits(self, part: Part) -> Tensor:
        for module in self._modules:
            module.eval()
        return torch.stack([module(self._x[part]).T for module in self._modules])

    def state(self) -> State:
        states = [module.state_dict() for module in self._modules]
        return {
            name: torch.stack([state[name] for state in states]) for name in states[0]
        }
