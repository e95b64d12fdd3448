"""Problems on disk: an archive of their arrays."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    fields: dict[str, Any] = {
        name: v if v.ndim else v.item() for name, v in arrays.items()
    }
    description = Description(**json.loads(fields.pop("description")))
    problem = _pool(fields) if "x" in fields else Problem(**fields)
    return problem, description, content_digest(record)


def _arrays(problem: Problem | Pool) -> dict[str, Any]:
    """Return a problem's arrays by name; those of a pool's `like` begin with that."""
    fields: dict[str, Any] = problem._asdict()
    like = fields.pop("like", None)
    of_like = _arrays(like) if like else {}
    return fields | {f"{LIKE}{name}": values for name, values in of_like.items()}


def _pool(fields: Mapping[str, Any]) -> Pool:
    like = {n.removeprefix(LIKE): v for n, v in fields.items() if n.startswith(LIKE)}
    rest = {n: v for n, v in fields.items() if not n.startswith(LIKE)}
    return Pool(**rest, like=_pool(like) if like else None)
