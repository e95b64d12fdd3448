"""Run one job, `python -m thaw.stages JOB`: JOB is what its rule wrote as JSON."""

import ast
import importlib
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from thaw import keys
from thaw.stages.command import Job, leave, run

# The stages, in the order in which a study runs them; most have a module of their name.
STAGES = (
    *("make_problem", "check_overlap", "check_network", "check_trainer"),
    *("pretrain", "read_checkpoints", "transferability", "train"),
    *("gather", "tables", "figures", "page"),
)
MODULES = {"tables": "make", "figures": "make", "page": "make"}

USAGE = """\
Usage: python -m thaw.stages JOB

Run one job. JOB is JSON: the "stage", the "key" of the result and its "recipe"
("settings" among others), "inputs" and "outputs" as lists of paths by name, the "tile"
of a job that trains and, as "more", what the result does not depend on. `snakemake -np`
prints the commands of a run. An error that the user can mend ends a job in one line.
"""


def describe_stages() -> Iterator[str]:
    """Yield how to run a job, and what each stage reads and writes.

    The docstrings are read without an import, which would take a second.
    """
    yield USAGE
    for stage in STAGES:
        path = Path(__file__).with_name(f"{MODULES.get(stage, stage)}.py")
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        yield f"{stage}:\n{textwrap.indent(text or '', '    ')}\n"


def main(argument: str) -> None:
    """Run the job that a rule wrote as JSON."""
    job = Job.parse(argument)
    # Now, while Ctrl-C still ends the job quietly (see `thaw.stages`).
    module = MODULES.get(job.stage, job.stage)
    stage = importlib.import_module(f"thaw.stages.{module}")

    def check_and_run() -> None:
        """Do the job, if this process computes what the run planned."""
        keys.check(job.stage, job.recipe, job.key)
        stage.main(job)

    run(check_and_run)
    leave()


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["--help"], ["-h"]):
        # Whoever reads it may have enough before the end.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        print(*describe_stages(), sep="\n", end="")
    else:
        main(sys.argv[1])
