"""The source of every random number.

A stream is named by the study's seed and fixed integers: the network (a source model or
a repeat) and the use of the numbers. Names, list positions and `hash()` play no part,
so adding a variant, a study, a source model or a repeat changes no other number. The
repeat at an address reads the same streams in every variant (common random numbers).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

# The uses of random numbers.
BATCH_ORDER = 0
WEIGHTS = 1
TRAIN_ROWS = 2
NOISE = 3  # dropout, and anything else a network draws while it learns
SPLIT = 5


class Address(NamedTuple):
    """The place of a repeat: the `repeat`-th from a source model, both from 0.

    Variants without source models have the same addresses.
    """

    source_model: int
    repeat: int


def generator(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of the stream `key` of the study's `seed`."""
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))
    )


class Whose(NamedTuple):
    """Names the random streams of some source models or repeats.

    A stream's name begins with 0 and the number of a source model, or with 1 + s and j
    for the j-th repeat from source model s. So no two share one.
    """

    seed: int
    names: Sequence[tuple[int, int]]

    @classmethod
    def source_models(cls, seed: int, numbers: Iterable[int]) -> Self:
        """Name the streams of source models."""
        return cls(seed, [(0, number) for number in numbers])

    @classmethod
    def repeats(cls, seed: int, addresses: Iterable[tuple[int, int]]) -> Self:
        """Name the streams of the repeats at these addresses."""
        return cls(seed, [(1 + model, number) for model, number in addresses])

    @property
    def addresses(self) -> list[Address]:
        """The addresses of repeats."""
        return [Address(first - 1, number) for first, number in self.names]

    @property
    def models(self) -> list[int]:
        """The number of each source model, or of the one that a repeat starts from."""
        return [first - 1 if first else number for first, number in self.names]

    def at(self, places: Iterable[int]) -> Self:
        """Return the names at these places."""
        return self._replace(names=[self.names[place] for place in places])

    def generators(self, *use: int) -> list[np.random.Generator]:
        """Return a generator for each name, for one use of the numbers."""
        return [generator(self.seed, *name, *use) for name in self.names]


# A single stream, for callers that need only one.
FIRST = Whose.repeats(0, [(0, 0)])
