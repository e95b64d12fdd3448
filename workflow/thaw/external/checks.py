"""Check that a module can learn what a study needs, before any training.

It is built with two seeds, run on two rows of each problem in both modes and, for each
variant, trained on these.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from thaw.data.problem import Problem
from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.checkpoints import size_of
from thaw.learning.learner import Learner, Phase, SourceModels, State
from thaw.learning.module import ModuleNetwork, bits, rows_of, start_generators
from thaw.learning.settings import ALL_BUT_NORM_LAYERS, Training, Variant
from thaw.learning.tasks import TASKS
from thaw.learning.variants import freezes, fresh_groups, frozen_parts, phases_of


class Share(NamedTuple):
    """The parts of a network that a variant freezes, draws anew and trains.

    Each phase of a variant has its own. frozen: names of groups, or
    `ALL_BUT_NORM_LAYERS`. fresh: names of groups. frozen_weights: how many of all
    `weights`, biases included, do not learn.
    """

    variant: str
    frozen: Sequence[str]
    fresh: Sequence[str]
    frozen_weights: int
    weights: int

    def __str__(self) -> str:
        count = f"{self.frozen_weights:,} of {self.weights:,} weights"
        frozen = f"{', '.join(self.frozen) or 'nothing'} frozen ({count})"
        return f"{self.variant}: {frozen}; fresh: {', '.join(self.fresh) or 'nothing'}"


@torch.no_grad()
def check_eval_mode(name: str, network: ModuleNetwork, problem: Problem) -> None:
    """Run a network on two rows of a problem, in eval mode.

    Raises `ThawError` unless it returns, for each row, a number for each class or, in a
    regression, a single number. One of the rows has the largest token, if there are
    tokens.
    """
    module = network.built().eval()
    x = problem.train_x[:2]
    remedy = "shape in the problem arranges them in another way"
    if x.dtype == np.int64:
        every = np.concatenate([problem.train_x, problem.test_x])
        x = every[[0, every.max(1).argmax()]]
        remedy = f"for the largest token an nn.Embedding takes {x.max() + 1} rows"
    batch = rows_of(x, network.shape)
    try:
        outputs = module(batch.clone())
    except Exception as error:
        size = size_of(batch.shape)
        error.add_note(f"it got {size} numbers, 2 rows of {name}; {remedy}")
        raise
    _check_outputs(outputs, f"for {name}", problem)
    if outputs.isnan().any():
        raise ThawError(
            f"network: for {name} it returns numbers that are nan; look at its "
            "initial weights and at what forward() divides by"
        )


def check_train_mode(
    name: str, network: ModuleNetwork, problem: Problem, learning: Collection[str]
) -> None:
    """Run a network on two rows of a problem, in train mode.

    Raises `ThawError` unless it returns what it does in eval mode, and sends a gradient
    to each of the groups `learning`.
    """
    module = network.built().train()
    outputs = module(rows_of(problem.train_x[:2], network.shape).clone())
    _check_outputs(outputs, f"in train mode, for {name}", problem)
    entries = module.state_dict(keep_vars=True)
    if outputs.requires_grad:
        outputs.sum().backward()
    for group in learning:
        weights = [entries[entry] for entry in network.groups[group]]
        weights = [values for values in weights if isinstance(values, Parameter)]
        if weights and all(values.grad is None for values in weights):
            raise ThawError(
                f"network: no gradient reaches the group {group}, which should learn; "
                "let forward() use it, without no_grad(), detach() or requires_grad = "
                "False, and let variants freeze, or let network.groups put it into a "
                "group with a part that learns"
            )


def _check_outputs(outputs: Any, place: str, problem: Problem) -> None:
    """Raise `ThawError` unless these are a network's outputs for two rows."""
    shape = 2, TASKS[problem.task].width(problem.classes)
    if not isinstance(outputs, Tensor):
        kind = type(outputs).__name__
        wrong = f"{kind} instead of a tensor; return the logits, [rows, classes]"
    elif outputs.shape != shape:
        wrong = (
            f"{size_of(outputs.shape)} numbers for a batch of 2, not "
            f"{size_of(shape)}; give its function num_classes: $classes, by its own "
            "name for it, and return [rows, outputs] in both modes, without squeeze()"
        )
    elif outputs.dtype not in (torch.float32, torch.float64):
        wrong = f"{outputs.dtype}, not torch.float32; end forward() with .float()"
    # So are logits only by a rare chance.
    elif (
        shape[1] > 1 and (outputs >= 0).all() and (abs(outputs.sum(1) - 1) < 1e-5).all()
    ):
        wrong = (
            "probabilities, and the loss would take them for logits; remove the "
            "softmax at its end"
        )
    else:
        return
    raise ThawError(f"network: {place} it returns {wrong}")


