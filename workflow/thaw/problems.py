"""Problems: classification data sets with a fixed train/test split."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from thaw.errors import ThawError
from thaw.files import whole_file


class Problem(NamedTuple):
    """A classification data set with a fixed train/test split.

    Features are float32 `[rows, features]`; labels are int64 `[rows]`, 0 ≤ label <
    `classes`.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: int


def save_problem(path: Path, problem: Problem) -> None:
    """Write the split arrays to a NumPy archive (.npz), no pickle inside."""
    with whole_file(path) as temporary:
        np.savez(temporary, **problem._asdict())


def load_problem(path: Path) -> Problem:
    """Read a problem back.

    Raises `ThawError` if the file is not a problem's archive.
    """
    try:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in Problem._fields}
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ThawError(
            f"{path} is not a problem's archive ({error}); delete it and run again"
        ) from error
    return Problem(**arrays | {"classes": int(arrays["classes"])})
