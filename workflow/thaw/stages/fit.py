"""The choice of a learner, and the outputs, of all stages that train."""

import importlib
from collections.abc import Callable

from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.output.predictions import Predictions, save_predictions
from thaw.output.scores import save_scores
from thaw.progress import warn_of_failures
from thaw.stages.command import Job

# Trains a job's networks, of the given kind in words; returns scores and predictions.
Learner = Callable[[Job, Whose, str], tuple[Reached, Predictions]]


def fit(job: Job, learn: Learner) -> None:
    """Train a tile's networks; write scores, histories and, if wanted, predictions.

    `learn` trains networks with Thaw's learners. A module that replaces it has a
    function `fit` that takes the same.
    """
    settings, tile, recipe = job.settings, job.tile, job.recipe
    seed = settings["seed"]
    if tile.repeats is None:
        kind, whose = "source models", Whose.source_models(seed, tile.models)
    else:
        kind, whose = "repeats", Whose.repeats(seed, tile.addresses)
    # Imported only here, because each needs other packages.
    if "estimator" in settings:
        learn = importlib.import_module("thaw.external.estimators").fit
    elif "trainer" in settings["network"]:
        learn = importlib.import_module("thaw.external.trainers").fit
    reached, predictions = learn(job, whose, kind)
    warn_of_failures(kind, tile.labels, reached.final.failed)
    scores, history = job.output("scores"), job.output("history")
    save_scores(scores, history, tile, reached, recipe, predictions.saw)
    if job.outputs.get("predictions"):
        save_predictions(job.output("predictions"), predictions, tile, recipe)
