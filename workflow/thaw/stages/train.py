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
import zipfile
from typing import Any

from thaw.learning.seeds import Whose
from thaw.learning.splits import check, test_rows
from thaw.learning.tasks import TASKS
from thaw.output.job import Job
from thaw.output.records import save_arrays
from thaw.output.scores import save_scores
from thaw.progress import warn_of_failures


def main(job: Job) -> None:
    """Train a tile's networks; write scores, histories and, if wanted, predictions.

    The `fit` of a module trains them. It gets the job, its problem with a description,
    whose random numbers they get, their kind in words, and the digests of inputs, to
    which it adds. It returns their scores, and predictions as the task keeps them.
    """
    settings, tile, recipe = job.settings, job.tile, job.recipe
    seed = settings["seed"]
    if tile.repeats is None:
        kind, whose = "source models", Whose.source_models(seed, tile.models)
    else:
        kind, whose = "repeats", Whose.repeats(seed, tile.addresses)
    problem, described, digest = job.load_problem("problem")
    # The study may have more source models than when the problem was made.
    check(problem, described.classes, seed, whose.models)
    saw: dict[str, Any] = {"problem": digest}
    learner = "stages.networks"
    if "estimator" in settings:
        learner = "external.estimators"
    elif "trainer" in settings["network"]:
        learner = "external.trainers"
    # Only now, because each needs other packages.
    fit = importlib.import_module(f"thaw.{learner}").fit
    reached, outputs = fit(job, problem, described, whose, kind, saw)
    warn_of_failures(kind, tile.labels, reached.final.failed)
    scores, history = job.output("scores"), job.output("history")
    save_scores(scores, history, tile, reached, recipe, saw)
    if job.outputs.get("predictions"):
        rows = test_rows(problem, seed, whose.models)
        arrays = {TASKS[problem.task].kept: outputs, "rows": rows}
        # The low bits of logarithms are noise, so that deflating saves but a tenth.
        deflated, path = zipfile.ZIP_DEFLATED, job.output("predictions")
        save_arrays(path, arrays, recipe, saw, tile, compression=deflated)
