"""A config that has been checked, in plain values, and what keys hold of it.

Keys of results hold only settings that differ from their defaults. So an option that is
added later, with a default that leaves everything as it was, changes no key.
"""

import functools
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from thaw.config import models
from thaw.config.problem import Problem
from thaw.config.values import Group
from thaw.learning.settings import BUDGETS

# Its fields are found when this runs, so no type checker can know them. A study of
# several sources is resolved into one for each.
_KEYS = [key for key in models.Study.model_fields if key != "sources"]
_StudyKeys: Any = cast(Any, namedtuple("_StudyKeys", [*_KEYS, "checkpoints"]))


class ResolvedStudy(_StudyKeys):
    """A study with everything resolved: a value for each key of its model.

    `source_models` is how many; `checkpoints` are the files of those that are files,
    and `source` is then `thaw.output.paths.CHECKPOINTS`.
    """

    __slots__ = ()


class Config(NamedTuple):
    """Problems and variants as written, with defaults filled in; studies resolved.

    Of a problem's keys those without a default are there only where they were written.
    `rankings` are the studies with several sources: of each, the studies of its
    sources, in order.
    """

    problems: dict[str, dict]
    variants: dict[str, dict]
    studies: dict[str, ResolvedStudy]
    rankings: dict[str, list[str]]
    maps: dict[str, list[str]]
    predictions: bool
    title: str
    question: str


def changed(training: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `training` with these changes; a trainer's arguments change one by one.

    Weights of no class, which turn off those of `training`, are none.
    """
    kept, found = dict(training), dict(changes)
    if any(changes.get(key) is not None for key in BUDGETS):
        kept |= dict.fromkeys(BUDGETS)
    if kept.get("arguments") and found.get("arguments"):
        found["arguments"] = kept["arguments"] | found["arguments"]
    found = kept | found
    if found.get("class_weight") == {}:
        found["class_weight"] = None
    return found


def training_of(training: Mapping[str, Any], variant: Mapping[str, Any]) -> dict:
    """Return the training of a variant of a study with this `training`.

    With phases, its epochs are their sum.
    """
    found = changed(training, variant["training"])
    if variant["phases"]:
        found["epochs"] = sum(phase["epochs"] for phase in variant["phases"])
    return found


def minimal(group: type[Group], values: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults, at every level.

    A key that is required has no default to be equal to, and stays.
    """
    left = {}
    for key, value in values.items():
        field = group.model_fields[key]
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group) and value is not None:
            value = minimal(kind, value)
        if value != field.get_default(call_default_factory=True):
            left[key] = value
    return left


def minimal_variant(values: dict[str, Any]) -> dict[str, Any]:
    """Return a variant's settings without those at their default.

    Its training is left out, too, because it is part of the training that its repeats
    get; so is what is saved, which changes no number, and what it inherits of another
    label's output, which is then fresh or not.
    """
    apart = ("training", "save", "inherit")
    own = {key: value for key, value in values.items() if key not in apart}
    own["phases"] = [minimal(models.Phase, phase) for phase in values["phases"]]
    return minimal(models.Variant, own)


def is_depth(variant: Mapping[str, Any]) -> bool:
    """Whether a variant does nothing but freeze so many layers, or none.

    `variant` is as `minimal_variant` returns it; it may inherit the output, too.
    """
    is_number = isinstance(variant.get("freeze", 0), int)
    return is_number and variant.keys() <= {"freeze", "inherit"}


minimal_problem = functools.partial(minimal, Problem)
minimal_network = functools.partial(minimal, models.Network)
minimal_training = functools.partial(minimal, models.Training)
