"""Make a problem: read or generate its data, check them, and split train from test.

Settings: the problem as in the config, with a digest instead of each file.
Reads: the user's `files` and those `joined` to them, the `source`, whose columns this
problem must have, and the problem whose scale it has (`like`), if there are any.
Writes: `problem`.
"""

import sys
from collections.abc import Mapping
from typing import Any

from thaw.data import FILES
from thaw.data.make import Other, make_problem
from thaw.data.problem import Pool
from thaw.errors import ThawError, of_each, visible
from thaw.findings.metrics import check_requirements
from thaw.keys import check_unchanged, known_digest
from thaw.learning.splits import check as check_splits
from thaw.output.job import Job
from thaw.output.problems import save_problem


def main(job: Job) -> None:
    """Make the problem, check that it has what studies need, and write it.

    Those needs are `StudyPlan.requirements`. Raises `ThawError` with all that is wrong.
    """
    settings, saw = job.settings, dict[str, Any]()
    related: dict[str, Other] = {}
    for role in ("source", "like"):
        if role in job.keys:
            other, description, saw[role] = job.load_problem(role)
            name = job.input(role).stem.rpartition("-")[0]
            related[role] = Other(
                name, description, other if isinstance(other, Pool) else None
            )
    files, joined = job.inputs.get("files", []), job.inputs.get("joined", [])
    problem, description = make_problem(settings, files, joined, **related)

    def check(study: Mapping[str, Any]) -> None:
        models = range(study["source_models"])
        try:
            check_requirements(study, description.classes, problem.train_size)
            check_splits(problem, description.classes, study["seed"], models)
        except ThawError as error:
            raise ThawError(f"studies.{study['study']}.{error}") from None

    of_each(check, job.more["studies"])
    in_config = [settings[key] for key in FILES if key in settings]
    in_config += settings.get("joined", {}).get("files", [])
    paths = [*files, *joined]
    saw["files"] = [known_digest(path) for path in paths]
    for path, digest, entry in zip(paths, saw["files"], in_config, strict=True):
        # A file that another rule makes has no content to check against.
        check_unchanged(path, digest, entry.get("content", digest))
    for note in description.notes:
        print(visible(note), file=sys.stderr)
    save_problem(job.output("problem"), problem, description, job.recipe, saw)
