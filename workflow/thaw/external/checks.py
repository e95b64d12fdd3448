"""Whether a module can learn what a study asks of it, found out before anything learns.

It is built for each problem, asked about two rows and, as each variant has it, learns
from two.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.learner import SourceModels, State, Training
from thaw.learning.module import ModuleNetwork
from thaw.learning.module_learner import rows_of, sequence_of
from thaw.learning.variants import Variant, fresh_groups

# What is found out here does not depend on how large a step is.
STEP = 1e-3


class Share(NamedTuple):
    """What of a network a variant freezes, draws afresh and lets learn.

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
        return f"{self.variant}: {frozen}; afresh: {', '.join(self.fresh) or 'nothing'}"


def check_answers(name: str, network: ModuleNetwork, problem: Problem) -> None:
    """Ask a network about two rows of a problem.

    Raises `ThawError` unless it says something of each class for each row.
    """
    module = network.built().eval()
    rows = rows_of(problem.train_x[:2], network.shape)
    with torch.no_grad():
        said = module(rows)
        if not isinstance(said, torch.Tensor):
            raise ThawError(
                f"network: for {name} it returns {type(said).__name__}, which is no "
                "tensor; wrap it in a module that returns the logits, [rows, classes]"
            )
        if said.shape != (len(rows), problem.classes):
            raise ThawError(
                f"network: for {len(rows)} rows of {name}, which has {problem.classes} "
                f"classes, it returns {_shape(said.shape)} numbers, not "
                f"{_shape((len(rows), problem.classes))}; give its function "
                "num_classes: $classes, or what it calls that (where it is not told, "
                "many give 1,000)"
            )
        parts = sequence_of(module)
        if parts:
            passed_on = rows
            for part in parts:
                passed_on = part(passed_on)
            if not torch.allclose(passed_on, said, rtol=1e-3, atol=1e-5):
                raise ThawError(
                    "network: what in_sequence names, one after the other, does not "
                    "return what forward() does"
                )


def check_transfer(
    name: str, theirs: Mapping[str, Any], network: ModuleNetwork
) -> None:
    """Raise `ThawError` unless all but the output of source models fits a network.

    `theirs` are the shapes of the entries of source models from `name`.
    """
    *hidden, _ = network.groups.values()
    misfits = [
        f"{entry} is {_shape(theirs[entry])} there and {_shape(network.shapes[entry])}"
        if entry in theirs
        else f"{entry} is not there"
        for group in hidden
        for entry in group
        if tuple(theirs.get(entry, ("none",))) != network.shapes[entry]
    ]
    if misfits:
        more = f"; and {len(misfits) - 3} more" if len(misfits) > 3 else ""
        raise ThawError(
            f"network: the weights of {name} do not fit the target: "
            f"{'; '.join(misfits[:3])}{more}. Only the output may differ"
        )


def shares(
    network: ModuleNetwork,
    variants: Mapping[str, Mapping[str, Any]],
    theirs: Mapping[str, Sequence[int]] | None,
) -> Iterator[tuple[Share, State]]:
    """Yield what each variant does to a network for the target, and a state to start.

    `theirs` are the shapes of the source models' entries.
    Raises `ThawError` for a variant that asks for groups that are not there, or that
    inherits a weight in one group and draws it afresh in another.
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
                    f"variants.{name}: {' and '.join(same)} are one weight, which it "
                    "draws afresh and inherits; put them into one group"
                )
        frozen = names[: variant.freeze]
        kept = {entry for group in frozen for entry in network.groups[group]}
        entries = module.state_dict(keep_vars=True)
        still = {id(entries[entry]) for entry in kept}
        weights = list(module.parameters())
        count = sum(
            values.numel()
            for values in weights
            if id(values) in still or not values.requires_grad
        )
        total = sum(values.numel() for values in weights)
        if count == total:
            raise ThawError(f"variants.{name}: no weight of the network would learn")
        yield (
            Share(name, frozen, fresh, count, total),
            network.draw(names, 0, seeds.REPEAT, [0]),
        )


def check_learns(
    network: ModuleNetwork,
    share: Share,
    start: State,
    problem: Problem,
    in_their_words: AbstractContextManager,
) -> None:
    """Let a network learn a step from two rows, as a variant has it.

    Raises `ThawError` if what is frozen changes.
    """
    problem = problem._replace(
        train_x=problem.train_x[:2],
        train_y=problem.train_y[:2],
        test_x=problem.test_x[:2],
    )
    learner = network.learner(start, problem, Training(1, 2, STEP), share.frozen)
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
    """Raise `ThawError` if a batch is a single row, and that is too few to learn from.

    It is for batch norm. `sizes` are the numbers of train rows.
    """
    lone = [
        (rows, batch)
        for rows in sizes
        for batch in batch_sizes
        if rows == 1 or batch == 1 or rows % batch == 1
    ]
    if not lone:
        return
    state = network.draw(list(network.groups), 0, seeds.REPEAT, [0])
    one = problem._replace(
        train_x=problem.train_x[:2],
        train_y=problem.train_y[:2],
        test_x=problem.test_x[:2],
    )
    learner = network.learner(state, one, Training(1, 1, STEP), [])
    try:
        learner.epoch(torch.arange(1)[None])
    except ValueError as error:
        rows, batch = lone[0]
        raise ThawError(
            f"training.batch_size: {rows} rows in batches of {batch} leave one row for "
            f"a batch, from which the network cannot learn ({error}); choose another "
            "batch_size"
        ) from None


def _shape(shape: Sequence[int]) -> str:
    return " by ".join(map(str, shape)) or "one number"
