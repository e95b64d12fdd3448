"""Numbers for readers: to a tenth of the margin, and what their intervals cover."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from thaw.findings.samples import CONDITION

# A difference smaller than the margin by this factor is none.
NOISE = 1e-5


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


def enumerate_words(words: Iterable[Any], last: str = "and") -> str:
    """Return words as an enumeration: "1, 2 and 3"."""
    texts = list(map(str, words))
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def capitalize(words: str) -> str:
    """Return words that begin with a capital, the others as they are."""
    return f"{words[0].upper()}{words[1:]}"


def percent(share: float) -> str:
    """Return a share in percent, with a decimal if it is less than one."""
    if math.isnan(share):
        return "n/a"
    return f"{100 * share:.{0 if share >= 0.01 or share == 0 else 1}f} %"


def number(value: float, margin: float, sign: str = "-") -> str:
    """Return a score or, with `sign` "+", a gain as text.

    A margin of 0.01 shows three decimals, one of 2 K shows one. `margin` is the
    smallest difference that matters, in the score's units. A value that would be
    rounded to 0 or to the margin gets more digits, because a verdict may depend on the
    side where it lies; rounding noise has none.
    """
    for edge in (0.0, -margin, margin):
        if abs(value - edge) < NOISE * margin:
            value = edge
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return f"{value:{sign}}".replace("inf", "∞")
    decimals = max(1 - math.floor(math.log10(margin)), 0)
    edges = (0.0, abs(margin))
    while abs(value) not in edges and abs(round(value, decimals)) in edges:
        decimals += 1
    return f"{value:{sign}.{decimals}f}"


def interval(low: float, high: float, margin: float, sign: str = "-") -> str:
    """Return an interval in words; an end that the data do not bound is said so."""
    if math.isnan(low) or math.isnan(high):
        return "n/a"
    if math.isinf(low) and math.isinf(high):
        return "without a limit"
    if math.isinf(low):
        return f"at most {number(high, margin, sign)}"
    if math.isinf(high):
        return f"at least {number(low, margin, sign)}"
    return f"{number(low, margin, sign)} to {number(high, margin, sign)}"


def gain(
    value: float,
    low: float,
    high: float,
    margin: float,
    units: str = "",
    sign: str = "+",
) -> str:
    """Return a gain and its interval in words: "+0.010 (-0.002 to +0.022)"."""
    if math.isinf(value):
        size = "of unknown size" if sign == "+" else "more than can be said"
        return f"{size}, because too many networks failed"
    words = f"{number(value, margin, sign)}{units}"
    if math.isnan(low):
        return words
    return f"{words} ({interval(low, high, margin, sign)})"


def units(comparisons: pd.DataFrame) -> list[str]:
    """Return the units that a table's intervals cover, such as "30 source models"."""
    names = ["units", "unit"]
    references = comparisons[[f"reference_{name}" for name in names]]
    sides = pd.concat([comparisons[names], references.set_axis(names, axis=1)])
    return [counted(*side) for side in dict.fromkeys(sides.itertuples(index=False))]


def covers_rows(comparisons: pd.DataFrame) -> bool:
    """Whether all intervals of a table hold for other test rows, too."""
    return bool(len(comparisons) and (comparisons["row_units"] > 1).all())


def coverage(comparisons: pd.DataFrame, has_splits: bool = False) -> str:
    """Say which luck a table of comparisons covers."""
    units = {*comparisons["unit"], *comparisons["reference_unit"]}
    covered = [
        *(["source models"] if "source model" in units else []),
        *(["splits"] if has_splits and "source model" in units else []),
        "repeats",
        *(["test rows"] if covers_rows(comparisons) else []),
    ]
    words = (
        "All verdicts hold at once with 95 % (the more comparisons, the wider their "
        f"intervals), for other {enumerate_words(covered)}"
    )
    is_conditional = (comparisons["given"] == CONDITION).any()
    return f"{words}{f', but {CONDITION}' * bool(is_conditional)}."
