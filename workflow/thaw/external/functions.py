"""Load user-supplied functions, and report the line at which they fail."""

import importlib
import importlib.util
import re
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
    told: Mapping[str, Any], file: Path | None, key: str = ""
) -> Callable[..., Any]:
    """Return the function that a recipe describes, from its file or package.

    `told` is what `thaw.config.users.content_of_function` returns. Messages about
    its code begin with `key`.
    Raises `ThawError` if it is missing, or if the file's code has changed.
    """
    if "import" in told:
        with their_errors(told["import"], key):
            module = importlib.import_module(told["import"])
        where = told["import"]
    else:
        if file is None:
            raise ThawError("the file with the function is missing")
        keys.check_unchanged(file, keys.code_of_file(file)[0], told["code"])
        spec = importlib.util.spec_from_file_location(f"brought_{file.stem}", file)
        assert spec is not None and spec.loader is not None  # its suffix is .py
        module = importlib.util.module_from_spec(spec)
        # Dataclasses and the like look for their module there.
        sys.modules[spec.name] = module
        with their_errors(str(file), key):
            spec.loader.exec_module(module)
        where = str(file)
    function = getattr(module, told["function"], None)
    if not callable(function):
        raise ThawError(f"{key}{where} does not define a function {told['function']!r}")
    return function


def in_their_words(function: Callable[..., Any], place: str) -> Callable[..., Any]:
    """Return a user's function whose errors become messages; see `their_errors`."""

    def called(*arguments: Any) -> Any:
        with their_errors(place):
            return function(*arguments)

    return called


@contextmanager
def their_errors(place: str, key: str = "") -> Iterator[None]:
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
        where = _their_line(error, place)
        if where is None or OUT_OF_MEMORY in str(error):
            raise
        reason = re.sub(r"\s+", " ", str(error)).strip()[:300]
        told = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        if isinstance(error, SystemExit):
            told += "; raise an error instead of ending the process"
        raise ThawError(f"{key}{where}: {told}") from error


def _their_line(error: BaseException, place: str) -> str | None:
    """Return the last line of the user's code in an error's traceback, if any.

    For an error within a network made of PyTorch's own parts, return the place.
    """
    is_file = place.endswith(".py")
    if isinstance(error, ImportError) and not is_file and place not in sys.modules:
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
