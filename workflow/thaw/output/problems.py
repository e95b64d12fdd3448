"""Problems on disk: an archive of their arrays."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.data.problem import Description, Pool, Problem
from thaw.output.records import content_digest, load_arrays, save_arrays

# The prefix of the arrays of the pool that sets another one's scale.
LIKE = "like."


def save_problem(
    path: Path,
    problem: Problem | Pool,
    description: Description,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the problem of `recipe`; `saw` holds the digests of its sources."""
    arrays = _arrays(problem) | {"description": json.dumps(description._asdict())}
    save_arrays(path, arrays, recipe, saw)


def load_described(path: Path, key: str) -> tuple[Problem | Pool, Description, str]:
    """Read the problem of that key, the meaning of its numbers, and their digest.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    arrays, record = load_arrays(path, key)
    description = Description(**json.loads(str(arrays.pop("description"))))
    problem = _pool(arrays) if "x" in arrays else Problem(**arrays | _scalars(arrays))
    return problem, description, content_digest(record)


def _arrays(problem: Problem | Pool) -> dict[str, Any]:
    """Return a problem's arrays by name; those of a pool's `like` begin with that."""
    fields: dict[str, Any] = problem._asdict()
    like = fields.pop("like", None)
    of_like = _arrays(like) if like else {}
    return fields | {f"{LIKE}{name}": values for name, values in of_like.items()}


def _pool(arrays: Mapping[str, np.ndarray]) -> Pool:
    fields = {n: v for n, v in arrays.items() if not n.startswith(LIKE)}
    like = {n.removeprefix(LIKE): v for n, v in arrays.items() if n.startswith(LIKE)}
    sizes = {name: int(fields[name]) for name in ("train_size", "test_size")}
    like_pool = _pool(like) if like else None
    return Pool(**fields | _scalars(fields) | sizes, like=like_pool)


def _scalars(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the fields of a problem other than its arrays."""
    return {
        "classes": int(arrays["classes"]),
        "task": str(arrays["task"]),
        "fills": bool(arrays["fills"]),
    }
