"""Arms of a study: a variant at a target size."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

# A number of train rows of the target, or all of them.
TargetSize = int | Literal["all"]


class Arm(NamedTuple):
    """A variant whose repeats learn from so many train rows of the target."""

    variant: str
    target_size: TargetSize

    @property
    def name(self) -> str:
        """The arm's name in paths and archives: at all rows, the variant's."""
        return (
            self.variant
            if self.target_size == "all"
            else f"{self.variant}@{self.target_size}"
        )


def arms(variants: Sequence[str], sizes: Sequence[TargetSize]) -> list[Arm]:
    """Return a study's arms, size by size, variants in the config's order."""
    return [Arm(variant, size) for size in sizes for variant in variants]


def in_order(sizes: Sequence[TargetSize]) -> list[TargetSize]:
    """Return target sizes from the smallest to all rows."""
    return sorted(sizes, key=lambda size: math.inf if size == "all" else size)
