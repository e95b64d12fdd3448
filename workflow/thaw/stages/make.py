"""Make tables, figures or a page: one stage, and one process, for all of a study.

Each output has a module of its own (see `thaw.plan.outputs`).

Settings: `outputs`, their names, and their own settings.
Reads: what the modules ask for below the folder of `results`; the recipe has the keys.
Writes: `files`, and their `record`.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from thaw import keys
from thaw.output.inputs import Inputs
from thaw.output.job import Job
from thaw.output.records import publish
from thaw.plan.outputs import FIGURES, Output, named


def main(job: Job) -> None:
    """Make the results of the recipe, and their record."""
    with Inputs(job.recipe, job.input("results")) as inputs:
        contents = make_all(job.recipe, inputs)
        outputs = {path: contents[path.name] for path in job.outputs["files"]}
        publish(job.output("record"), job.recipe, inputs.saw, outputs)


def make_all(recipe: Mapping[str, Any], inputs: Inputs) -> Mapping[str, bytes]:
    """Return the contents of all files, by their names."""
    key = keys.key(recipe)
    for output in named(recipe["stage"], inputs.settings["outputs"]):
        result = make_output(output, inputs)
        if output.stage == FIGURES:
            # Named at run time, so that tables do not depend on how figures are drawn.
            style = importlib.import_module("thaw.figures.style")
            result = style.files_of(result, output.files, key)
        # Tables further down may read it.
        inputs.contents |= result
    return inputs.contents


def make_output(output: Output, inputs: Inputs) -> Any:
    """Return the result of an output's module: files by name, or a figure."""
    return importlib.import_module(output.module).make(inputs)
