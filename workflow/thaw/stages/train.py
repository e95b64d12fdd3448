"""Train source models on the source problem, or repeats of a variant on the target.

Each source model has its own initial weights and batch order. A reference has its
`estimator` instead of network, training and variant.

Settings: the study's `seed`, `network` (of repeats, the source models') and `training`;
of repeats the `variant`, and the `target_size` if it is not all train rows.
Reads: `problem`, `source_models` if the variant is pretrained, and the user's `network`
module or `trainer`. All of a study's checks (`checked`) come first.
Writes: `scores`, `history`, the `weights` of source models and, if they are kept, those
of repeats and `predictions`.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.settings import Variant
from thaw.output.predictions import Predictions, save_predictions
from thaw.output.scores import save_scores
from thaw.progress import warn_of_failures
from thaw.stages.command import Job


def main(job: Job) -> None:
    """Train a tile's networks; write scores, histories and what else is kept."""
    settings, tile, recipe = job.settings, job.tile, job.recipe
    seed = settings["seed"]
    if tile.repeats is None:
        kind, whose = "source models", Whose.source_models(seed, tile.models)
    else:
        kind, whose = "repeats", Whose.repeats(seed, tile.addresses)
    # Imported only here, because each needs other packages.
    learner = learn
    if "estimator" in settings:
        learner = importlib.import_module("thaw.external.estimators").fit
    elif "trainer" in settings["network"]:
        learner = importlib.import_module("thaw.external.trainers").fit
    reached, predictions = learner(job, whose, kind)
    warn_of_failures(kind, tile.labels, reached.final.failed)
    scores, history = job.output("scores"), job.output("history")
    save_scores(scores, history, tile, reached, recipe, predictions.saw)
    if job.outputs.get("predictions"):
        save_predictions(job.output("predictions"), predictions, tile, recipe)


def learn(job: Job, whose: Whose, kind: str) -> tuple[Reached, Predictions]:
    """Train networks with Thaw's learners; return their scores and predictions.

    `kind` names them. A module that replaces it has a function `fit` that takes the
    same.
    """
    # Imported only here, because an estimator's job needs no torch.
    from thaw.learning.learner import Network
    from thaw.learning.variants import fresh_groups, phases_of, start_repeats
    from thaw.output.weights import load_source_models
    from thaw.stages.networks import Start, train_networks

    def start_source_models(network: Network, classes: Sequence[str]) -> Start:
        return Start(lambda whose: network.draw(list(network.groups), whose))

    if "variant" not in job.settings:
        return train_networks(job, whose, kind, start_source_models)
    variant = Variant(**job.settings["variant"])

    def start(network: Network, classes: Sequence[str]) -> Start:
        inherited = None
        saw: dict[str, Any] = {}
        if variant.pretrained:
            paths, key = job.inputs["source_models"], job.keys["source_models"]
            inherited, digests = load_source_models(paths, key, job.tile.models)
            saw["source_models"] = digests
        fresh = fresh_groups(variant, network, inherited, classes)
        print(f"drawn anew: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
        saw["fresh"] = ", ".join(fresh)
        phases = phases_of(variant, network, fresh)
        return Start(
            weights=lambda whose: start_repeats(network, fresh, inherited, whose),
            phases=phases,
            saw=saw,
        )

    return train_networks(job, whose, kind, start, variant.add)
