"""Look for test rows of a target among its own train rows and those of its source.

The recipe's settings are the names of the `target` and, if networks are pretrained on
another problem, of the `source`; and whether to `refuse` such rows. `columns`, if
there, says that both must have the same features. If one of them is
split anew for each source model, they also are the `seed` and the number of
`source_models`. Its inputs are the keys of both.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw.data.problem import Pool, Problem
from thaw.errors import ThawError, visible
from thaw.findings.overlap import REMEDY, in_words, overlap
from thaw.output.problems import load_described
from thaw.output.records import save_check
from thaw.stages.command import compute, recipe_parser


def equal_rows(
    settings: Mapping[str, Any], problems: Mapping[str, Problem | Pool]
) -> list[dict[str, Any]]:
    """Return how many test rows are equal to train rows of each problem, by role.

    Raises `ThawError` if there are such rows, and the settings refuse them.
    """
    splits = settings.get("seed", 0), range(settings.get("source_models", 1))
    rows = [
        overlap(settings[role], learned, problems["target"], *splits)
        for role, learned in problems.items()
    ]
    said = [in_words(row) for row in rows if row["equal"]]
    if said and settings["refuse"]:
        raise ThawError(
            f"problems.{settings['target']}.overlap: {'; '.join(said)}; {REMEDY}, or "
            "remove overlap: error, so that they are only counted"
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
    theirs, ours = (list(columns[role]) for role in ("source", "target"))
    if theirs == ours:
        return
    words = f"{len(theirs)} columns, and {settings['target']} has {len(ours)}"
    for number, (one, other) in enumerate(zip(theirs, ours, strict=False), 1):
        if one != other:
            words = (
                f"{one!r} as column {number}, and {settings['target']} has {other!r}"
            )
            break
    raise ThawError(
        f"problems.{settings['source']}: it has {words}; all sources need the features "
        "of the target, in the same order"
    )


def main(args: argparse.Namespace) -> None:
    """Count these rows, and write how many there are."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problems, saw, missing = {}, {}, []
    columns = {}
    for role, path in (("target", args.target), ("source", args.source)):
        if role in inputs:
            problems[role], about, saw[role] = load_described(path, inputs[role])
            missing.append(about.missing)
            columns[role] = about.columns
    refuse_other_columns(settings, columns)
    rows = equal_rows(settings, problems)
    for row, words in zip(rows, missing, strict=True):
        if any(missing):
            row["missing"] = words
        if row["equal"]:
            print(visible(f"warning: {in_words(row)}"), file=sys.stderr)
    save_check(args.output, rows, args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    parser.add_argument("--target", type=Path, nargs="?", help="the target problem")
    parser.add_argument("--source", type=Path, nargs="?", help="the source problem")
    parser.add_argument("--output", type=Path, required=True, help="the JSON to write")
    compute("check_overlap", main, parser.parse_args(), needs=["target", "refuse"])
