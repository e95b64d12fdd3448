"""Test rows with the same features as train rows: how many, and in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from thaw.data.problem import Problem, digests_of_rows
from thaw.errors import listed

# So many row numbers are named.
FIRST = 5

REMEDY = "leave these out of the train or of the test rows"


def overlap(name: str, learned: Problem, target: Problem) -> dict[str, Any]:
    """Return how many test rows of a target stand among a problem's train rows.

    `train_rows_of` is that problem's name, `test_rows` how many there are. Of these are
    `equal` with a train row, in all features: so many `as_read`, and `scaled` so many
    of what networks are given. `rows` names the first of them.
    """
    as_read = np.isin(target.test_digests, learned.train_digests)
    scaled = np.isin(digests_of_rows(target.test_x), digests_of_rows(learned.train_x))
    equal = as_read | scaled
    return {
        "train_rows_of": name,
        "test_rows": len(equal),
        "equal": int(equal.sum()),
        "as_read": int(as_read.sum()),
        "scaled": int(scaled.sum()),
        "rows": listed(np.sort(target.test_rows[equal]), FIRST),
    }


def in_words(found: Mapping[str, Any]) -> str:
    """Say how many rows are equal, and which, of what `overlap` found."""
    only_scaled = found["equal"] - found["as_read"]
    scaled = f", {only_scaled} of them only once scaled" if only_scaled else ""
    return (
        f"{found['equal']} of {found['test_rows']} test rows have the same features as "
        f"train rows of {found['train_rows_of']}{scaled} (rows {found['rows']})"
    )
