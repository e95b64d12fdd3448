"""The functions that users supply, in files or packages.

Jobs read this too, so it does not import pydantic.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.config.messages import unreadable


def parts_of_function(text: str) -> tuple[str, str, Path | None]:
    """Return the place and the function that `place:function` names, and the file.

    `networks.py:small_cnn` is in a file, from the working directory;
    `torchvision.models:resnet18` in an installed package, so that the file is None.
    """
    place, _, function = text.rpartition(":")
    return place, function, Path(place) if place.endswith(".py") else None


def content_of_function(text: str) -> dict[str, Any]:
    """Return what decides what a function does, as far as its name and file tell.

    For a file that is its code, but not its place; for an installed module its name.
    `libraries` are the packages whose versions count, too.
    """
    place, function, file = parts_of_function(text)
    if file is None:
        library = place.partition(".")[0]
        return {"function": function, "import": place, "libraries": [library]}
    code, libraries = keys.code_of_file(file)
    return {"function": function, "code": code, "libraries": libraries}


def mistakes_of_function(key: str, text: str) -> Iterator[str]:
    """Yield what keeps a function from being read: its place, its file."""
    place, _, file = parts_of_function(text)
    library = place.partition(".")[0]
    try:
        if file:
            keys.code_of_file(file)
        elif not library or keys.version(library) == "missing":
            yield (
                f"{key}: {library or place} is not an installed package. Allowed: "
                "an installed one, or a file, such as networks.py:small_cnn"
            )
    except OSError:
        yield from unreadable(key, Path(place))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        yield f"{key}: {place}{line}: {getattr(error, 'msg', error)}"
