"""Arms of a study, each a variant at a target size: names, order, comparisons."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

# A number of train rows of the target, or all of them.
TargetSize = int | Literal["all"]

# Stands for the source's name if source models are files.
CHECKPOINTS = "checkpoints"

# All statements of a study hold at once at 1 less this: its verdicts, its statements
# about failed and weak networks, and its sets of depths share it out.
ALPHA = 0.05
OF_VERDICTS, OF_SHARES, OF_DEPTHS = 0.04, 0.005, 0.005


class Arm(NamedTuple):
    """A variant whose repeats learn from so many train rows of the target."""

    variant: str
    target_size: TargetSize

    @property
    def name(self) -> str:
        """The arm's name in paths and archives: at all rows, that of the variant."""
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


def pairs_compared(
    variants: Sequence[str], baseline: str, pairs: Sequence[Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return the comparisons: each variant with the baseline, and further pairs."""
    with_baseline = [(name, baseline) for name in variants if name != baseline]
    # A pair that is listed twice is one comparison.
    return list(dict.fromkeys([*with_baseline, *map(tuple, pairs)]))


def rivals_of_estimators(
    variants: Mapping[str, Mapping[str, Any]], baseline: str
) -> dict[str, list[str]]:
    """Return the networks that stand against each reference estimator, by its name.

    Each is compared with the baseline anyway, and with the network among these that it
    beats least surely. Where there is no such network, neither is there an estimator.
    """
    networks = [
        name
        for name, variant in variants.items()
        if "estimator" not in variant and name != baseline
    ]
    estimators = [name for name, variant in variants.items() if "estimator" in variant]
    return dict.fromkeys(estimators, networks) if networks else {}


def alpha_of_each(comparisons: int, of_all: float = OF_VERDICTS) -> float:
    """Return the error allowed to each comparison, so that all hold (Bonferroni)."""
    return of_all / max(1, comparisons)
