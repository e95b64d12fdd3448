"""Reference estimators: scikit-learn's kind of class, fitted in place of networks.

Only their jobs import this, and the package that holds the class.
"""

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
    """Fit an estimator for each repeat of a tile; see `thaw.stages.train`.

    Raises `ThawError`, which names the estimator, if it fails.
    """
    estimator, size = job.settings["estimator"], job.settings.get("target_size")
    place, arguments = estimator["class"], estimator.get("arguments", {})
    package, _, name = place.rpartition(".")
    done = Progress(kind, job.tile.fits, 1).trained
    try:
        fitted = load({"import": package, "function": name}, None)
        # Sums over several cores differ in their last bits.
        with threadpool_limits(1):
            return learned(fitted, arguments, problem, whose, size, done)
    except ThawError as error:
        values = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise ThawError(f"{place}({values}): {error}") from error
