"""Make a problem: generate its data and split it into train and test.

The first `train_size` rows are the train set, the rest the test set, in the order in
which scikit-learn generates them; features are not scaled. The
settings are the problem as the config describes it.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs

from thaw.command import add_settings, run, stage_parser
from thaw.problems import Problem, save_problem


def make_problem(settings: dict) -> Problem:
    """Generate the problem that the config describes."""
    x, y = make_blobs(**settings["make_blobs"])
    x, y = x.astype(np.float32), y.astype(np.int64)
    size = settings["train_size"]
    classes = settings["make_blobs"]["centers"]
    return Problem(x[:size], y[:size], x[size:], y[size:], classes)


def main(args: argparse.Namespace) -> None:
    """Make the problem and write it."""
    save_problem(args.output, make_problem(args.settings))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--output", type=Path, required=True, help="the .npz to write")
    run(main, parser.parse_args())
