"""Jobs as their rules write them, and errors in one line."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self

from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError, format_error, visible
from thaw.output.problems import load_described
from thaw.output.tiles import Tile


class Job(NamedTuple):
    """A job as its rule tells it: a result's recipe and key, and its files by name.

    tile: the networks of a job that trains. more: what a result does not depend on,
    such as how the jobs of a study are cut.
    """

    stage: str
    key: str
    recipe: dict[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    outputs: Mapping[str, Sequence[Path]]
    tile: Tile = Tile(range(0))
    more: Mapping[str, Any] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the job that a rule wrote as JSON."""
        fields = json.loads(text)
        for files in (fields["inputs"], fields["outputs"]):
            files |= {name: [*map(Path, paths)] for name, paths in files.items()}
        if name := fields.pop("tile", None):
            fields["tile"] = Tile.named(name)
        return cls(**fields)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its recipe."""
        return self.recipe["settings"]

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of the results that it reads."""
        return self.recipe["inputs"]

    @property
    def module(self) -> Path | None:
        """The user's file with the function that builds the network, if any."""
        return next(iter(self.inputs.get("network", [])), None)

    def input(self, name: str) -> Path:
        """Return its only input of this name."""
        (path,) = self.inputs[name]
        return path

    def output(self, name: str) -> Path:
        """Return its only output of this name."""
        (path,) = self.outputs[name]
        return path

    def load_problem(
        self, name: str, kind: str = ""
    ) -> tuple[Problem | Pool, Description, str]:
        """Read the problem among its inputs that has this name.

        `kind` is its name in the recipe, if that is another one. For what is returned
        and raised see `load_described`.
        """
        return load_described(self.input(name), self.keys[kind or name])


def run(stage: Callable[[], None]) -> None:
    """Run a stage; errors the user can fix end it with a line each and status 1.

    `OSError` covers the machine's refusals (no such file, disk full, no permission);
    `MemoryError` a job too large for it. Anything else is a bug of ours and keeps its
    traceback.
    """
    # A job that is ended removes its temporary files, as after Ctrl-C.
    numbers = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # unless nohup ignores it
        numbers.add(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    # Messages from the reader of a damaged archive as it is thrown away.
    sys.unraisablehook = lambda _: None
    try:
        stage()
    except ThawError as error:
        sys.exit(format_error(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(visible(f"error: {place}{error.strerror or error}"))
    except (MemoryError, RuntimeError) as error:
        # torch's own error of this kind has no class of its own on a CPU.
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        sys.exit(
            "error: out of memory; lower repeats_per_job, or run fewer jobs at once "
            "(--cores)"
        )
    except KeyboardInterrupt:
        sys.exit("error: interrupted; nothing was written")
    # The process ends here. Otherwise Python would search all imports for garbage that
    # the system frees anyway: a tenth of a job's time.
    gc.freeze()


def leave() -> NoReturn:
    """End a successful stage, without taking the interpreter apart.

    With torch imported that takes a third of a second, a quarter of the time of a job
    with one repeat, to free memory that the system frees anyway. Files are closed by
    now; only the streams may hold something.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