@torch.no_grad()
def check_seeds(network: ModuleNetwork, problem: Problem) -> None:
    """Raise `ThawError` unless seed and weights, and they alone, decide the outputs.

    Two networks are built with one seed; a third, of another seed, gets the weights of
    the first. In eval mode all three must return the same for two rows; in train mode
    the first two, from one seed.
    """
    first, same, third = (
        network.built(seeds.Whose.repeats(0, [(0, number)])).eval()
        for number in (0, 0, 1)
    )
    entries, again = first.state_dict(), same.state_dict()
    # Before the first rows, by which some networks set themselves up.
    unseeded = [
        f"its {name} differs"
        for name, values in entries.items()
        if not torch.equal(bits(values), bits(again[name]))
    ]
    if all(map(torch.equal, first.parameters(), third.parameters())):
        raise ThawError(
            "network: its weights are the same for two seeds, so all source models and "
            "repeats would start alike; seed nothing in its function, and load no "
            "weights there (source_models: {files: […]} reads them)"
        )
    rows = rows_of(problem.train_x[:2], network.shape)
    outputs = first(rows.clone())
    if not torch.equal(first(rows.clone()), outputs):
        raise ThawError(
            "network: it answers the same rows differently from call to call in eval "
            "mode; draw random numbers only where self.training is true, as in "
            "F.dropout(x, training=self.training)"
        )
    if not torch.equal(same(rows.clone()), outputs):
        unseeded.append("its forward() differs")
    third.load_state_dict(entries)
    inherits = torch.equal(third(rows.clone()), outputs)
    in_training = []
    for module in (first, same):
        start_generators(np.random.default_rng(0))
        in_training.append(module.train()(rows.clone()))
    if not torch.equal(*in_training):
        unseeded.append("in train mode, its forward() differs")
    if unseeded:
        raise ThawError(
            f"network: {unseeded[0]} between two networks of one seed, because "
            "something comes from the system (np.random.default_rng(), the time, "
            "torch.empty); draw from torch.rand, np.random.rand or random.random, "
            "which Thaw seeds"
        )
    if not inherits:
        raise ThawError(
            "network: something random is outside its state_dict, so that networks "
            "with the same weights answer differently; register it by register_buffer, "
            "without persistent=False"
        )


def check_depth(network: ModuleNetwork, variants: Mapping[str, Variant]) -> None:
    """Raise `ThawError` for a variant that names a layer deeper than the network."""
    names = list(network.groups)
    for name, variant in variants.items():
        layers = [*variant.fresh, *variant.rate_factors]
        for freeze in freezes(variant):
            layers += [freeze] if isinstance(freeze, int | str) else freeze
        numbers = (int(layer) for layer in layers if str(layer).isdecimal())
        deepest = max(numbers, default=0)
        if deepest >= len(names):
            raise ThawError(
                f"variants.{name}: {deepest} is deeper than the network, whose groups "
                f"are {', '.join(names)}. Allowed: 0 to {len(names) - 1}, or more with "
                "more network.groups"
            )


def learning_groups(
    network: ModuleNetwork, variants: Mapping[str, Variant]
) -> list[str]:
    """Return the groups that learn in a phase of a variant, in whole or in part."""
    *_, output = network.groups
    frozen = [
        {*frozen_parts(freeze, network, [output])}
        for variant in variants.values()
        for freeze in freezes(variant)
    ]
    return [
        group
        for group, entries in network.groups.items()
        if any(group not in parts and {*entries} - parts for parts in frozen)
    ]


