"""Check that a module can learn what a study needs, before any training.

It is built with two seeds, run on two rows of each problem in both modes and, for each
variant, trained on two.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from thaw.data.problem import Problem
from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.checkpoints import size_of
from thaw.learning.learner import Phase, SourceModels, State
from thaw.learning.module import ModuleNetwork, bits, rows_of, start_generators
from thaw.learning.settings import ALL_BUT_NORM_LAYERS, Training, Variant
from thaw.learning.tasks import TASKS
from thaw.learning.variants import freezes, fresh_groups, frozen_parts, phases_of

SEEDED = "draw from torch.rand, np.random.rand or random.random, which Thaw seeds"

# The size of the step does not matter to the checks.
STEP = 1e-3


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
def check_tokens(name: str, network: ModuleNetwork, problem: Problem) -> None:
    """Run a network on a row with the largest token of a problem, if it has tokens.

    Raises `ThawError` if its embedding is too small.
    """
    if problem.train_x.dtype != np.int64:
        return
    x = np.concatenate([problem.train_x, problem.test_x])
    row = x.max(1).argmax()
    try:
        network.built().eval()(rows_of(x[[row]], network.shape))
    except IndexError as error:
        token = x[row].max()
        raise ThawError(
            f"network: with {token}, the largest token of {name}, it fails ({error}); "
            f"an nn.Embedding takes {token + 1} rows or more"
        ) from None


@torch.no_grad()
def check_determined(network: ModuleNetwork, problem: Problem) -> None:
    """Raise `ThawError` unless seed and weights alone decide what a network says.

    Two are built with one seed; a third, of another seed, gets the weights of the
    first. In eval mode all three must say the same of two rows; in train mode the first
    two, from one seed.
    """
    first, same, other = (
        network.built(seeds.Whose.repeats(0, [(0, n)])).eval() for n in (0, 0, 1)
    )
    for module in (first, same, other):
        shapes = {n: tuple(v.shape) for n, v in module.state_dict().items()}
        if wrong := dict(shapes.items() ^ network.shapes.items()):
            raise ThawError(
                f"network: {listed(sorted(wrong), 3)} are not in each network it "
                "builds, or not of one size; draw weights only, not which parts there "
                "are"
            )
    rows = rows_of(problem.train_x[:2], network.shape)
    entries, theirs = first.state_dict(), same.state_dict()
    # Before the first rows, by which some networks set themselves up.
    drawn = [n for n, v in entries.items() if not torch.equal(bits(v), bits(theirs[n]))]
    if (part := _differ(first, first, rows)) is not None:
        raise ThawError(
            f"network: {part} answers the same rows differently from call to call in "
            "eval mode; draw random numbers only where self.training is true, as in "
            "F.dropout(x, training=self.training)"
        )
    part = f"its {drawn[0]}" if drawn else _differ(first, same, rows)
    if part is not None:
        raise ThawError(
            f"network: {part} differs between two networks of one seed, because it "
            "comes from the system (np.random.default_rng(), the time, torch.empty); "
            f"{SEEDED}"
        )
    other.load_state_dict(first.state_dict())
    if (part := _differ(first, other, rows)) is not None:
        raise ThawError(
            f"network: {part} is random and outside the state_dict, so that networks "
            "with the same weights answer differently; register it by register_buffer, "
            "without persistent=False"
        )
    learned_from = []
    for module in (first, same):
        start_generators(np.random.default_rng(0))
        learned_from.append(module.train()(rows.clone()))
    if not torch.equal(*learned_from):
        raise ThawError(
            "network: in train mode, two networks of one seed answer differently, "
            f"because forward() draws from the system; {SEEDED}"
        )


def _differ(one: Module, other: Module, rows: Tensor) -> str | None:
    """Return where two networks first differ in what they say of rows, if they do.

    That is a buffer outside their `state_dict` or the first part that says something
    else. The networks may be one, which is then asked twice.
    """
    if torch.equal(one(rows.clone()), other(rows.clone())):
        return None
    theirs = dict(other.named_buffers())
    for name, values in one.named_buffers():
        if name not in one.state_dict() and not torch.equal(values, theirs[name]):
            return f"its buffer {name}"
    pairs = zip(_said(one, rows), _said(other, rows), strict=True)
    path = next((p for (p, a), (_, b) in pairs if not torch.equal(a, b)), "")
    return f"its part {path}" if path else "its forward()"


def _said(module: Module, rows: Tensor) -> list[tuple[str, Tensor]]:
    """Return the path and the output of each part, in the order in which they end."""
    found = []

    def note(path: str) -> Callable[[Module, Any, Any], None]:
        def noted(_: Module, __: Any, said: Any) -> None:
            first = said[0] if isinstance(said, tuple) else said
            if isinstance(first, Tensor):
                found.append((path, first.clone()))

        return noted

    hooks = [part.register_forward_hook(note(p)) for p, part in module.named_modules()]
    module(rows.clone())
    for hook in hooks:
        hook.remove()
    return found


@torch.no_grad()
def check_answers(name: str, network: ModuleNetwork, problem: Problem) -> None:
    """Run a network on two rows of a problem, in eval mode.

    Raises `ThawError` unless its weights are finite and it returns, for each row, a
    number for each class or, in a regression, a single number.
    """
    module = network.built().eval()
    for entry, values in module.named_parameters():
        if not values.isfinite().all():
            raise ThawError(
                f"network: its {entry} is not finite before anything learns; "
                "initialise it (torch.empty holds what memory held before)"
            )
    rows = rows_of(problem.train_x[:2], network.shape)
    # A network may write to its rows (x -= mean), so each call gets its own.
    said = module(rows.clone())
    _check_said(said, name, problem)
    if said.isnan().any():
        raise ThawError(
            f"network: for {name} it returns numbers that are nan; look at its "
            "initial weights and at what forward() divides by"
        )


def check_train_mode(
    name: str, network: ModuleNetwork, problem: Problem, learning: Collection[str]
) -> None:
    """Run a network on two rows of a problem, in train mode.

    Raises `ThawError` unless it returns what it does in eval mode, has the same entries
    and sends a gradient to each of the groups `learning`.
    """
    module = network.built().train()
    said = module(rows_of(problem.train_x[:2], network.shape).clone())
    _check_said(said, name, problem, "in train mode, ")
    entries = module.state_dict(keep_vars=True)
    if changed := sorted({*entries} ^ {*network.shapes}):
        raise ThawError(
            f"network: in train mode its state_dict has other entries "
            f"({listed(changed, 3)}); make all parts in its constructor"
        )
    if said.requires_grad:
        said.sum().backward()
    for group in learning:
        weights = [entries[entry] for entry in network.groups[group]]
        weights = [values for values in weights if isinstance(values, Parameter)]
        if not weights or any(values.grad is not None for values in weights):
            continue
        why = (
            "forward() does not use it, or runs it under torch.no_grad() or detach()"
            if any(values.requires_grad for values in weights)
            else "its function sets requires_grad to False"
        )
        raise ThawError(
            f"network: no gradient reaches the group {group}, which should learn: "
            f"{why}; remove that, and let variants freeze, or let network.groups put "
            "it into a group with a part that learns"
        )


def learning_groups(
    network: ModuleNetwork, variants: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the groups that learn in a phase of a variant, in whole or in part."""
    *_, output = names = list(network.groups)
    frozen = [
        {*frozen_parts(freeze, network, [output])}
        for described in variants.values()
        for freeze in freezes(Variant(**described))
    ]
    return [
        name
        for name in names
        if any(name not in f and {*network.groups[name]} - f for f in frozen)
    ]


