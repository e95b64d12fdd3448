"""Errors whose message is for the user, and untrusted text made safe to print."""

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

# More mistakes than this are counted only: who made them mends a screenful at a time.
MOST_SHOWN = 30

Given = TypeVar("Given")
Found = TypeVar("Found")


class ThawError(Exception):
    """Errors the user can fix: lines that each name a place and the remedy."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


def refuse(mistakes: Iterable[str]) -> None:
    """Raise `ThawError` with all mistakes, if there are any."""
    if found := shortened(mistakes):
        raise ThawError(*found)


def shortened(mistakes: Iterable[str]) -> list[str]:
    """Return mistakes, each once, the first of very many."""
    lines = list(dict.fromkeys(mistakes))
    more = len(lines) - MOST_SHOWN
    return [*lines[:MOST_SHOWN], f"… and {more} more"] if more > 0 else lines


def of_each(function: Callable[[Given], Found], values: Iterable[Given]) -> list[Found]:
    """Return what the function makes of each value.

    Raises `ThawError` with the mistakes of all.
    """
    found: list[Found] = []
    mistakes: list[str] = []
    for value in values:
        try:
            found.append(function(value))
        except ThawError as error:
            mistakes += error.args
    refuse(mistakes)
    return found


def visible(text: str) -> str:
    r"""Return a text on one line, its unprintable characters escaped, as in `\n`.

    A terminal would obey control characters, and SVG forbids them.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def told(error: ThawError) -> str:
    """Return an error's lines, safe to print; what is indented belongs to another."""
    lines = [visible(str(line)) for line in error.args]
    return "\n".join(s if s.startswith(" ") else f"error: {s}" for s in lines)


def listed(names: Collection[object], most: int = 20) -> str:
    """Return the names for a message, cut short if there are very many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join([*map(str, names)][:most]) + more


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
