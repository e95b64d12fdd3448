"""Problems on disk: a NumPy archive (.npz) of the split arrays and a record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.data.problem import Description, Problem
from thaw.learning.tasks import TASKS
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require


def save_problem(
    path: Path,
    problem: Problem,
    description: Description,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the problem that `recipe` makes, no pickle inside.

    `saw` are the digests of what it was made from.
    """
    arrays: dict[str, Any] = problem._asdict() | {
        "description": json.dumps(description._asdict())
    }
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    text = json.dumps(record(recipe, saw, digest_of_arrays(arrays)))
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays, record=np.array(text))


def load_described(path: Path, key: str) -> tuple[Problem, Description, str]:
    """Read the problem of that key, what its numbers stand for, and their digest.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    with reading(path, "the problem it should be"), np.load(path) as archive:
        found = check_record(str(archive["record"]), key)
        arrays = {name: archive[name] for name in (*Problem._fields, "description")}
        require(digest_of_arrays(arrays) == found["content"], "its data were changed")
        description = Description(**json.loads(str(arrays.pop("description"))))
        classes, task = int(arrays["classes"]), str(arrays["task"])
        problem = Problem(**arrays | {"classes": classes, "task": task})
        for x, y, digests in (
            (problem.train_x, problem.train_y, problem.train_digests),
            (problem.test_x, problem.test_y, problem.test_digests),
        ):
            require(x.dtype == np.float32 and x.ndim == 2, "features of another form")
            require(y.shape == (len(x),), "labels do not fit")
            fit = digests.dtype == np.uint64 and digests.shape == y.shape
            require(fit, "the digests of its rows do not fit")
            require(np.isfinite(x).all(), "a feature is not finite")
            require(TASKS[task].are_labels(y, classes), f"labels are not of {task}")
        rows, labels = problem.test_rows, problem.test_y
        fit = rows.dtype == np.int64 and rows.shape == labels.shape
        require(fit, "the numbers of its test rows do not fit")
        groups = problem.test_groups
        fit = groups.dtype == np.int64 and groups.shape in ((0,), labels.shape)
        fit &= np.array_equal(np.unique(groups), np.arange(groups.max(initial=-1) + 1))
        require(fit, "the groups of its test rows do not fit")
    return problem, description, found["content"]
