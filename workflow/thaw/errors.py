"""Errors whose message is for the user, and untrusted text made safe to print."""

from collections.abc import Collection


class ThawError(Exception):
    """Something the user can mend. The message names the place and the remedy."""


def visible(text: str) -> str:
    r"""Return a text in one line, with an escape such as `\n` for what is not printed.

    A terminal would obey control characters, and no SVG may hold them.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def listed(names: Collection[object], most: int = 20) -> str:
    """Return the names, or the first of very many, for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join([*map(str, names)][:most]) + more


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
