"""What the stages that train share: options, training, and what they write."""

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from thaw.config.network import kind_of
from thaw.external.networks import network_of, of_network
from thaw.learning.history import Reached, joined
from thaw.learning.learner import Network, State, stacked
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.tasks import named_weights
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.output.predictions import Predictions, save_predictions
from thaw.output.problems import load_described
from thaw.output.scores import save_scores
from thaw.output.weights import save_networks
from thaw.progress import Progress, warn_of_failures
from thaw.stages.command import add_network, add_problem, add_tile, recipe_parser


class Start(NamedTuple):
    """How networks start: the `weights` of some, and the groups that stay frozen.

    saw: the digests of what the weights come from.
    """

    weights: Callable[[Whose], State]
    frozen: Sequence[str] = ()
    saw: Mapping[str, Any] = {}


def fit_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of all that `fit` takes, but for the path of `weights`."""
    parser = recipe_parser(description)
    add_tile(parser)
    add_problem(parser)
    add_network(parser)
    parser.add_argument(
        "--trainer", type=Path, nargs="*", default=[], help="the files of a trainer"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    parser.add_argument(
        "--predictions", type=Path, nargs="?", help="where to save predictions"
    )
    return parser


def fit(
    args: argparse.Namespace,
    start: Callable[[Network], Start],
    added: Sequence[int] = (),
) -> None:
    """Train a tile's networks; write scores, histories and what else is asked for.

    `added` are the widths of a variant's own layers.
    """
    settings, tile = args.recipe["settings"], args.tile
    if tile.repeats is None:
        what, whose = (
            "source models",
            Whose.source_models(settings["seed"], tile.models),
        )
    else:
        what, whose = "repeats", Whose.repeats(settings["seed"], tile.addresses)
    trainer = kind_of(settings["network"]).trained_by
    if trainer:
        found = importlib.import_module(trainer).fit(args, whose)
    else:
        found = _learned(args, whose, what, start, added)
    reached, predictions = found
    warn_of_failures(what, tile.labels, reached.final.failed)
    saw = predictions.saw
    save_scores(args.scores, args.history, tile, reached, args.recipe, saw)
    if args.predictions:
        save_predictions(args.predictions, predictions, tile, args.recipe)


def _learned(
    args: argparse.Namespace,
    whose: Whose,
    what: str,
    start: Callable[[Network], Start],
    added: Sequence[int],
) -> tuple[Reached, Predictions]:
    """Let networks learn and write their weights; return scores and predictions."""
    fix_rounding()
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    own = settings["network"]
    network = network_of(own, problem, described.shape, args.network, added)
    weights, frozen, saw = start(network)
    training = Training(**{"epochs": None} | settings["training"])
    if isinstance(training.class_weight, dict):
        asked = named_weights(training.class_weight, described.classes)
        training = training._replace(class_weight=asked)
    size = settings.get("target_size")
    at_once = at_a_time(network, training, size or len(problem.train_x))
    progress = Progress(what, args.tile.fits, at_once)
    parts, said, states = [], [], []
    with of_network(own, args.network):
        for trained in train(
            network, weights, problem, training, whose, frozen, size, progress.epoch
        ):
            progress.trained(trained.networks)
            parts.append(trained.reached)
            said.append(trained.predictions)
            if args.weights:
                states.append(trained.state)
    saw = {"problem": digest, **saw}
    if args.weights:
        save_networks(args.weights, stacked(states), args.tile, args.recipe, saw)
    predictions = np.concatenate(said), problem.test_rows, saw
    return joined(parts), Predictions(problem.task, *predictions)
