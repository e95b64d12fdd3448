"""Make a problem: read or generate its data, check them, and split train from test.

The recipe's settings are the problem as in the config, with a digest instead of each
file. Its inputs are the keys of the `source`, whose columns this problem must have, and
of the problem whose scale it has (`like`), if any.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw.data import FILES
from thaw.data.make import Other, make_problem
from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError, of_each, visible
from thaw.findings.metrics import check_classes
from thaw.keys import check_unchanged, known_digest
from thaw.learning.splits import check as check_splits
from thaw.output.problems import load_described, save_problem
from thaw.stages.command import compute, recipe_parser


def checked_problem(
    settings: Mapping[str, Any],
    files: Sequence[Path],
    joined: Sequence[Path],
    asked: Sequence[Mapping[str, Any]],
    **others: Other,
) -> tuple[Problem | Pool, Description]:
    """Make a problem, and check that studies find in it what they ask for.

    `asked` is what each study asks of its classes and splits; for the rest see
    `thaw.data.make.make_problem`.
    Raises `ThawError` with all that is wrong.
    """
    problem, description = make_problem(settings, files, joined, **others)

    def check(study: Mapping[str, Any]) -> None:
        models = range(study["source_models"])
        try:
            check_classes(study, description.classes)
            check_splits(problem, description.classes, study["seed"], models)
        except ThawError as error:
            raise ThawError(f"studies.{study['study']}.{error}") from None

    of_each(check, asked)
    return problem, description


def main(args: argparse.Namespace) -> None:
    """Make the problem and write it."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    saw: dict[str, Any] = {}
    others: dict[str, Other] = {}
    for role, path in (("source", args.source), ("like", args.like)):
        if role in inputs:
            other, description, saw[role] = load_described(path, inputs[role])
            name = path.stem.rpartition("-")[0]
            others[role] = Other.of(name, other, description)
    problem, description = checked_problem(
        settings, args.files, args.joined, json.loads(args.asked), **others
    )
    told = [settings[key] for key in FILES if key in settings]
    told += settings.get("joined", {}).get("files", [])
    paths = [*args.files, *args.joined]
    saw["files"] = [known_digest(path) for path in paths]
    for path, digest, asked in zip(paths, saw["files"], told, strict=True):
        # A file that another rule makes has no content to check against.
        check_unchanged(path, digest, asked.get("content", digest))
    for note in description.notes:
        print(visible(note), file=sys.stderr)
    save_problem(args.output, problem, description, args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    for option, what in (
        ("files", "the problem's file and its test file, or its folder"),
        ("joined", "the files of a partner, whose categories count too"),
    ):
        parser.add_argument(f"--{option}", type=Path, nargs="*", default=[], help=what)
    for option, what in (
        ("source", "the problem whose columns this one must have"),
        ("like", "the problem by which this one is scaled"),
    ):
        parser.add_argument(f"--{option}", type=Path, nargs="?", help=what)
    parser.add_argument(
        "--asked", default="[]", help="the classes that metrics need, as JSON"
    )
    parser.add_argument("--output", type=Path, required=True, help="the .npz to write")
    compute("make_problem", main, parser.parse_args(), needs=[])