def _check_said(said: Any, name: str, problem: Problem, mode: str = "") -> None:
    """Raise `ThawError` unless these are a network's outputs for two rows.

    `mode` says in which it was, unless in eval mode.
    """
    if not isinstance(said, Tensor):
        raise ThawError(
            f"network: {mode}for {name} it returns {type(said).__name__} instead of a "
            "tensor; wrap it in a module that returns the logits, [rows, classes]"
        )
    width = TASKS[problem.task].width(problem.classes)
    rows = len(problem.train_x[:2])
    if said.shape != (rows, width):
        if mode:
            remedy = "return the same in both modes"
        elif said.ndim != 2:
            remedy = "return [rows, outputs], without squeeze() or with flatten(1)"
        else:
            remedy = (
                "give its function num_classes: $classes, by its own name for it (the "
                "default is often 1,000)"
            )
        raise ThawError(
            f"network: {mode}for {rows} rows of {name}, which takes {width} "
            f"output{'s' if width > 1 else ''} ({problem.task}), it returns "
            f"{size_of(said.shape)} numbers, not {size_of((rows, width))}; {remedy}"
        )
    if said.dtype not in (torch.float32, torch.float64):
        told = str(said.dtype).removeprefix("torch.")
        raise ThawError(
            f"network: {mode}for {name} it returns {told} numbers, not float32; end "
            "forward() with .float(), and without argmax() or round()"
        )
    # So are logits only by a rare chance.
    if width > 1 and (said >= 0).all() and ((said.sum(1) - 1).abs() < 1e-5).all():
        raise ThawError(
            f"network: {mode}for {name} it returns probabilities, and the loss would "
            "take them for logits; remove the softmax at its end"
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
) -> Iterator[tuple[Share, Phase, State]]:
    """Yield the effect on a network for the target of each phase of each variant.

    With it come the phase and a start. `theirs` are the shapes of the source models'
    entries.
    Raises `ThawError` for a variant that names unknown groups, that inherits a weight
    in one group and draws it anew in another or has two factors for it, or in whose
    phase nothing learns.
    """
    names = list(network.groups)
    models = SourceModels(
        {n: torch.zeros(1, *s) for n, s in (theirs or {}).items()}, [0]
    )
    module, start = network.built(), network.draw(names, seeds.FIRST)
    for name, described in variants.items():
        variant = Variant(**described)
        deepest = _deepest(variant)
        if deepest >= len(names):
            raise ThawError(
                f"variants.{name}: {deepest} is deeper than the network, whose groups "
                f"are {', '.join(names)}. Allowed: 0 to {len(names) - 1}, or more with "
                "more network.groups"
            )
        fresh = fresh_groups(variant, network, models if variant.pretrained else None)
        phases = phases_of(variant, network, fresh)
        for same in network.tied:
            owners = {g for g, own in network.groups.items() if {*own} & {*same}}
            if owners & {*fresh} and owners - {*fresh}:
                raise ThawError(
                    f"variants.{name}: {' and '.join(same)} are one weight, which is "
                    "both fresh and inherited; put them into one group"
                )
            if len({phases[0].factors.get(group, 1.0) for group in owners}) > 1:
                raise ThawError(
                    f"variants.{name}.rate_factors: {' and '.join(same)} are one "
                    f"weight; give {' and '.join(sorted(owners))} the same factor"
                )
        entries = module.state_dict(keep_vars=True)
        asked = zip(phases, freezes(variant), strict=True)
        for number, (phase, freeze) in enumerate(asked, start=1):
            here = f"{name}, phase {number}" if variant.phases else name
            of_norms = freeze == ALL_BUT_NORM_LAYERS
            if of_norms and not network.norms:
                raise ThawError(
                    f"variants.{here}: the network has no norm layers; name the "
                    "groups to freeze"
                )
            kept = {e for g in phase.frozen for e in network.groups.get(g, [g])}
            still = {id(entries[entry]) for entry in kept}
            count = total = 0
            for values in module.parameters():
                total += values.numel()
                if id(values) in still or not values.requires_grad:
                    count += values.numel()
            if count == total:
                raise ThawError(
                    f"variants.{here}: no weight of the network would learn; freeze "
                    "fewer groups"
                )
            frozen = [ALL_BUT_NORM_LAYERS] if of_norms else [*phase.frozen]
            yield Share(here, frozen, fresh, count, total), phase, start


def _deepest(variant: Variant) -> int:
    """Return the number of the deepest hidden layer that a variant names."""
    layers = [*variant.fresh, *variant.rate_factors]
    for freeze in freezes(variant):
        layers += [freeze] if isinstance(freeze, int | str) else freeze
    return max((int(layer) for layer in layers if str(layer).isdecimal()), default=0)


def check_learns(
    network: ModuleNetwork,
    share: Share,
    phase: Phase,
    start: State,
    problem: Problem,
) -> None:
    """Train a network for one step on two rows, as a phase of a variant would.

    Raises `ThawError` if a frozen entry changes.
    """
    training = Training(1, 2, STEP)
    learner = network.learner(start, _two_rows(problem), training, phase)
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
    learner = network.learner(state, _two_rows(problem), Training(1, 1, STEP))
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
