"""Results: what stages make, and the keys by which they are found."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from thaw import keys


class Result(NamedTuple):
    """Something that a stage makes: its recipe, and the key that follows from it."""

    recipe: dict[str, Any]
    key: str


def result(
    stage: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Result:
    """Return what a stage makes with these settings and inputs (their keys)."""
    recipe = keys.recipe(stage, settings, inputs)
    return Result(recipe, keys.key(recipe))
