"""Reference estimators: scikit-learn's kind of class, fitted in place of networks.

Only their jobs import this, and the package that holds the class.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from threadpoolctl import threadpool_limits

from thaw.errors import ThawError
from thaw.learning.estimators import learned
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.splits import check, test_rows
from thaw.output.predictions import Predictions
from thaw.progress import Progress
from thaw.stages.command import Job


def fit(job: Job, whose: Whose, kind: str) -> tuple[Reached, Predictions]:
    """Fit an estimator for each repeat of a tile; return scores and predictions.

    See `thaw.stages.fit`.
    """
    estimator, size = job.settings["estimator"], job.settings.get("target_size")
    problem, description, digest = job.load_problem("problem")
    check(problem, description.classes, whose.seed, whose.models)
    name, arguments = estimator["class"], estimator.get("arguments", {})
    progress = Progress(kind, job.tile.fits, 1)
    try:
        estimator_class = load(name)
        # Sums over several cores differ in their last bits.
        with threadpool_limits(1):
            reached, outputs = learned(
                estimator_class, arguments, problem, whose, size, progress.trained
            )
    except ThawError as error:
        raise ThawError(f"{called(name, arguments)}: {error}") from error
    rows = test_rows(problem, whose.seed, whose.models)
    return reached, Predictions(problem.task, outputs, rows, {"problem": digest})


def load(name: str) -> Callable[..., Any]:
    """Return the class of that name, imported from its package.

    Raises `ThawError` if there is none.
    """
    module, _, own = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), own)
    except (ImportError, AttributeError) as error:
        raise ThawError(f"it cannot be imported: {error}") from error
    if not inspect.isclass(found):
        raise ThawError("it is not a class; name one")
    return found


def called(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that makes an estimator, as text."""
    told = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"variant's estimator {name}({told})"
