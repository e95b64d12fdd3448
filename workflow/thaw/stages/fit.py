"""What the stages that train share: options, training, and what they write."""

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from thaw.config.network import kind_of
from thaw.external.networks import network_of, of_network
from thaw.learning import seeds
from thaw.learning.history import Reached, joined
from thaw.learning.learner import Network, State, stacked
from thaw.learning.settings import Training
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.output.problems import load_described
from thaw.output.scores import save_scores
from thaw.output.weights import save_networks
from thaw.progress import Progress, warn_of_failures
from thaw.stages.command import add_network, add_problem, recipe_parser


class Start(NamedTuple):
    """How networks start: `weights` of some numbers, and the groups that stay frozen.

    saw: the digests of what the weights come from.
    """

    weights: Callable[[Sequence[int]], State]
    frozen: Sequence[str] = ()
    saw: Mapping[str, Any] = {}


def fit_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of all that `fit` takes, but for the path of `weights`."""
    parser = recipe_parser(description)
    for end in ("first", "last"):
        parser.add_argument(f"--{end}", type=int, required=True, help=f"{end} number")
    add_problem(parser)
    add_network(parser)
    parser.add_argument(
        "--trainer", type=Path, nargs="*", default=[], help="the files of a trainer"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    return parser


def fit(
    args: argparse.Namespace,
    names: Mapping[str, Sequence],
    start: Callable[[Network], Start],
    added: Sequence[int] = (),
) -> None:
    """Train networks; write their scores, histories and, if asked for, weights.

    `names` say which networks: their numbers as `repeat` or as `source_model`, then
    what else the scores say of them. `added` are the widths of a variant's own layers.
    """
    column, numbers = next(iter(names.items()))
    kind = seeds.REPEAT if column == "repeat" else seeds.SOURCE_MODEL
    what = f"{column.replace('_', ' ')}s"
    trainer = kind_of(args.recipe["settings"]["network"]).trained_by
    if trainer:
        reached, saw = importlib.import_module(trainer).fit(args, kind, names)
    else:
        reached, saw = _learned(args, kind, numbers, what, start, added)
    warn_of_failures(what, args.first, reached.final.failed)
    save_scores(args.scores, args.history, names, reached, args.recipe, saw)


def _learned(
    args: argparse.Namespace,
    kind: int,
    numbers: Sequence[int],
    what: str,
    start: Callable[[Network], Start],
    added: Sequence[int],
) -> tuple[Reached, Mapping[str, Any]]:
    """Let networks learn and write their weights; return scores, and what was seen."""
    fix_rounding()
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    own = settings["network"]
    network = network_of(own, problem, described.shape, args.network, added)
    weights, frozen, saw = start(network)
    training = Training(**{"epochs": None} | settings["training"])
    size = settings.get("target_size")
    at_once = at_a_time(network, training, size or len(problem.train_x))
    progress = Progress(what, len(numbers), at_once)
    which = (settings["seed"], kind, numbers)
    parts, states = [], []
    with of_network(own, args.network):
        for trained in train(
            network, weights, problem, training, *which, frozen, size, progress.epoch
        ):
            progress.trained(len(trained.numbers))
            parts.append(trained.reached)
            if args.weights:
                states.append(trained.state)
    saw = {"problem": digest, **saw}
    if args.weights:
        save_networks(args.weights, stacked(states), numbers, args.recipe, saw)
    return joined(parts), saw
