"""What a number is taken to be, and how surely."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A value and its interval; nan where the data do not allow one.

    An end of the interval is infinite where the data do not bound it.
    """

    value: float
    low: float
    high: float
