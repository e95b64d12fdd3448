"""Errors whose message is for the user, and untrusted text made safe to print."""

from collections.abc import Collection


class ThawError(Exception):
    """An error the user can fix. The message names the place and the remedy."""


def visible(text: str) -> str:
    r"""Return a text on one line, its unprintable characters escaped, as in `\n`.

    A terminal would obey control characters, and SVG forbids them.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def listed(names: Collection[object], most: int = 20) -> str:
    """Return the names for a message, cut short if there are very many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join([*map(str, names)][:most]) + more


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
