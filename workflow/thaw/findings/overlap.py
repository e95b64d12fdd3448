"""Test rows with the same features as train rows: how many, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Pool, Problem, digests_of_rows
from thaw.errors import listed
from thaw.learning.splits import split

# The most row numbers named.
FIRST = 5

REMEDY = "leave these out of the train or of the test rows"


def overlap(
    name: str,
    learned: Problem | Pool,
    target: Problem | Pool,
    seed: int = 0,
    models: Sequence[int] = (0,),
) -> dict[str, Any]:
    """Return how many test rows of a target stand among a problem's train rows.

    `train_rows_of` is that problem's name, `test_rows` their number. Of these, `equal`
    rows are the same as a train row in all features, in the data or in what networks
    get. `rows` names the first of them. If a problem is split anew for each of these
    source `models`, the numbers are those of the split with most of them, of so many
    `splits`; a split is that of both problems.
    """
    row = [
        _of_split(name, split(learned, seed, model), split(target, seed, model))
        for model in models
    ]
    return max(row, key=lambda row: row["equal"]) | {"splits": len(models)}


def _of_split(name: str, learned: Problem, target: Problem) -> dict[str, Any]:
    # As read or, where rows differ that networks see as one, as scaled.
    equal = np.isin(target.test_digests, learned.train_digests)
    equal |= np.isin(digests_of_rows(target.test_x), digests_of_rows(learned.train_x))
    return {
        "train_rows_of": name,
        "test_rows": len(equal),
        "equal": int(equal.sum()),
        "rows": listed(np.sort(target.test_rows[equal]), FIRST),
    }


def in_words(row: Mapping[str, Any]) -> str:
    """Say how many rows are equal, and which, as found by `overlap`."""
    most = f", in the worst of {row['splits']} splits" if row["splits"] > 1 else ""
    return (
        f"{row['equal']} of {row['test_rows']} test rows have the same features as "
        f"train rows of {row['train_rows_of']}{most} (rows {row['rows']})"
    )
