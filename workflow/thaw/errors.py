"""Errors whose message is for the user, and untrusted text made safe to print."""

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

# More mistakes than this are only counted: people mend a screenful at a time.
MOST_SHOWN = 30

Value = TypeVar("Value")
Outcome = TypeVar("Outcome")


class ThawError(Exception):
    """Errors the user can fix: lines that each name a place and the remedy."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


def refuse(mistakes: Iterable[str]) -> None:
    """Raise `ThawError` with all mistakes, if there are any."""
    if lines := shortened(mistakes):
        raise ThawError(*lines)


def shortened(mistakes: Iterable[str]) -> list[str]:
    """Return mistakes, each once, the first of very many."""
    lines = list(dict.fromkeys(mistakes))
    more = len(lines) - MOST_SHOWN
    return [*lines[:MOST_SHOWN], f"… and {more} more"] if more > 0 else lines


def of_each(
    function: Callable[[Value], Outcome], values: Iterable[Value]
) -> list[Outcome]:
    """Return what the function makes of each value.

    Raises `ThawError` with the mistakes of all.
    """
    outcomes: list[Outcome] = []
    mistakes: list[str] = []
    for value in values:
        try:
            outcomes.append(function(value))
        except ThawError as error:
            mistakes += error.args
    refuse(mistakes)
    return outcomes


def visible(text: str) -> str:
    r"""Return a text on one line, its unprintable characters escaped, as in `\n`.

    A terminal would obey control characters, and SVG forbids them.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def format_error(error: ThawError) -> str:
    """Return an error's lines, safe to print; what is indented belongs to another."""
    lines = [visible(str(line)) for line in error.args]
    return "\n".join(x if x.startswith(" ") else f"error: {x}" for x in lines)


def listed(names: Collection[object], most: int = 20) -> str:
    """Return the names for a message, cut short if there are very many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join([*map(str, names)][:most]) + more
