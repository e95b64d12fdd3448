"""An axis across a cell of a table, on which intervals are drawn."""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np


class Axis(NamedTuple):
    """An axis from a low to a high value; places are percents of the cell's width."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], least: float) -> Self:
        """Return an axis that holds ± the `least` and all values that are finite."""
        known = [value for value in values if math.isfinite(value)]
        low, high = min([-least, *known]), max([least, *known])
        beside = (high - low) / 30
        return cls(low - beside, high + beside)

    def place(self, value: float) -> float:
        """Return the place of a value; values beyond the axis are at its edge."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * float(np.clip(share, 0, 1)), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The places of two to five round values, so few that they never touch."""
        least = (self.high - self.low) / 4
        unit = 10.0 ** math.floor(math.log10(least))
        step = next(unit * n for n in (1, 2, 2.5, 5, 10) if unit * n >= least)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        values = [n * step for n in range(first, last + 1)]
        return [(self.place(value), f"{value:z.6g}") for value in values]
