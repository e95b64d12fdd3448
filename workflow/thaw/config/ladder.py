"""The ladder: standalone, and a variant for each number of frozen layers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from thaw.config import models

# What stands for all of them in a study's list of variants.
LADDER = "ladder"


def rungs(hidden_layers: int) -> dict[str, dict[str, Any]]:
    """Return the ladder's variants by name, as if the config described them."""
    described = {"standalone": models.Variant(pretrained=False)} | {
        f"fixed-{depth}": models.Variant(freeze=depth)
        for depth in range(hidden_layers + 1)
    }
    return {name: variant.model_dump() for name, variant in described.items()}


def climbed(variants: Sequence[str], hidden_layers: int) -> list[str]:
    """Return the names in a study's list, the ladder written out where it stands."""
    names: list[str] = []
    for name in variants:
        names += rungs(hidden_layers) if name == LADDER else [name]
    return list(dict.fromkeys(names))


def mistaken_rungs(
    study: str, hidden_layers: int, variants: Mapping[str, dict[str, Any]]
) -> Iterator[str]:
    """Yield a mistake for each variant that is named like a rung and is another."""
    for name, rung in rungs(hidden_layers).items():
        own = variants.get(name, rung)
        if own | {"training": {}} != rung:
            yield (
                f"variants.{name}: it is not what the ladder of studies.{study} means "
                "by this name; choose another name for it"
            )
