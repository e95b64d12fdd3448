"""Samples: the scores of a variant, and what was drawn independently for them.

Apart from `thaw.statistics`, so that figures need not wait for SciPy.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from thaw.output.histories import Histories

# What every statement is conditional on where a variant has one source model.
CONDITION = "given one source model"


class Sample(NamedTuple):
    """The values of one variant: `values` `[n]` and each one's source model `[n]`.

    `source_models` is None where the variant is not pretrained.
    """

    values: np.ndarray
    source_models: np.ndarray | None = None

    @property
    def models(self) -> np.ndarray:
        """The distinct source models, in order; empty if there are none."""
        return np.unique([] if self.source_models is None else self.source_models)

    @property
    def is_nested(self) -> bool:
        """Whether there are several source models, so that they are the units."""
        return len(self.models) > 1

    @property
    def is_conditional(self) -> bool:
        """Whether everything said holds given the one source model only."""
        return len(self.models) == 1

    @property
    def unit(self) -> str:
        """What was drawn independently."""
        return "source model" if self.is_nested else "repeat"

    @property
    def unit_numbers(self) -> np.ndarray:
        """The number of the unit to which each value belongs, from 0, `[n]`."""
        if self.is_nested:
            return np.searchsorted(self.models, self.source_models)
        return np.arange(len(self.values))

    def unit_means(self, values: np.ndarray | None = None) -> np.ndarray:
        """Return the mean of each unit's values `[units]`.

        `values` `[n]` stand for something else known of each value, by default
        themselves.
        """
        values = self.values if values is None else values
        numbers = self.unit_numbers
        return np.bincount(numbers, values) / np.bincount(numbers)

    def groups(self) -> list[np.ndarray]:
        """Return the values of each source model; all, where there are not several."""
        if not self.is_nested:
            return [self.values]
        numbers = self.unit_numbers
        by_model = self.values[np.argsort(numbers, kind="stable")]
        return np.split(by_model, np.cumsum(np.bincount(numbers))[:-1])


def samples(
    histories: Histories, variants: Sequence[str], metric: str = "test_accuracy"
) -> dict[str, Sample]:
    """Return each variant's scores after the last epoch as a sample, in that order."""
    return {
        variant: Sample(
            histories.final(variant, metric), histories.source_models(variant)
        )
        for variant in variants
    }
