"""Tiles: the shares of source models and repeats that training jobs get.

A repeat's address is a source model and a number (see `thaw.learning.seeds`), so a
variant's repeats fill a rectangle. A job trains a tile of it, some numbers from some
source models, and its files are named after the tile. Tiles begin and end at the same
places in every study. So a study that grows, in either direction, trains only the new
repeats and, at most, the tiles that its end had cut short.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Self

from thaw.learning.seeds import Address

# The number of repeats in a job, or Thaw's own choice.
JobSize = int | Literal["auto"]

# The ends of tiles with `repeats_per_job: auto`; beyond the last one, tiles are as long
# as it. Starting Python and PyTorch costs as much as some 200 fits of the textbook's
# network, so tiles grow until that no longer matters. A single source model gets many
# repeats, as in the textbook; with several, two each tell most at the same cost.
MODEL_ENDS = (1, 30, 150, 500, 1_500, 5_000)
ENDS_OF_ONE = (30, 100, 300, 1_000, 3_000)
ENDS_OF_SEVERAL = (2, 10, 30, 100, 300, 1_000, 3_000)

# Larger tiles are split, so that they take little memory and run side by side.
MOST_FITS = 6_000

NAMED = re.compile(r"models-(\d+)-(\d+)(?:-repeats-(\d+)-(\d+))?")


class Tile(NamedTuple):
    """Source models or, with `repeats`, the repeats of these numbers from each."""

    models: range
    repeats: range | None = None

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the tile of that name; raises `ValueError` for any other text."""
        match = NAMED.fullmatch(name)
        if not match:
            raise ValueError(name)
        ends = [int(end) for end in match.groups() if end]
        parts = zip(ends[::2], ends[1::2], strict=True)
        return cls(*(range(first, last + 1) for first, last in parts))

    @property
    def name(self) -> str:
        """Its name in paths: its kind, first and last number."""
        parts = (("models", self.models), ("repeats", self.repeats))
        return "-".join(
            f"{kind}-{numbers[0]:02d}-{numbers[-1]:02d}"
            for kind, numbers in parts
            if numbers is not None
        )

    @property
    def fits(self) -> int:
        """The number of its networks."""
        return len(self.models) * len(self.repeats or [0])

    @property
    def labels(self) -> list[str]:
        """A text for each network: a source model's number, a repeat's address."""
        if self.repeats is None:
            return [str(number) for number in self.models]
        return [f"{model}-{number}" for model, number in self.addresses]

    @property
    def addresses(self) -> list[Address]:
        """The addresses of its repeats, source model by source model."""
        pairs = itertools.product(self.models, self.repeats or [])
        return [Address(*pair) for pair in pairs]


def tiles_of_models(
    total: int, repeats_per_job: JobSize, alone: bool = False
) -> Iterator[Tile]:
    """Yield the tiles of so many source models; `alone`, each has its own."""
    for first, end in itertools.pairwise(_model_ends(repeats_per_job, alone)):
        yield Tile(range(first, min(end, total)))
        if end >= total:
            return


def tiles_of_repeats(
    models: int, repeats: int, repeats_per_job: JobSize, alone: bool = False
) -> Iterator[Tile]:
    """Yield the tiles of a variant: so many repeats from each of so many source models.

    A fixed number of repeats is filled with source models first. `alone` is as for
    `tiles_of_models`.
    """
    for first, end in itertools.pairwise(_model_ends(repeats_per_job, alone)):
        width = min(end, models) - first
        if repeats_per_job == "auto":
            numbers = _growing(ENDS_OF_ONE if end - first == 1 else ENDS_OF_SEVERAL)
        else:
            numbers = itertools.count(0, max(1, repeats_per_job // width))
        for begin, stop in itertools.pairwise(numbers):
            tile_repeats = range(begin, min(stop, repeats))
            step = end - first
            if repeats_per_job == "auto":
                parts = math.ceil(step / (MOST_FITS // (stop - begin)))
                step = math.ceil(step / parts)
            for part in range(first, first + width, step):
                last = min(part + step, first + width)
                yield Tile(range(part, last), tile_repeats)
            if stop >= repeats:
                break
        if end >= models:
            return


def _model_ends(repeats_per_job: JobSize, alone: bool) -> Iterable[int]:
    """Return the places between which tiles hold source models, beginning with 0."""
    if alone:
        return itertools.count()
    if repeats_per_job == "auto":
        return _growing(MODEL_ENDS)
    return itertools.chain([0], itertools.count(1, repeats_per_job))


def _growing(ends: Sequence[int]) -> Iterator[int]:
    """Yield 0, these places, and then ever more, as far apart as the last is from 0."""
    yield from (0, *ends)
    yield from itertools.count(2 * ends[-1], ends[-1])
