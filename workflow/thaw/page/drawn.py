"""Intervals and scores drawn inside a page's tables: places along an axis."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from thaw.findings import verdicts

# The most bars side by side.
BARS = 150

# The CSS classes of the kinds of verdicts, and the signs beside colours.
CLASSES = {
    verdicts.BETTER: ("better", "▲ better"),
    verdicts.WORSE: ("worse", "▼ worse"),
    verdicts.EQUIVALENT: ("same", "= equivalent"),
    verdicts.UNCLEAR: ("unclear", "· not clear"),
}


class Axis(NamedTuple):
    """An axis across a cell. Places on it are percents of the cell's width."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return the place of a value; values beyond the axis are at its edge."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * float(np.clip(share, 0, 1)), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The places of some round values, and these as text."""
        rough = (self.high - self.low) / 4
        unit = 10 ** math.floor(math.log10(rough))
        step = unit * next(n for n in (1, 2, 5, 10) if n * unit >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        digits = max(0, -math.floor(math.log10(step)))
        return [
            (self.place(n * step), f"{n * step:z.{digits}f}")
            for n in range(first, last + 1)
        ]


def around(values: Iterable[float], least: float) -> Axis:
    """Return an axis that holds 0, ± the `least` and all values that are finite."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min([-least, *known]), max([least, *known])
    beside = (high - low) / 30
    return Axis(low - beside, high + beside)


class Interval(NamedTuple):
    """A difference on an axis: places of its middle, of both intervals, of the margin.

    `css` gives its look, by its verdict.
    """

    css: str
    middle: float | None
    outer: tuple[float, float] | None
    inner: tuple[float, float] | None
    band: tuple[float, float]
    zero: float


def interval(row: Mapping[str, Any], axis: Axis, margin: float) -> Interval:
    """Return a row of comparisons in drawn form; an interval without limits is None."""

    def ends(name: str) -> tuple[float, float] | None:
        low, high = row.get(f"{name}_low", math.nan), row.get(f"{name}_high", math.nan)
        known = math.isfinite(low) or math.isfinite(high)
        return (axis.place(low), axis.place(high)) if known else None

    css, _ = CLASSES.get(verdicts.kind_of(row["verdict"]), ("unclear", ""))
    middle = row["typical"]
    band = axis.place(-margin), axis.place(margin)
    shown = axis.place(middle) if math.isfinite(middle) else None
    outer, inner = ends("typical"), ends("these_rows")
    return Interval(css, shown, outer, inner, band, axis.place(0))


def bars(scores: Sequence[float], axis: Axis) -> str:
    """Return the path of an SVG, 100 wide and 20 high: the taller, the more scores.

    Heights are by square roots, so that a single one is seen.
    """
    counts, edges = np.histogram(scores, BARS, (axis.low, axis.high))
    heights = 19 * np.sqrt(counts / max(counts.max(), 1))
    middles = (edges[:-1] + edges[1:]) / 2
    return "".join(
        f"M{axis.place(place):g} 20v-{height:.1f}"
        for place, height in zip(middles, heights, strict=True)
        if height
    )
