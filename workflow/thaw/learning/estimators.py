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
from thaw.learning.splits import split as split_of
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
    takes = _takes(kind, arguments)
    # In scikit-learn, None means one; elsewhere it may mean all.
    is_theirs = kind.__module__.startswith("sklearn.")
    usual = {"n_jobs": 1} if "n_jobs" in takes and not is_theirs else {}
    draws = seeds_of(whose)
    scores: list[tuple[float, ...]] = []
    said: list[np.ndarray] = []
    split = functools.lru_cache(maxsize=1)(functools.partial(split_of, problem))
    before: Problem | None = None
    for place, (model, seed) in enumerate(zip(whose.models, draws, strict=True)):
        given = split(whose.seed, model)
        # Without random numbers, and from all its rows, each repeat is the same.
        if given is before and size is None and "random_state" not in takes:
            scores.append(scores[-1])
            said.append(said[-1])
            done(1)
            continue
        before = given
        [rows] = rows_of(given, whose.some([place]), size)
        drawn = {"random_state": seed} if "random_state" in takes else {}
        own = {**usual, **arguments, **drawn}
        both = _said(kind, own, given, np.array(rows))
        labels = given.train_y[rows], given.test_y
        found = [task.scores(*one) for one in zip(both, labels, strict=True)]
        scores.append(tuple(float(values[0]) for pair in found for values in pair))
        said.append(both[1])
        done(1)
    columns = dict(zip(names_of(task), np.array(scores).T, strict=True))
    # Scores that are not finite are counted later, so no warning is needed.
    failed = np.zeros(len(said), bool)
    # An estimator has no learning rate.
    return reached(columns, failed, problem.whole, np.nan), np.concatenate(said)


def _takes(kind: Callable[..., Any], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the estimator's arguments, by name."""
    with _their_errors():
        made = kind(**arguments)
    if not hasattr(made, "get_params"):
        raise ThawError(
            "it has no get_params and is no estimator like scikit-learn's; choose "
            "another class"
        )
    return made.get_params()


def _said(
    kind: Callable[..., Any],
    arguments: Mapping[str, Any],
    problem: Problem,
    rows: np.ndarray,
) -> list[np.ndarray]:
    """Return the predictions of a fitted estimator for train and test rows.

    Each has the form that the task keeps for one network, `[1, rows, …]`.
    """
    own, _ = filled(problem._replace(train_x=problem.train_x[rows]), len(rows))
    labels = problem.train_y[rows]
    x, _ = sets = [x.astype(np.float64) for x in (own.train_x, own.test_x)]
    if not TASKS[problem.task].has_classes:
        with _their_errors():
            made = kind(**arguments).fit(x, labels)
            # Some return a column.
            numbers = [
                np.asarray(made.predict(own), np.float64).reshape(1, len(own))
                for own in sets
            ]
        if hasattr(made, "classes_"):
            raise ThawError("it is a classifier, and the target's labels are numbers")
        return [*map(_whole, numbers)]
    # The classes present, numbered without gaps, which some estimators insist on.
    present, codes = np.unique(labels, return_inverse=True)
    if len(present) == 1:
        # Rows of one class teach nothing more; many estimators refuse them.
        found = [np.ones((len(own), 1)) for own in sets]
    else:
        with _their_errors():
            made = kind(**arguments)
            # In some classes the arguments decide whether they have one.
            if not hasattr(made, "predict_proba"):
                raise ThawError(
                    "it has no predict_proba, which scores of classes need; choose a "
                    "classifier that has, or an argument that provides it"
                )
            made.fit(x, codes)
            found = [np.asarray(made.predict_proba(own), np.float64) for own in sets]
    return [_placed(own, present, problem.classes) for own in found]


def _placed(found: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Return the log-probabilities of all classes, float32 `[1, rows, classes]`.

    Classes missing from the train rows get the least. As in scikit-learn's log_loss,
    anything below `LEAST` counts as that.
    """
    if found.shape[1:] != present.shape:
        raise ThawError(
            f"its predict_proba returned {list(found.shape)} for {len(present)} classes"
        )
    all_classes = np.zeros((len(found), classes))
    all_classes[:, present] = found
    clipped = np.clip(all_classes, LEAST, 1)
    logarithms = np.log(clipped / clipped.sum(1, keepdims=True))
    return _whole(logarithms.astype(np.float32)[None])


def _whole(said: np.ndarray) -> np.ndarray:
    """Return predictions, all nan if one is not finite."""
    return said if np.isfinite(said).all() else np.full_like(said, np.nan)


@contextmanager
def _their_errors() -> Iterator[None]:
    """Turn an estimator's error into one message."""
    try:
        yield
    except (ThawError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ThawError(f"{type(error).__name__}: {reason}") from error
