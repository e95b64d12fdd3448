"""Check that a module can learn what a study needs, before any training.

It is built for each problem with two seeds, run on two rows and, for each variant,
trained on two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.checkpoints import size_of
from thaw.learning.learner import SourceModels, State
from thaw.learning.module import ModuleNetwork
from thaw.learning.module_learner import rows_of
from thaw.learning.settings import Training, Variant
from thaw.learning.tasks import TASKS
from thaw.learning.variants import fresh_groups

# The size of the step does not matter to the checks.
STEP = 1e-3


class Share(NamedTuple):
    """The parts of a network that a variant freezes, draws anew and trains.

    frozen, fresh: names of groups. frozen_weights: how many of all `weights`, biases
    included, do not learn.
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


def check_draws(network: ModuleNetwork) -> list[str]:
    """Build a network with two seeds; return the groups with the same weights in both.

    Groups of constants, such as batch norm's, do not count.
    Raises `ThawError` if no group differs.
    """
    first, second = (
        {name: values.detach() for name, values in module.named_parameters()}
        for module in (network.built(seeds.Whose.repeats(0, [(0, n)])) for n in (0, 1))
    )

    def holds(group: str, what: Callable[[Tensor, Tensor], bool]) -> bool:
        names = first.keys() & {*network.groups[group]}
        return any(what(first[name], second[name]) for name in names)

    alike = [
        group
        for group in network.groups
        if not holds(group, lambda one, other: not torch.equal(one, other))
    ]
    if alike == list(network.groups):
        raise ThawError(
            "network: its weights are the same for two seeds, so all source models and "
            "repeats would start alike; seed nothing in its function, and load no "
            "weights there (source_models: {files: […]} reads them)"
        )
    return [
        group
        for group in alike
        if holds(group, lambda one, _: bool((one != one.flatten()[0]).any()))
    ]


@torch.no_grad()
def check_answers(name: str, network: ModuleNetwork, problem: Problem) -> None:
    """Run a network on two rows of a problem.

    Raises `ThawError` unless it returns, for each row, a number for each class or, in
    a regression, a single number.
    """
    module = network.built().eval()
    rows = rows_of(problem.train_x[:2], network.shape)
    said = module(rows)
    if not isinstance(said, torch.Tensor):
        raise ThawError(
            f"network: for {name} it returns {type(said).__name__} instead of a "
            "tensor; wrap it in a module that returns the logits, [rows, classes]"
        )
    width = TASKS[problem.task].width(problem.classes)
    expected = (len(rows), width)
    if said.shape != expected:
        raise ThawError(
            f"network: for {len(rows)} rows of {name}, which takes {width} "
            f"output{'s' if width > 1 else ''} ({problem.task}), it returns "
            f"{size_of(said.shape)} numbers, not {size_of(expected)}; give its "
            "function num_classes: $classes, by its own name for it (the default is "
            "often 1,000)"
        )


def check_transfer(
    name: str, theirs: Mapping[str, Any], network: ModuleNetwork
) -> None:
    """Raise `ThawError` unless source models fit a network, their output aside.

    `theirs` are the shapes of the entries of source models from `name`.
    """
    *hidden, _ = network.groups.values()
    misfits = []
    for entry in (entry for group in hidden for entry in group):
        own = network.shapes[entry]
        if entry not in theirs:
            misfits.append(f"{entry} is missing there")
        elif tuple(theirs[entry]) != own:
            there = size_of(theirs[entry])
            misfits.append(f"{entry} is {there} there and {size_of(own)}")
    if misfits:
        raise ThawError(
            f"network: the weights of {name} do not fit the target: "
            f"{listed(misfits, 3)}. Only the output may differ"
        )


def shares(
    network: ModuleNetwork,
    variants: Mapping[str, Mapping[str, Any]],
    theirs: Mapping[str, Sequence[int]] | None,
) -> Iterator[tuple[Share, State]]:
    """Yield each variant's effect on a network for the target, and a start for it.

    `theirs` are the shapes of the source models' entries.
    Raises `ThawError` for a variant that names unknown groups, or that inherits a
    weight in one group and draws it anew in another.
    """
    names = list(network.groups)
    models = SourceModels(
        {n: torch.zeros(1, *s) for n, s in (theirs or {}).items()}, [0]
    )
    module = network.built()
    for name, described in variants.items():
        variant = Variant(**described)
        deepest = max([variant.freeze, *(f for f in variant.fresh if f != "output")])
        if deepest >= len(names):
            raise ThawError(
                f"variants.{name}: {deepest} is deeper than the network, whose groups "
                f"are {', '.join(names)}. Allowed: 0 to {len(names) - 1}"
            )
        fresh = fresh_groups(variant, network, models if variant.pretrained else None)
        for same in network.tied:
            owners = {g for g, own in network.groups.items() if {*own} & {*same}}
            if owners & {*fresh} and owners - {*fresh}:
                raise ThawError(
                    f"variants.{name}: {' and '.join(same)} are one weight, which is "
                    "both fresh and inherited; put them into one group"
                )
        frozen = names[: variant.freeze]
        kept = {entry for group in frozen for entry in network.groups[group]}
        entries = module.state_dict(keep_vars=True)
        still = {id(entries[entry]) for entry in kept}
        count = total = 0
        for values in module.parameters():
            total += values.numel()
            if id(values) in still or not values.requires_grad:
                count += values.numel()
        if count == total:
            raise ThawError(
                f"variants.{name}: no weight of the network would learn; freeze fewer "
                "groups"
            )
        yield (
            Share(name, frozen, fresh, count, total),
            network.draw(names, seeds.FIRST),
        )


def check_learns(
    network: ModuleNetwork,
    share: Share,
    start: State,
    problem: Problem,
    in_their_words: AbstractContextManager,
) -> None:
    """Train a network for one step on two rows, as a variant would.

    Raises `ThawError` if a frozen entry changes.
    """
    training = Training(1, 2, STEP)
    learner = network.learner(start, _two_rows(problem), training, share.frozen)
    with in_their_words:
        learner.epoch(torch.arange(2)[None])
    try:
        learner.state()
    except ThawError as error:
        raise ThawError(f"variants.{share.variant}: {error}") from None


def check_short_batches(
    network: ModuleNetwork,
    problem: Problem,
    sizes: Sequence[int],
    batch_sizes: Sequence[int],
) -> None:
    """Raise `ThawError` if a batch is a single row and the network needs more.

    Batch norm needs two. `sizes` are the numbers of train rows.
    """
    lone = [
        (rows, batch)
        for rows in sizes
        for batch in batch_sizes
        if rows == 1 or batch == 1 or rows % batch == 1
    ]
    if not lone:
        return
    state = network.draw(list(network.groups), seeds.FIRST)
    learner = network.learner(state, _two_rows(problem), Training(1, 1, STEP), [])
    try:
        learner.epoch(torch.arange(1)[None])
    except ValueError as error:
        rows, batch = lone[0]
        raise ThawError(
            f"training.batch_size: {rows} rows in batches of {batch} leave a batch of "
            f"one row, from which the network cannot learn ({error}); choose another "
            "batch_size"
        ) from None


def _two_rows(problem: Problem) -> Problem:
    arrays = ("train_x", "train_y", "test_x", "test_y", "test_rows")
    two = problem._replace(**{name: getattr(problem, name)[:2] for name in arrays})
    return TASKS[problem.task].scaled(two, 2)[0]
