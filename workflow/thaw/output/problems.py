"""Problems on disk: a NumPy archive (.npz) of their arrays and a record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.data.problem import Description, Pool, Problem
from thaw.learning.tasks import TASKS
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require

# The prefix of the arrays of the pool that sets another one's scale.
LIKE = "like."


def save_problem(
    path: Path,
    problem: Problem | Pool,
    description: Description,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the problem of `recipe`, with no pickle inside.

    `saw` holds the digests of its sources.
    """
    arrays = _arrays(problem)
    arrays["description"] = np.array(json.dumps(description._asdict()))
    text = json.dumps(record(recipe, saw, digest_of_arrays(arrays)))
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays, record=np.array(text))


def load_described(path: Path, key: str) -> tuple[Problem | Pool, Description, str]:
    """Read the problem of that key, the meaning of its numbers, and their digest.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    with reading(path, "the problem it should be"), np.load(path) as archive:
        found = check_record(str(archive["record"]), key)
        arrays = {name: archive[name] for name in archive.files if name != "record"}
        require(digest_of_arrays(arrays) == found["content"], "its data were changed")
        description = Description(**json.loads(str(arrays.pop("description"))))
        problem: Problem | Pool
        if "x" in arrays:
            problem = _pool(arrays)
        else:
            problem = Problem(**arrays | _known(arrays))
        whole = problem.whole
        for x, y, digests in (
            (whole.train_x, whole.train_y, whole.train_digests),
            (whole.test_x, whole.test_y, whole.test_digests),
        ):
            known = np.int64 if description.tokens else np.float32
            require(x.dtype == known and x.ndim == 2, "features of another form")
            require(y.shape == (len(x),), "labels do not fit")
            fit = digests.dtype == np.uint64 and digests.shape == y.shape
            require(fit, "the digests of its rows do not fit")
            finite = ~np.isinf(x) if whole.fills else np.isfinite(x)
            require(finite.all(), "a feature is not finite")
            right = TASKS[whole.task].are_labels(y, whole.classes)
            require(right, f"labels are not of {whole.task}")
        rows, labels = whole.test_rows, whole.test_y
        fit = rows.dtype == np.int64 and rows.shape == labels.shape
        require(fit, "the numbers of its test rows do not fit")
        groups = whole.test_groups
        fit = groups.dtype == np.int64 and groups.shape in ((0,), labels.shape)
        fit &= np.array_equal(np.unique(groups), np.arange(groups.max(initial=-1) + 1))
        require(fit, "the groups of its test rows do not fit")
        if isinstance(problem, Pool):
            units = groups.max(initial=-1) + 1 if len(groups) else len(rows)
            fit = problem.strata.shape == (units,)
            fit &= problem.train_size + problem.test_size <= len(rows)
            require(fit, "its splits do not fit")
    return problem, description, found["content"]


def _arrays(problem: Problem | Pool) -> dict[str, Any]:
    """Return a problem's arrays by name; those of a pool's `like` begin with that."""
    fields: dict[str, Any] = problem._asdict()
    if not problem.fills:  # as in files from before there was such a field
        del fields["fills"]
    like = fields.pop("like", None)
    theirs = _arrays(like) if like else {}
    arrays = {name: np.asarray(value) for name, value in fields.items()}
    return arrays | {f"{LIKE}{name}": values for name, values in theirs.items()}


def _pool(arrays: Mapping[str, np.ndarray]) -> Pool:
    """Return the pool of these arrays."""
    own = {name: v for name, v in arrays.items() if not name.startswith(LIKE)}
    like = {n.removeprefix(LIKE): v for n, v in arrays.items() if n.startswith(LIKE)}
    sizes = {name: int(own[name]) for name in ("train_size", "test_size")}
    return Pool(**own | _known(own) | sizes, like=_pool(like) if like else None)


def _known(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the fields of a problem other than its arrays."""
    return {
        "classes": int(arrays["classes"]),
        "task": str(arrays["task"]),
        "fills": bool(arrays.get("fills", False)),
    }
