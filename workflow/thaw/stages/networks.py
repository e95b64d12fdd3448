"""Train networks in a job, with Thaw's learners: the part that needs torch."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from thaw.data.problem import Description, Pool, Problem
from thaw.external.networks import network_of, of_network
from thaw.learning.history import Reached, joined
from thaw.learning.learner import ALL_LEARN, Network, Phase, State, stacked
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training, Variant
from thaw.learning.tasks import named_weights
from thaw.learning.training import at_a_time, fix_rounding, train
from thaw.learning.variants import fresh_groups, phases_of, start_repeats
from thaw.output.job import Job
from thaw.output.weights import load_source_models, save_networks
from thaw.progress import Progress


def fit(
    job: Job,
    problem: Problem | Pool,
    described: Description,
    whose: Whose,
    kind: str,
    saw: dict[str, Any],
) -> tuple[Reached, np.ndarray]:
    """Train networks and write their weights; see `thaw.stages.train`."""
    fix_rounding()
    settings, module = job.settings, job.module
    added = settings.get("variant", {}).get("add", ())
    network = network_of(settings["network"], problem.task, described, module, added)
    weights, phases = _start(job, network, described.classes, saw)
    training = _training(settings["training"], described.classes)
    size = settings.get("target_size")
    at_once = at_a_time(network, training, size or problem.train_size)
    progress = Progress(kind, job.tile.fits, at_once)
    keeps_weights = bool(job.outputs.get("weights"))
    reached, outputs, states = [], [], []
    with of_network(settings["network"], module):
        for trained in train(
            network, weights, problem, training, whose, phases, size, progress.epoch
        ):
            progress.trained(trained.networks)
            reached.append(trained.reached)
            outputs.append(trained.predictions)
            if keeps_weights:
                states.append(trained.state)
            del trained  # its weights, while the next networks learn
    all_reached = joined(reached)
    if keeps_weights:
        failed = np.flatnonzero(all_reached.final.failed).tolist()
        about: dict[str, Any] = {"task": problem.task}
        about |= {"described": described._asdict(), "failed": failed}
        path, state = job.output("weights"), stacked(states)
        save_networks(path, state, job.tile, job.recipe, saw, about)
    return all_reached, np.concatenate(outputs)


def _start(
    job: Job, network: Network, classes: Sequence[str], saw: dict[str, Any]
) -> tuple[Callable[[Whose], State], Sequence[Phase]]:
    """Return the weights with which networks start, and the phases in which they learn.

    Puts the digests of source models, and the layers that are fresh, into `saw`.
    """
    if job.tile.repeats is None:
        every = list(network.groups)
        return lambda whose: network.draw(every, whose), (ALL_LEARN,)
    variant, inherited = Variant(**job.settings["variant"]), None
    if variant.pretrained:
        path, key = job.input("source_models"), job.keys["source_models"]
        inherited, digests = load_source_models(path, key, job.tile.models)
        saw["source_models"] = digests
    fresh = fresh_groups(variant, network, inherited, classes)
    print(f"drawn anew: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
    saw["fresh"] = ", ".join(fresh)
    phases = phases_of(variant, network, fresh)
    return lambda whose: start_repeats(network, fresh, inherited, whose), phases


def _training(settings: Mapping[str, Any], classes: Sequence[str]) -> Training:
    """Return how networks learn, with a weight of each class in their order."""
    training = Training(**{"epochs": None, **settings})
    if isinstance(training.class_weight, dict):
        weights = named_weights(training.class_weight, classes)
        training = training._replace(class_weight=weights)
    return training
