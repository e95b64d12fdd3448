"""Train some repeats of a variant on the target problem.

The recipe's settings are the study's `seed`, `network` (the source models') and
`training`, the `variant`, if it is pretrained the number of `source_models`, and the
`target_size` if it is not all train rows; its inputs are the keys of the `problem` and
of the `source_models`.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thaw.config.network import kind_of
from thaw.external.networks import network_of, of_network
from thaw.learning import seeds
from thaw.learning.history import joined
from thaw.learning.learner import stacked
from thaw.learning.seeds import source_model_of
from thaw.learning.settings import Training, Variant
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.learning.variants import fresh_groups, start_repeats
from thaw.output.problems import load_described
from thaw.output.scores import save_scores
from thaw.output.weights import load_source_models, save_networks
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

NEEDS = ("seed", "network", "training", "variant")


def main(args: argparse.Namespace) -> None:
    """Train the repeats; write their scores and histories."""
    kind = kind_of(args.recipe["settings"]["network"])
    if kind.trained_by:
        importlib.import_module(kind.trained_by).train(args)
        return
    fix_rounding()
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, problem_digest = load_described(args.problem, inputs["problem"])
    saw: dict[str, Any] = {"problem": problem_digest}
    repeats = range(args.first, args.last + 1)
    names: dict[str, Sequence] = {
        "repeat": repeats,
        "source_model": [""] * len(repeats),
    }
    seed = settings["seed"]
    training = Training(**{"epochs": None} | settings["training"])
    variant = Variant(**settings["variant"])

    source_models, total = None, settings.get("source_models", 0)
    if variant.pretrained:
        names["source_model"] = [source_model_of(repeat, total) for repeat in repeats]
        source_models, saw["source_models"] = load_source_models(
            args.source_models,
            inputs["source_models"],
            sorted(set(names["source_model"])),
        )
    network = network_of(
        settings["network"], problem, described.shape, args.network, variant.add
    )
    fresh = fresh_groups(variant, network, source_models)
    print(f"drawn afresh: {', '.join(fresh) or 'no layer'}", file=sys.stderr)

    size = settings.get("target_size")
    at_once = at_a_time(network, training, size or len(problem.train_x))
    progress = Progress("repeats", len(repeats), at_once)
    parts, states = [], []
    with of_network(settings["network"], args.network):
        for trained in train(
            network,
            lambda some: start_repeats(
                network, fresh, source_models, total, seed, some
            ),
            problem,
            training,
            seed,
            seeds.REPEAT,
            repeats,
            list(network.groups)[: variant.freeze],
            size,
            progress.epoch,
        ):
            progress.trained(len(trained.numbers))
            parts.append(trained.reached)
            if args.weights:
                states.append(trained.state)

    reached = joined(parts)
    warn_of_failures("repeats", args.first, reached.final.failed)
    if args.weights:
        save_networks(args.weights, stacked(states), repeats, args.recipe, saw)
    save_scores(args.scores, args.history, names, reached, args.recipe, saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
    add_key(parser)
    parser.add_argument("--first", type=int, required=True, help="the first repeat")
    parser.add_argument("--last", type=int, required=True, help="the last repeat")
    add_problem(parser)
    add_network(parser)
    add_trainer(parser)
    parser.add_argument(
        "--source-models",
        type=Path,
        nargs="*",
        default=[],
        help="the files that hold the source models the repeats start from",
    )
    parser.add_argument(
        "--weights", type=Path, nargs="?", help="where to save the trained weights"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    compute(
        "train",
        main,
        parser.parse_args(),
        needs=NEEDS,
    )
    leave()
