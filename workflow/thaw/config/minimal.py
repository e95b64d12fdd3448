"""The settings that differ from their defaults.

Keys of results are made from them, so that an option that is added later, with a
default that leaves everything as it was, changes no key.
"""

from typing import Any

from thaw.config import models
from thaw.config.kinds import Group


def minimal_problem(values: dict[str, Any]) -> dict[str, Any]:
    """Return a problem's settings without those at their default."""
    return minimal(models.Problem, values)


def minimal_variant(values: dict[str, Any]) -> dict[str, Any]:
    """Return a variant's settings without those at their default.

    Left out are, too, its training, which is part of the training that its repeats
    get, and what is saved, which changes no number.
    """
    apart = ("training", "save")
    own = {key: value for key, value in values.items() if key not in apart}
    return minimal(models.Variant, own)


def minimal_network(values: dict[str, Any]) -> dict[str, Any]:
    """Return a network's settings without those at their default."""
    return minimal(models.Network, values)


def minimal_training(values: dict[str, Any]) -> dict[str, Any]:
    """Return the training's settings without those at their default."""
    return minimal(models.Training, values)


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
