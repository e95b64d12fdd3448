"""Functions that people bring: what is known of them unseen, and how they are called.

The config names one as `networks.py:small_cnn`, a file from the working directory, or
as `torchvision.models:resnet18`, of an installed package.
"""

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from thaw import keys
from thaw.errors import ThawError

# What PyTorch says where memory is short, which is no fault of people's code.
OUT_OF_MEMORY = "allocate memory"

# The file of PyTorch's that calls a module.
CALLS_A_MODULE = str(Path("torch", "nn", "modules", "module.py"))


class Named(NamedTuple):
    """A function by its name, and the file or the installed module that it is in."""

    place: str
    function: str

    @property
    def file(self) -> Path | None:
        """Return the file, if it is in a file."""
        return Path(self.place) if self.place.endswith(".py") else None


def named(text: str) -> Named:
    """Return what `place:function` names."""
    place, _, function = text.rpartition(":")
    return Named(place, function)


def content(text: str) -> dict[str, Any]:
    """Return what decides what a function does, as far as its name and file tell.

    Of a file that is its code, but not where it lies; of an installed module its name.
    `libraries` are the packages whose versions count, too.
    """
    place, function = named(text)
    file = named(text).file
    if file is None:
        library = place.partition(".")[0]
        return {"function": function, "import": place, "libraries": [library]}
    code, libraries = keys.code_of_file(file)
    return {"function": function, "code": code, "libraries": libraries}


def load(told: Mapping[str, Any], file: Path | None) -> Callable[..., Any]:
    """Return the function that `content` described, from its file or package.

    Raises `ThawError` if it is not there, or the file has other code by now.
    """
    if "import" in told:
        with their_errors(told["import"]):
            module = importlib.import_module(told["import"])
        where = told["import"]
    else:
        if file is None:
            raise ThawError("the file with the network's function is missing")
        if keys.code_of_file(file)[0] != told["code"]:
            raise ThawError(
                f"{file} was changed since the run began, and nothing was written; run "
                "again"
            )
        spec = importlib.util.spec_from_file_location(f"brought_{file.stem}", file)
        assert spec is not None and spec.loader is not None  # its suffix is .py
        module = importlib.util.module_from_spec(spec)
        # Dataclasses and the like look for their module there.
        sys.modules[spec.name] = module
        with their_errors(str(file)):
            spec.loader.exec_module(module)
        where = str(file)
    function = getattr(module, told["function"], None)
    if not callable(function):
        raise ThawError(f"{where} has no function {told['function']!r}")
    return function


@contextmanager
def their_errors(place: str) -> Iterator[None]:
    """Turn an error that people's code raises into one line that names their line.

    `place` is their file or module. Errors in which neither it nor any network has a
    part keep their traceback.
    """
    try:
        yield
    except (ThawError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        where = _their_line(error, place)
        if where is None or OUT_OF_MEMORY in str(error):
            raise
        reason = re.sub(r"\s+", " ", str(error)).strip()[:300]
        raise ThawError(f"{where}: {type(error).__name__}: {reason}") from error


def _their_line(error: Exception, place: str) -> str | None:
    """Return the last line of people's code that an error passed, if it passed any.

    Of an error within a network whose parts are all PyTorch's, return the place.
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
