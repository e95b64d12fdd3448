"""Messages about a config: how places and values are shown, always short."""

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from thaw.errors import ThawError, shortened

# Names that are allowed; of more, the first are shown.
MOST_NAMES = 30

# Characters of a text or key. A longer one is cut in its middle; groups and lists may
# take twice as many.
LONGEST = 100

_PLAIN = re.compile(rf"[\w-]{{1,{LONGEST}}}", re.ASCII)
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = LONGEST
_SHORT.maxlevel = 3


def wrong(mistakes: Iterable[str]) -> ThawError:
    """Return the error that lists the mistakes, each once."""
    lines = shortened(mistakes)
    return ThawError("the config is wrong:", *(f"  {line}" for line in lines))


def shown(value: Any) -> str:
    """Return a value as Python writes it, shortened, on one line."""
    text = _SHORT.repr(value)
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}…"


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
    first = [*known][:MOST_NAMES] + ["…"] * (len(known) > MOST_NAMES)
    return f"{did_you_mean(name, known)}. Allowed: {', '.join(first) or 'none'}"


def unreadable(place: str, file: Path) -> Iterator[str]:
    """Yield what keeps a file from being read."""
    try:
        with file.open("rb"):
            return
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", error))
    yield f"{place}: {str(file)!r}: {reason} (from {shown(str(Path.cwd()))})"
