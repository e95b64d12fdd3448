"""Numbers for readers: to a tenth of the margin, and no further."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

# A difference smaller than the margin by this factor is none.
NOISE = 1e-9


def title(settings: Mapping[str, Any]) -> str:
    """Return a study's name, and its problems unless its scores are given."""
    return ": ".join(filter(None, [settings["study"], from_to(settings)]))


def from_to(settings: Mapping[str, Any]) -> str:
    """Return a study's problems as "source → target"; "" where its scores are given."""
    source, target = settings["source"], settings["target"]
    return f"{source} → {target}" if source else ""


def counted(count: int, unit: str) -> str:
    """Return so many units of a sample in words: "3 repeats", "1 draw of rows"."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def number(value: float, margin: float, sign: str = "-") -> str:
    """Return a score or, with `sign` "+", a gain as text.

    A margin of 0.01 shows three decimals, one of 2 K shows one. `margin` is the
    smallest difference that matters, in the score's units. A value rounded to 0 keeps
    its sign, because a verdict may depend on it; rounding noise has none.
    """
    if abs(value) < NOISE * margin:
        value = 0.0
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return f"{value:{sign}}".replace("inf", "∞")
    decimals = 1 - math.floor(math.log10(margin))
    if -3 <= decimals <= 6:
        return f"{value:{sign}.{max(decimals, 0)}f}"
    if value == 0:
        return f"{value:{sign}.0f}"
    # Enough digits to tell values apart that differ by a tenth of the margin.
    digits = max(decimals + math.floor(math.log10(abs(value))), 0)
    return f"{value:{sign}.{digits}e}"


def units(comparisons: pd.DataFrame) -> list[str]:
    """Return the units that a table's intervals cover, such as "30 source models"."""
    sides = [
        *zip(comparisons["units"], comparisons["unit"], strict=True),
        *zip(
            comparisons["reference_units"], comparisons["reference_unit"], strict=True
        ),
    ]
    return [counted(*side) for side in dict.fromkeys(sides)]


def gain(value: float, low: float, high: float, margin: float) -> str:
    """Return a gain and its interval in words: "+0.010 (-0.002 to +0.022)"."""
    return f"{number(value, margin, '+')} ({interval(low, high, margin, '+')})"


def interval(low: float, high: float, margin: float, sign: str = "-") -> str:
    """Return an interval in words."""
    if math.isnan(low):
        return "n/a"
    return f"{number(low, margin, sign)} to {number(high, margin, sign)}"
