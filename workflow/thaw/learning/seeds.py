"""Where every random number comes from, and which source model a repeat starts from.

A stream is named by the study's seed and fixed integers: what is trained (a source
model or a repeat), its number, and what the numbers are for. Names, list positions
and `hash()` play no part, so adding a variant, a study or a repeat changes no other
number. Repeat r of every variant reads the same streams (common random numbers).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# What is trained.
SOURCE_MODEL = 0
REPEAT = 1

# What the numbers are for.
BATCH_ORDER = 0
WEIGHTS = 1
TRAIN_ROWS = 2
NOISE = 3  # dropout, and whatever else a network draws while it learns
AUGMENTATION = 4


def generator(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of the stream `key` of the study's `seed`."""
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))
    )


class Whose(NamedTuple):
    """Names the random streams of some source models or repeats."""

    seed: int
    kind: int
    numbers: Sequence[int]

    def generators(self, *use: int) -> list[np.random.Generator]:
        """Return a generator for each of them; `use` is what the numbers are for."""
        return [generator(self.seed, self.kind, n, *use) for n in self.numbers]


def source_model_of(repeat: int, source_models: int) -> int:
    """Return the number of the source model from which a repeat starts."""
    return repeat % source_models
