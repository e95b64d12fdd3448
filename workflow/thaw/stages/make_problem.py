"""Make a problem: generate its data and split it into train and test.

The recipe's settings are the problem as the config describes it.
"""

import argparse
from pathlib import Path

from thaw.command import add_recipe, compute, stage_parser
from thaw.data.blobs import make_problem
from thaw.output.problems import save_problem

NEEDS = ("make_blobs", "train_size")


def main(args: argparse.Namespace) -> None:
    """Make the problem and write it."""
    problem = make_problem(args.recipe["settings"])
    save_problem(args.output, problem, args.recipe)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
    parser.add_argument("--output", type=Path, required=True, help="the .npz to write")
    compute(
        "make_problem", main, parser.parse_args(), needs=["make_blobs", "train_size"]
    )
