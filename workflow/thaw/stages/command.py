"""The command line that all stages share: arguments, and errors in one line."""

import argparse
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from thaw import keys
from thaw.errors import ThawError, told, visible
from thaw.output.tiles import Tile


def stage_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser that shows the stage's docstring and accepts no abbreviations."""
    return argparse.ArgumentParser(description=description, allow_abbrev=False)


def json_object(text: str) -> dict[str, Any]:
    """Read a JSON object; raises `ValueError` if the text is anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the recipe of the result."""
    parser.add_argument(
        "--recipe", type=json_object, required=True, help="the recipe, as JSON"
    )


def add_problem(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the problem to learn from.

    It may be empty, so that a job of another config, or of other code, can report that
    itself.
    """
    parser.add_argument(
        "--problem",
        type=Path,
        nargs="?",
        required=True,
        help="the problem to learn from",
    )


def add_tile(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which source models or repeats."""
    parser.add_argument(
        "--tile", type=Tile.named, required=True, help="which, such as models-01-29"
    )


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the file whose function builds the network."""
    parser.add_argument(
        "--network",
        type=Path,
        nargs="?",
        help="the file with the function that builds the network, if any",
    )


def add_trainer(parser: argparse.ArgumentParser) -> None:
    """Add the options that take a trainer's files, and the time that it may take."""
    parser.add_argument(
        "--trainer", type=Path, nargs="*", default=[], help="the files of a trainer"
    )
    parser.add_argument(
        "--time-limit",
        type=int,
        default=0,
        help="for how many seconds a trainer may train a network; 0 is for ever",
    )


def recipe_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that takes a recipe, and the key of the result."""
    parser = stage_parser(description or "")
    add_recipe(parser)
    parser.add_argument("--key", required=True, help="the key of the result")
    return parser


def compute(
    stage: str,
    main: Callable[[argparse.Namespace], None],
    args: argparse.Namespace,
    needs: Sequence[str],
) -> None:
    """Run a stage that computes data, source models or scores, given as a recipe.

    `needs` are the required settings.
    """

    def checked() -> None:
        keys.check(stage, args.recipe, args.key)
        missing = [name for name in needs if name not in args.recipe["settings"]]
        if missing:
            raise ThawError(f"the recipe's settings lack {', '.join(missing)}")
        if vars(args).get("problem", "") is None:
            raise ThawError(
                "the problem to learn from is missing; the target `problems` makes it"
            )
        main(args)

    run(checked)


def run(stage: Callable[[], None]) -> None:
    """Run a stage; errors the user can fix end it with a line each and status 1.

    `OSError` covers the machine's refusals (no such file, disk full, no permission);
    `MemoryError` a job too large for it. Anything else is a bug of ours and keeps its
    traceback.
    """
    # A job that is ended removes its temporary files, as after Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # Messages from the reader of a damaged archive as it is thrown away.
    sys.unraisablehook = lambda _: None
    try:
        stage()
    except ThawError as error:
        sys.exit(told(error))
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
