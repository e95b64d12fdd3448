"""The predictions that a trainer wrote: a saved NumPy array, checked strictly.

They are optional. With them, any metric can be computed, and scores that the trainer
did not write.
"""

from pathlib import Path

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning.tasks import TASKS

# The largest error in the sum of a row's probabilities.
NEAR = 1e-3


def read_predictions(path: Path, networks: int, problem: Problem) -> np.ndarray:
    """Read the predictions of so many networks, or of 0 if there is no file.

    Log-probabilities, float32 `[networks, rows, classes]`, or numbers in the label's
    units, float64 `[networks, rows]`; in the order of the job's networks and of the
    problem's test rows. The probabilities of a row sum to 1, up to rounding. A network
    with any prediction that is not a number failed; all of its numbers are then nan.
    Raises `ThawError` that names the file, the place and the remedy.
    """
    classes = [problem.classes] if TASKS[problem.task].has_classes else []
    expected = [networks, len(problem.test_y), *classes]
    if not path.exists():
        _check_name(path)
        return np.empty((0, *expected[1:]), np.float32 if classes else np.float64)
    said = _array(path)
    if list(said.shape) != expected:
        raise ThawError(
            f"{path}: the shape is {list(said.shape)}. Allowed: {expected}, for "
            f"networks, test rows{' and classes' if classes else ''}"
        )
    if said.dtype.kind != "f":
        raise ThawError(
            f"{path}: the type is {said.dtype}. Allowed: floating-point numbers"
        )
    failed = np.isnan(said.reshape(networks, -1)).any(1)
    if not classes:
        said = said.astype(np.float64)
        infinite = np.isinf(said) & ~failed[:, None]
        if infinite.any():
            network, row = np.argwhere(infinite)[0]
            raise ThawError(
                f"{path}: networks[{network}], test row {row} (from 0): the number is "
                "not finite; write nan for a network that failed"
            )
        return np.where(failed[:, None], np.nan, said)
    # They must fit into float32, too.
    with np.errstate(over="ignore"):
        infinite = np.isinf(said.astype(np.float32)) & ~failed[:, None, None]
    if infinite.any():
        network, row, column = np.argwhere(infinite)[0]
        raise ThawError(
            f"{path}: networks[{network}], test row {row} (from 0): a log-probability "
            f"is {said[network, row, column]}; write log_softmax of the logits, "
            "logarithms of probabilities above 0, or nan for a network that failed"
        )
    said = said.astype(np.float64)
    with np.errstate(over="ignore"):
        sums = np.exp(said).sum(2)
    wrong = (abs(sums - 1) > NEAR) & ~failed[:, None]
    if wrong.any():
        network, row = np.argwhere(wrong)[0]
        raise ThawError(
            f"{path}: networks[{network}], test row {row} (from 0): the probabilities "
            f"sum to {sums[network, row]:.4g}, not 1; write their natural logarithms"
        )
    said -= np.log(sums)[:, :, None]
    said[failed] = np.nan
    return said.astype(np.float32)


def _array(path: Path) -> np.ndarray:
    """Read an array, never a pickle."""
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            found.close()
            raise ValueError("it holds several arrays")
    # Reading a damaged file can fail in any way.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        # NumPy's words advise to load it all the same.
        reason = "it is not an array of numbers" if "pickle" in reason else reason
        raise ThawError(
            f"{path} cannot be read: {reason}; write one array with numpy.save"
        ) from None
    return found


def _check_name(path: Path) -> None:
    """Raise `ThawError` if there is a file with almost that name.

    NumPy adds a suffix to the names of files whose suffix it does not know.
    """
    for other in sorted(path.parent.glob(f"{path.stem}*")):
        raise ThawError(f"{other} should be {path.name}; write it with numpy.save")
