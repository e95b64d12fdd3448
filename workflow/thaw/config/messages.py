"""Messages about a config: how places and values are shown, always short."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from thaw.errors import ThawError, listed, shortened

# Characters of a value that are shown.
LONGEST = 100

_PLAIN = re.compile(rf"[\w-]{{1,{LONGEST}}}", re.ASCII)


def wrong(mistakes: Iterable[str]) -> ThawError:
    """Return the error that lists the mistakes, each once."""
    lines = shortened(mistakes)
    return ThawError("the config is wrong:", *(f"  {line}" for line in lines))


def shown(value: Any) -> str:
    """Return a value as Python writes it, shortened, on one line."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def path(place: Iterable[Any]) -> str:
    """Return a place, keys and positions in lists, as in `studies.ahead.pairs[0]`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            # Other keys may hold line breaks, or what no terminal can show.
            text += f".{part if _PLAIN.fullmatch(part) else shown(part)}"
    return text.lstrip(".") or "config"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question after the known name most like this one, if one is alike."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def among(name: str, known: Collection[str]) -> str:
    """Return which names are allowed, for the end of a message about another one."""
    return f"{did_you_mean(name, known)}. Allowed: {listed(known, 30) or 'none'}"


def unreadable(place: str, file: Path) -> Iterator[str]:
    """Yield what keeps a file from being read."""
    try:
        with file.open("rb"):
            return
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", error))
    yield f"{place}: {str(file)!r}: {reason} (from {shown(str(Path.cwd()))})"
