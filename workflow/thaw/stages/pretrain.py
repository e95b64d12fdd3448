"""Pretrain some source models on the source problem.

Each has its own initial weights and batch order. The recipe's settings are the study's
`seed`, `network` and `training`; its input is the key of the `problem`.
"""

import argparse
import importlib
from pathlib import Path

from thaw.config.network import kind_of
from thaw.external.networks import network_of, of_network
from thaw.learning import seeds
from thaw.learning.history import joined
from thaw.learning.learner import stacked
from thaw.learning.settings import Training
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.output.problems import load_described
from thaw.output.scores import save_scores
from thaw.output.weights import save_networks
from thaw.progress import Progress, warn_of_failures
from thaw.stages.command import (
    add_key,
    add_network,
    add_problem,
    add_recipe,
    add_trainer,
    compute,
    leave,
    stage_parser,
)

NEEDS = ("seed", "network", "training")


def main(args: argparse.Namespace) -> None:
    """Pretrain the source models; write their weights, scores and histories."""
    kind = kind_of(args.recipe["settings"]["network"])
    if kind.trained_by:
        importlib.import_module(kind.trained_by).pretrain(args)
        return
    fix_rounding()
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, problem_digest = load_described(args.problem, inputs["problem"])
    seed = settings["seed"]
    training = Training(**{"epochs": None} | settings["training"])
    numbers = range(args.first, args.last + 1)
    network = network_of(settings["network"], problem, described.shape, args.network)

    at_once = at_a_time(network, training, len(problem.train_x))
    progress = Progress("source models", len(numbers), at_once)
    parts = []
    with of_network(settings["network"], args.network):
        for trained in train(
            network,
            lambda some: network.draw(
                list(network.groups), seed, seeds.SOURCE_MODEL, some
            ),
            problem,
            training,
            seed,
            seeds.SOURCE_MODEL,
            numbers,
            report=progress.epoch,
        ):
            progress.trained(len(trained.numbers))
            parts.append(trained)

    saw = {"problem": problem_digest}
    state = stacked([part.state for part in parts])
    reached = joined([part.reached for part in parts])
    warn_of_failures("source models", args.first, reached.final.failed)
    save_networks(args.output, state, numbers, args.recipe, saw)
    names = {"source_model": numbers}
    save_scores(args.scores, args.history, names, reached, args.recipe, saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
    add_key(parser)
    parser.add_argument("--first", type=int, required=True, help="the first number")
    parser.add_argument("--last", type=int, required=True, help="the last number")
    add_problem(parser)
    add_network(parser)
    add_trainer(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="the weights to write"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    compute("pretrain", main, parser.parse_args(), needs=NEEDS)
    leave()
