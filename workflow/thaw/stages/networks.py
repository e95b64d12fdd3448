"""Train networks in a job: the part of the training stages that needs torch."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from thaw.external.networks import network_of, of_network
from thaw.learning.history import Reached, joined
from thaw.learning.learner import ALL_LEARN, Network, Phase, State, stacked
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.splits import check, test_rows
from thaw.learning.tasks import named_weights
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.output.predictions import Predictions
from thaw.output.problems import load_described
from thaw.output.weights import About, save_networks
from thaw.progress import Progress


class Start(NamedTuple):
    """The start of networks: the `weights` of some, and the phases in which they learn.

    saw: the digests of the sources of the weights.
    """

    weights: Callable[[Whose], State]
    phases: Sequence[Phase] = (ALL_LEARN,)
    saw: Mapping[str, Any] = {}


def learned(
    args: argparse.Namespace,
    whose: Whose,
    what: str,
    start: Callable[[Network], Start],
    added: Sequence[int] = (),
) -> tuple[Reached, Predictions]:
    """Train networks and write their weights; return scores and predictions.

    `what` names their kind. `added` are the widths of a variant's own layers.
    """
    fix_rounding()
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    # The study may have more source models than when the problem was made.
    check(problem, described.classes, whose.seed, whose.models)
    own = settings["network"]
    network = network_of(own, problem.whole, described.shape, args.network, added)
    weights, phases, saw = start(network)
    training = Training(**{"epochs": None} | settings["training"])
    if isinstance(training.class_weight, dict):
        asked = named_weights(training.class_weight, described.classes)
        training = training._replace(class_weight=asked)
    size = settings.get("target_size")
    at_once = at_a_time(network, training, size or problem.train_size)
    progress = Progress(what, args.tile.fits, at_once)
    parts, said, states = [], [], []
    with of_network(own, args.network):
        for trained in train(
            network, weights, problem, training, whose, phases, size, progress.epoch
        ):
            progress.trained(trained.networks)
            parts.append(trained.reached)
            said.append(trained.predictions)
            if args.weights:
                states.append(trained.state)
            del trained  # its weights, while the next networks learn
    reached, saw = joined(parts), {"problem": digest, **saw}
    if args.weights:
        failed = np.flatnonzero(reached.final.failed).tolist()
        about = About(problem.task, described, failed)
        save_networks(args.weights, stacked(states), args.tile, args.recipe, saw, about)
    rows = test_rows(problem, whose.seed, whose.models)
    predictions = np.concatenate(said), rows, saw
    return reached, Predictions(problem.task, *predictions)
