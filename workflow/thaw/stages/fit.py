"""The stages that train: shared options, the choice of a learner, and outputs."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path

from thaw.config.estimator import TRAINED_BY
from thaw.config.network import kind_of
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.output.predictions import Predictions, save_predictions
from thaw.output.scores import save_scores
from thaw.progress import warn_of_failures
from thaw.stages.command import (
    add_network,
    add_problem,
    add_tile,
    add_trainer,
    recipe_parser,
)


def fit_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of all that `fit` takes, except the path of `weights`."""
    parser = recipe_parser(description)
    add_tile(parser)
    add_problem(parser)
    add_network(parser)
    add_trainer(parser)
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    parser.add_argument(
        "--predictions", type=Path, nargs="?", help="where to save predictions"
    )
    return parser


def fit(
    args: argparse.Namespace,
    learn: Callable[[argparse.Namespace, Whose, str], tuple[Reached, Predictions]],
) -> None:
    """Train a tile's networks; write scores, histories and, if wanted, predictions.

    `learn` trains networks with Thaw's learners. A module that replaces it has a
    function `fit` that takes the same.
    """
    settings, tile = args.recipe["settings"], args.tile
    if tile.repeats is None:
        what, whose = (
            "source models",
            Whose.source_models(settings["seed"], tile.models),
        )
    else:
        what, whose = "repeats", Whose.repeats(settings["seed"], tile.addresses)
    if "estimator" in settings:
        instead: str | None = TRAINED_BY
    else:
        instead = kind_of(settings["network"]).trained_by
    if instead:
        learn = importlib.import_module(instead).fit
    reached, predictions = learn(args, whose, what)
    warn_of_failures(what, tile.labels, reached.final.failed)
    saw = predictions.saw
    save_scores(args.scores, args.history, tile, reached, args.recipe, saw)
    if args.predictions:
        save_predictions(args.predictions, predictions, tile, args.recipe)
