"""Make tables, figures or a page: one stage, and one process, for all of a study.

The recipe's settings are `outputs`, the names of the results (see `thaw.plan.outputs`),
and their own settings. Each has a module of its own, which gets only the inputs that
its entry names.
"""

import argparse
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.output.inputs import Files, Inputs
from thaw.output.records import claimed
from thaw.plan.outputs import FIGURES, ON_PAGES, Output, named
from thaw.stages.command import add_recipe, leave, run, stage_parser

# The settings that every table and figure gets of its study.
ALWAYS = ("study", "source", "target")

DRAWS = ("thaw.figures.style", "thaw.figures.for_page")


def main(args: argparse.Namespace) -> None:
    """Make the results of the recipe, and their record."""
    recipe = args.recipe
    keys.check(recipe["stage"], recipe, keys.key(recipe))
    with claimed(args.record, recipe) as claim, Files(recipe, args.inputs) as files:
        made = contents(recipe, files)
        claim.publish(files.saw, {path: made[path.name] for path in args.outputs})


def contents(recipe: Mapping[str, Any], files: Files) -> Mapping[str, bytes]:
    """Return the contents of all files, by their names."""
    settings, key = recipe["settings"], keys.key(recipe)
    on_pages = []
    for output in named(recipe["stage"], settings["outputs"]):
        made = made_by(output, settings, files)
        if output.stage == FIGURES:
            # Named at run time, so that tables do not depend on how figures are drawn.
            style, page = map(importlib.import_module, DRAWS)
            drawn, made = made, style.files_of(made, output.files, key)
            if not output.shown_as_table:
                prefix = f"{key}-{output.name}"
                on_pages.append(page.for_page(drawn, output.name, prefix))
        # Tables further down may read it.
        files.made |= made
    if on_pages:
        files.made[ON_PAGES] = json.dumps(on_pages, indent=1).encode()
    return files.made


def made_by(output: Output, settings: Mapping[str, Any], files: Files) -> Any:
    """Return the result of an output's module: files by name, or a figure."""
    own = {n: settings[n] for n in (*ALWAYS, *output.settings) if n in settings}
    return importlib.import_module(output.module).make(Inputs(own, files))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
    for name, what in (
        ("inputs", "the files to read"),
        ("outputs", "the files to write"),
    ):
        parser.add_argument(f"--{name}", type=Path, nargs="*", required=True, help=what)
    parser.add_argument(
        "--record", type=Path, required=True, help="the record to write"
    )
    args = parser.parse_args()
    run(lambda: main(args))
    leave()
