"""Reference estimators: scikit-learn's kind of class, fitted in place of networks.

Only their jobs import this, and the package that holds the class.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError
from thaw.external.functions import load
from thaw.learning.estimators import learned
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.output.job import Job
from thaw.progress import Progress


def fit(
    job: Job,
    problem: Problem | Pool,
    described: Description,
    whose: Whose,
    kind: str,
    saw: dict[str, Any],
) -> tuple[Reached, np.ndarray]:
    """Fit an estimator for each repeat of a tile; see `thaw.stages.train`."""
    estimator, size = job.settings["estimator"], job.settings.get("target_size")
    progress = Progress(kind, job.tile.fits, 1)
    return fit_repeats(estimator, problem, whose, size, progress.trained)


def check_estimators(study: Mapping[str, Any], problem: Problem | Pool) -> None:
    """Fit each of a study's estimators as for its first repeat, at its smallest size.

    Raises `ThawError`, which names the variant, if one fails.
    """
    first = Whose.repeats(study["seed"], [(0, 0)])
    smallest = min(study["target_sizes"], default=None)
    for name, estimator in study["estimators"].items():
        try:
            fit_repeats(estimator, problem, first, smallest)
        except ThawError as error:
            place = f"studies.{study['study']}: variants.{name}"
            raise ThawError(f"{place}: {error}") from None


def fit_repeats(
    estimator: Mapping[str, Any],
    problem: Problem | Pool,
    whose: Whose,
    size: int | None,
    done: Callable[[int], None] = lambda _: None,
) -> tuple[Reached, np.ndarray]:
    """Return the scores and predictions of a recipe's estimator, for each of `whose`.

    For `size` and `done` see `thaw.learning.estimators.learned`.
    Raises `ThawError`, which names the estimator, if it fails.
    """
    place, arguments = estimator["class"], estimator.get("arguments", {})
    package, _, name = place.rpartition(".")
    try:
        kind = load({"import": package, "function": name}, None)
        # Sums over several cores differ in their last bits.
        with threadpool_limits(1):
            return learned(kind, arguments, problem, whose, size, done)
    except ThawError as error:
        values = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise ThawError(f"{place}({values}): {error}") from error
