"""What every stage's command line shares: arguments, and errors in one line."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from thaw.errors import ThawError


def stage_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser that shows the stage's docstring and accepts no abbreviations."""
    return argparse.ArgumentParser(description=description, allow_abbrev=False)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes a stage's settings, of which its docstring tells."""
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="the settings, as JSON"
    )


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the files into which a figure is drawn."""
    parser.add_argument(
        "--output", type=Path, nargs="+", required=True, help="the figures to write"
    )


def run(stage: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Run a stage; an error the user can mend ends it with one line and status 1.

    `OSError` covers what the machine refuses (no such file, disk full, no permission);
    `MemoryError` a job too large for it. Anything else is a bug of ours and keeps its
    traceback.
    """
    try:
        stage(args)
    except ThawError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {place}{error.strerror or error}")
    except MemoryError:
        sys.exit("error: out of memory; lower repeats_per_job in the config")
    # The process ends here. Else Python would look through everything imported, for
    # garbage that the system frees anyway: a tenth of a job's time.
    gc.freeze()


def leave() -> NoReturn:
    """End a stage that went well, without taking the interpreter apart.

    With torch imported that takes a third of a second, a quarter of what a job of one
    repeat costs, to free memory that the system frees anyway. Files are closed by now;
    only the streams may hold something.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
