"""Look for test rows of a target among its own train rows and those of its source.

Settings: the names of the `target` and, if networks are pretrained on another problem,
of the `source`; whether to `refuse` such rows; `columns`, if both must have the same
features. If a problem is split anew for each source model, also the `seed` and the
number of `source_models`.
Reads: `target` and `source`.
Writes: `rows`, one for each of the two.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from thaw.data.problem import Pool, Problem
from thaw.errors import ThawError, visible
from thaw.findings.overlap import REMEDY, in_words, overlap
from thaw.output.job import Job
from thaw.output.records import save_check


def equal_rows(
    settings: Mapping[str, Any], problems: Mapping[str, Problem | Pool]
) -> list[dict[str, Any]]:
    """Return how many test rows are equal to train rows of each problem, by role.

    Raises `ThawError` if there are such rows, and the settings refuse them.
    """
    splits = settings.get("seed", 0), range(settings.get("source_models", 1))
    rows = [
        overlap(settings[role], problem, problems["target"], *splits)
        for role, problem in problems.items()
    ]
    overlaps = [in_words(row) for row in rows if row["equal"]]
    if overlaps and settings["refuse"]:
        raise ThawError(
            f"problems.{settings['target']}.overlap: {'; '.join(overlaps)}; {REMEDY}, "
            "or remove overlap: error, so that they are only counted"
        )
    return rows


def refuse_other_columns(
    settings: Mapping[str, Any], columns: Mapping[str, Sequence[str]]
) -> None:
    """Raise `ThawError` if source and target, by role, must have the same columns.

    In the same order: the target of several sources is made without any of them.
    """
    if "columns" not in settings or "source" not in columns:
        return
    source, target = (list(columns[role]) for role in ("source", "target"))
    if source == target:
        return
    name = settings["target"]
    difference = f"{len(source)} columns, and {name} has {len(target)}"
    for number, (column, expected) in enumerate(zip(source, target, strict=False), 1):
        if column != expected:
            difference = f"{column!r} as column {number}, and {name} has {expected!r}"
            break
    raise ThawError(
        f"problems.{settings['source']}: it has {difference}; all sources need the "
        "features of the target, in the same order"
    )


def main(job: Job) -> None:
    """Count these rows, and write how many there are."""
    problems: dict[str, Problem | Pool] = {}
    columns: dict[str, Sequence[str]] = {}
    saw: dict[str, str] = {}
    missing = []
    for role in ("target", "source"):
        if role in job.keys:
            problems[role], description, saw[role] = job.load_problem(role)
            missing.append(description.missing)
            columns[role] = description.columns
    refuse_other_columns(job.settings, columns)
    rows = equal_rows(job.settings, problems)
    for row, words in zip(rows, missing, strict=True):
        if any(missing):
            row["missing"] = words
        if row["equal"]:
            print(visible(f"warning: {in_words(row)}"), file=sys.stderr)
    save_check(job.output("rows"), rows, job.recipe, saw)