def check_transfer(
    name: str, source: Mapping[str, Sequence[int]], network: ModuleNetwork
) -> None:
    """Raise `ThawError` unless source models fit a network, their output aside.

    `source` are the shapes of the entries of source models from `name`.
    """
    *hidden, _ = network.groups.values()
    misfits = []
    for entry in (entry for group in hidden for entry in group):
        shape = network.shapes[entry]
        if entry not in source:
            misfits.append(f"{entry} is missing there")
        elif tuple(source[entry]) != shape:
            there = size_of(source[entry])
            misfits.append(f"{entry} is {there} there and {size_of(shape)}")
    if misfits:
        raise ThawError(
            f"network: the weights of {name} do not fit the target: "
            f"{listed(misfits, 3)}. Only the output may differ"
        )


def check_variants(
    network: ModuleNetwork,
    problem: Problem,
    variants: Mapping[str, Variant],
    source: Mapping[str, Sequence[int]] | None,
) -> Iterator[Share]:
    """Yield the effect of each phase of each variant on a network for the target.

    `source` are the shapes of the source models' entries.
    Raises `ThawError` for a variant that treats a weight in two groups differently, or
    in whose phase nothing learns or something frozen changes.
    """
    start = network.draw(list(network.groups), seeds.FIRST)
    models = SourceModels(
        {n: torch.zeros(1, *shape) for n, shape in (source or {}).items()}, [0]
    )
    module = network.built()
    for name, variant in variants.items():
        fresh = fresh_groups(variant, network, models if variant.pretrained else None)
        phases = phases_of(variant, network, fresh)
        _check_tied(name, network, fresh, phases[0].factors)
        pairs = zip(phases, freezes(variant), strict=True)
        for number, (phase, freeze) in enumerate(pairs, start=1):
            place = f"{name}, phase {number}" if variant.phases else name
            frozen = [*phase.frozen]
            if freeze == ALL_BUT_NORM_LAYERS:
                frozen = [ALL_BUT_NORM_LAYERS]
                if not network.norms:
                    raise ThawError(
                        f"variants.{place}: the network has no norm layers; name the "
                        "groups to freeze"
                    )
            counts = _count(network, module, phase)
            if counts[0] == counts[1]:
                raise ThawError(
                    f"variants.{place}: no weight of the network would learn; freeze "
                    "fewer groups"
                )
            try:
                _step(network, problem, start, phase).state()
            except ThawError as error:
                raise ThawError(f"variants.{place}: {error}") from None
            yield Share(place, frozen, fresh, *counts)


def _check_tied(
    name: str,
    network: ModuleNetwork,
    fresh: Sequence[str],
    factors: Mapping[str, float],
) -> None:
    """Raise `ThawError` if a variant draws or speeds up a weight in one group only."""
    for names in network.tied:
        groups = [g for g, entries in network.groups.items() if {*entries} & {*names}]
        if len({(group in fresh, factors.get(group, 1.0)) for group in groups}) > 1:
            raise ThawError(
                f"variants.{name}: {' and '.join(names)} are one weight; put them into "
                "one group, or let fresh and rate_factors treat their groups "
                f"({', '.join(groups)}) alike"
            )


def _count(network: ModuleNetwork, module: Module, phase: Phase) -> tuple[int, int]:
    """Return how many weights do not learn in a phase, and how many there are."""
    entries = module.state_dict(keep_vars=True)
    names = {e for part in phase.frozen for e in network.groups.get(part, [part])}
    # A weight with several names is frozen if any of them is.
    frozen = {id(entries[name]) for name in names}
    sizes = [
        (weight.numel(), id(weight) in frozen or not weight.requires_grad)
        for weight in module.parameters()
    ]
    return sum(n for n, still in sizes if still), sum(n for n, _ in sizes)


def _step(
    network: ModuleNetwork, problem: Problem, start: State, phase: Phase
) -> Learner:
    """Return a network that took one step, of any size, on two rows."""
    arrays = ("train_x", "train_y", "test_x", "test_y", "test_rows")
    two = problem._replace(**{name: getattr(problem, name)[:2] for name in arrays})
    two, _ = TASKS[problem.task].scaled(two, 2)
    learner = network.learner(start, two, Training(1, 2, 1e-3), phase)
    learner.epoch(torch.arange(2)[None])
    return learner
