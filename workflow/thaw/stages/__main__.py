"""Run one job, `python -m thaw.stages JOB`: JOB is what its rule wrote as JSON."""

import importlib
import sys

from thaw import keys
from thaw.output.job import Job
from thaw.stages.command import leave, run

# All other stages have a module of their name.
MODULES = {"pretrain": "train", "tables": "make", "figures": "make", "page": "make"}


def main(argument: str) -> None:
    """Run a job: its JSON has the fields of `Job`, with paths as text."""
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
    main(sys.argv[1])
