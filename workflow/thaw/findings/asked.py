"""Which variants a study compares, and how sure each comparison must be."""

from collections.abc import Sequence

# All comparisons of a study hold at once at 1 less this.
ALPHA = 0.05


def pairs_asked(
    variants: Sequence[str], baseline: str, pairs: Sequence[Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return what is compared: each variant with the baseline, and further pairs."""
    asked: list[tuple[str, ...]] = [
        (variant, baseline) for variant in variants if variant != baseline
    ]
    asked += map(tuple, pairs)
    return list(dict.fromkeys(asked))  # one asked for twice is one comparison


def alpha_of_each(comparisons: int) -> float:
    """Return what each comparison may be wrong in, so that all hold (Bonferroni)."""
    return ALPHA / max(1, comparisons)
