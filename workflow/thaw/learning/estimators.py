"""Reference estimators: the data they learn from, and the predictions kept of them.

A repeat of an estimator has the rows of a network's repeat at the same address, and its
own seed if the estimator draws random numbers. It predicts numbers, or probabilities,
from which the predicted class follows as from a network's.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from thaw.data.problem import Pool, Problem
from thaw.errors import ThawError
from thaw.learning.history import Reached, names_of
from thaw.learning.rows import filled
from thaw.learning.seeds import Whose
from thaw.learning.splits import split
from thaw.learning.tasks import TASKS
from thaw.learning.trainer import reached, rows_of, seeds_of

# The smallest probability, as in scikit-learn's log_loss.
LEAST = np.finfo(np.float64).eps


def learned(
    kind: Callable[..., Any],
    arguments: Mapping[str, Any],
    problem: Problem | Pool,
    whose: Whose,
    size: int | None,
    done: Callable[[int], None],
) -> tuple[Reached, np.ndarray]:
    """Fit an estimator of a `kind` for each repeat; return scores and predictions.

    Train scores are those of the rows that it learned from. Predictions have the form
    that the task keeps; if one of a repeat's is not finite, all are nan and that repeat
    failed. A repeat that predicts the same for all rows did not fail: unlike a dead
    network, it found no pattern. `done` is called with the number of repeats finished.
    Raises `ThawError` if the estimator does not go with the task, or fails.
    """
    task = TASKS[problem.task]
    with _errors_in_a_line():
        settings = kind(**arguments).get_params()
    is_random = "random_state" in settings
    # In scikit-learn, None means one; elsewhere it may mean all.
    if "n_jobs" in settings and not kind.__module__.startswith("sklearn."):
        arguments = {"n_jobs": 1, **arguments}
    split_of = functools.lru_cache(maxsize=1)(functools.partial(split, problem))
    before: Problem | None = None
    scores: list[list[float]] = []
    predictions: list[np.ndarray] = []
    for place, (model, seed) in enumerate(
        zip(whose.models, seeds_of(whose), strict=True)
    ):
        given = split_of(whose.seed, model)
        # Without random numbers, and from all its rows, each repeat is the same.
        if given is not before or size is not None or is_random:
            [rows] = rows_of(given, whose.at([place]), size)
            seeded = {**arguments, "random_state": seed} if is_random else arguments
            sets = _predictions(kind, seeded, given, np.array(rows))
            labels = given.train_y[rows], given.test_y
            pairs = [task.scores(*both) for both in zip(sets, labels, strict=True)]
        before = given
        scores.append([float(values[0]) for pair in pairs for values in pair])
        predictions.append(sets[1])
        done(1)
    columns = dict(zip(names_of(task), np.array(scores).T, strict=True))
    # Scores that are not finite are counted later; an estimator has no learning rate.
    failed = np.zeros(len(scores), bool)
    return reached(columns, failed, problem.whole, np.nan), np.concatenate(predictions)


def _predictions(
    kind: Callable[..., Any],
    arguments: Mapping[str, Any],
    problem: Problem,
    rows: np.ndarray,
) -> list[np.ndarray]:
    """Return the predictions of a fitted estimator for train and test rows.

    Each has the form that the task keeps for one network, `[1, rows, …]`, and is nan
    throughout if a number is not finite.
    """
    given, _ = filled(problem._replace(train_x=problem.train_x[rows]), len(rows))
    labels = problem.train_y[rows]
    x, _ = sets = [x.astype(np.float64) for x in (given.train_x, given.test_x)]
    with _errors_in_a_line():
        estimator = kind(**arguments)
        if TASKS[problem.task].has_classes:
            # The classes present, numbered without gaps, which some insist on.
            present, codes = np.unique(labels, return_inverse=True)
            if len(present) > 1:
                estimator.fit(x, codes)
                shares = [estimator.predict_proba(part) for part in sets]
            else:
                # Rows of one class teach nothing more; many estimators refuse them.
                shares = [np.ones((len(part), 1)) for part in sets]
            values = [_logarithms(part, present, problem.classes) for part in shares]
        else:
            estimator.fit(x, labels)
            if hasattr(estimator, "classes_"):
                raise ThawError(
                    "it is a classifier, and the target's labels are numbers"
                )
            # Some return a column.
            values = [
                np.asarray(estimator.predict(part), np.float64).reshape(1, len(part))
                for part in sets
            ]
    return [v if np.isfinite(v).all() else np.full_like(v, np.nan) for v in values]


def _logarithms(shares: Any, present: np.ndarray, classes: int) -> np.ndarray:
    """Return the log-probabilities of all classes, float32 `[1, rows, classes]`.

    Classes missing from the train rows get the least. As in scikit-learn's log_loss,
    anything below `LEAST` counts as that.
    """
    shares = np.asarray(shares, np.float64)
    if shares.shape[1:] != present.shape:
        raise ThawError(
            f"its predict_proba returned {list(shares.shape)} for {len(present)} "
            "classes"
        )
    all_classes = np.zeros((len(shares), classes))
    all_classes[:, present] = shares
    clipped = np.clip(all_classes, LEAST, 1)
    return np.log(clipped / clipped.sum(1, keepdims=True)).astype(np.float32)[None]


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """Turn an estimator's error into one message."""
    try:
        yield
    except (ThawError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ThawError(f"{type(error).__name__}: {reason}") from error
