"""Load user-supplied functions, and report the line at which they fail."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.errors import ThawError

# PyTorch's words for a lack of memory, which is not the fault of the user's code.
OUT_OF_MEMORY = "allocate memory"

# The file in PyTorch that calls modules.
CALLS_A_MODULE = str(Path("torch", "nn", "modules", "module.py"))


def load(
    content: Mapping[str, Any], file: Path | None, key: str = ""
) -> Callable[..., Any]:
    """Return the function that a recipe describes, from its file or package.

    `content` is what `thaw.config.users.content_of_function` returns. Messages about
    its code begin with `key`.
    Raises `ThawError` if it is missing, or if the file's code has changed.
    """
    if "import" in content:
        place = content["import"]
        with errors_in_a_line(place, key):
            module = importlib.import_module(place)
    elif file is None:
        raise ThawError("the file with the function is missing")
    else:
        place = str(file)
        keys.check_unchanged(file, keys.code_of_file(file)[0], content["code"])
        spec = importlib.util.spec_from_file_location(f"user_{file.stem}", file)
        assert spec is not None and spec.loader is not None  # its suffix is .py
        module = importlib.util.module_from_spec(spec)
        # Dataclasses and the like look for their module there.
        sys.modules[spec.name] = module
        with errors_in_a_line(place, key):
            spec.loader.exec_module(module)
    name = content["function"]
    function = getattr(module, name, None)
    if not callable(function):
        raise ThawError(f"{key}{place} does not define {name!r}")
    return function


@contextmanager
def errors_in_a_line(place: str, key: str = "") -> Iterator[None]:
    """Turn an error in a user's code into one message that names its line.

    `place` is the user's file or module; the message begins with `key`. Errors that
    involve neither the place nor a network keep their traceback.
    """
    try:
        yield
    except (ThawError, MemoryError, KeyboardInterrupt):
        raise
    # `sys.exit()` would end the job without a word, as if it had succeeded.
    except (Exception, SystemExit) as error:
        line = _line_of(error, place)
        if line is None or OUT_OF_MEMORY in str(error):
            raise
        words = type(error).__name__
        if reason := " ".join(str(error).split())[:300]:
            words += f": {reason}"
        words = "; ".join([words, *getattr(error, "__notes__", [])])
        if isinstance(error, SystemExit):
            words += "; raise an error instead of ending the process"
        raise ThawError(f"{key}{line}: {words}") from error


def _line_of(error: BaseException, place: str) -> str | None:
    """Return the last line of the user's code in an error's traceback, if any.

    For an error while a package is imported, or within a network made of PyTorch's own
    parts, return the place.
    """
    is_file = place.endswith(".py")
    if not is_file and place not in sys.modules:
        return place
    home = Path(place) if is_file else Path(str(sys.modules[place].__file__)).parent
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if home.absolute() in (path, *([] if is_file else path.parents)):
            shown = place if is_file else path.relative_to(home.absolute().parent)
            return f"{shown}, line {frame.lineno}, in {frame.name}"
    calls = (f.filename.endswith(CALLS_A_MODULE) for f in frames)
    return place if any(calls) else None
