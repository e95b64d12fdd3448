"""Contradictions in a variant's recipe: which layers learn, when, and how fast."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from thaw.config.extents import image_classes
from thaw.config.network import OUTPUT, Kind, Layer
from thaw.config.resolved import ResolvedStudy
from thaw.config.values import MOST_EPOCHS
from thaw.data import IMAGES
from thaw.errors import ThawError
from thaw.learning.settings import ALL_BUT_NORM_LAYERS
from thaw.learning.tasks import TASKS

Described = Mapping[str, Any]
Lines = Iterator[str]


def mistakes(
    path: str,
    study: ResolvedStudy,
    kind: Kind,
    name: str,
    variant: Described,
    problems: Mapping[str, Described],
) -> Lines:
    """Yield what is wrong with a variant whose layers the study's network has.

    `path` is the study's place in the config.
    """
    here, numbers = f"variants.{name}", kind.numbered(variant)
    yield from _of_phases(path, study, here, numbers)
    freezes = {"freeze": numbers["freeze"]}
    if numbers["phases"]:
        freezes = {
            f"phases[{number}].freeze": phase["freeze"]
            for number, phase in enumerate(numbers["phases"])
        }
    frozen = {key: _frozen(freeze) for key, freeze in freezes.items()}
    still = set.intersection(*frozen.values())
    drawn = ""
    if numbers["towards"] or any(OUTPUT in layers for layers in frozen.values()):
        drawn = _why_output_is_drawn(path, study, numbers, problems)
    every = _all_layers(kind)
    for key, layers in frozen.items():
        for layer in variant["fresh"]:
            if kind.number(layer) in layers:
                yield (
                    f"{here}.fresh: {layer!r} is frozen by {key}, and a layer drawn "
                    "anew has to learn; remove it from one of them"
                )
        if drawn and OUTPUT in layers:
            yield f"{here}.{key}: the output, drawn anew {drawn}"
        if every and every <= layers and not numbers["add"]:
            yield (
                f"{here}.{key}: all layers of the network of {path} are frozen; "
                "nothing would learn. Allowed: at least one layer that learns"
            )
        if freezes[key] == ALL_BUT_NORM_LAYERS and not numbers["pretrained"]:
            yield (
                f"{here}.{key}: has no effect when pretrained is false (all layers are "
                "drawn anew, and these learn); remove it"
            )
    yield from _of_factors(here, kind, variant["rate_factors"], still)
    if numbers["towards"] and not numbers["pretrained"]:
        yield (
            f"{here}.towards: has no effect when pretrained is false (nothing is "
            "inherited); remove it"
        )
    elif numbers["towards"] and every:
        fresh = {*numbers["fresh"], *([OUTPUT] if drawn else [])}
        if every <= fresh | still:
            yield (
                f"{here}.towards: has no effect, because no inherited layer learns; "
                "remove it"
            )


def _why_output_is_drawn(
    path: str,
    study: ResolvedStudy,
    numbers: Described,
    problems: Mapping[str, Described],
) -> str:
    """Say why a variant draws the output anew without saying so; "" if it does not."""
    if not numbers["pretrained"] or OUTPUT in numbers["fresh"]:
        return ""
    if numbers["add"]:
        return "after added layers, has to learn; leave it out"
    # An unreadable folder is reported with its problem.
    with suppress(ThawError):
        if not numbers["inherit"] and is_other_label(study, problems):
            return (
                f"because source and target of {path} have other labels, has to learn; "
                "leave it out, or add inherit: output"
            )
    return ""


def is_other_label(study: ResolvedStudy, problems: Mapping[str, Described]) -> bool:
    """Whether the target's label differs from that of the source models.

    It does if their columns have other names, if images are of other classes, or if the
    tasks differ. For files this is unknown: a number then fits any other.
    """
    target = problems[study.target]
    if study.checkpoints:
        return not TASKS[target["task"]].has_classes
    ours, theirs = (
        (
            *(problem["task"], "bins" in problem),
            image_classes(problem) if IMAGES in problem else problem.get("label"),
        )
        for problem in (target, problems[study.source])
    )
    return ours != theirs


def _of_phases(path: str, study: ResolvedStudy, here: str, numbers: Described) -> Lines:
    phases, own = numbers["phases"], numbers["training"]
    if not phases:
        return
    if numbers["freeze"] != 0:
        yield f"{here}.freeze: each phase has its own; remove it"
    for key in ("epochs", "steps"):
        if own.get(key):
            yield (
                f"{here}.training.{key}: not allowed together with phases, which have "
                "epochs of their own; remove it"
            )
    if study.training["steps"] is not None:
        yield (
            f"{here}.phases: phases count epochs, and {path}.training sets steps. "
            "Allowed: a study whose training sets epochs"
        )
    if (epochs := sum(phase["epochs"] for phase in phases)) > MOST_EPOCHS:
        yield f"{here}.phases: {epochs} epochs in all. Allowed: {MOST_EPOCHS} or less"
    rate = own.get("learning_rate", study.training["learning_rate"])
    if isinstance(rate, list) and all(phase["learning_rate"] for phase in phases):
        yield (
            f"{here}.phases: each has a learning_rate, so the list in training would "
            f"choose nothing; give {here}.training a single learning_rate"
        )


def _of_factors(
    here: str, kind: Kind, factors: Mapping[Layer, float], still: Collection[Layer]
) -> Lines:
    """Yield what is wrong with factors; the layers `still` never learn."""
    seen: dict[Layer, Layer] = {}
    for key in factors:
        layer = kind.of_key(key)
        first = seen.setdefault(layer, key)
        if first != key:
            yield (
                f"{here}.rate_factors: {first!r} and {key!r} are one layer; remove one "
                "of them"
            )
        if layer in still:
            yield (
                f"{here}.rate_factors: {key!r} never learns, so its factor has no "
                "effect; remove it"
            )


def _frozen(freeze: Any) -> set[Layer]:
    """Return the layers that are frozen as a whole."""
    if freeze == ALL_BUT_NORM_LAYERS:
        return set()
    return {*range(1, freeze + 1)} if isinstance(freeze, int) else {*freeze}


def _all_layers(kind: Kind) -> set[Layer]:
    """Return all layers of a network; none if they are unknown."""
    hidden = kind.hidden_groups
    return set() if hidden is None else {*range(1, len(hidden) + 1), OUTPUT}
