"""The size of a problem, as far as it shows without reading the numbers.

Memory and time of jobs are asked for by it. The job that makes the problem sees what is
really there.
"""

import csv
import functools
import math
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from numpy.lib import format as npy

from thaw.data import ARRAYS, EACH, FILES, IMAGES, PARQUET, SEPARATORS, shape_of
from thaw.keys import files_below
from thaw.learning.tasks import TASKS


class Extent(NamedTuple):
    """Upper limits of a problem's rows and features, and of a network's outputs."""

    rows: int
    features: int
    outputs: int


# Assumed where a label or a categorical column must be read to be counted, or a
# file is not made yet.
SOME_CLASSES = 100
SOME_ROWS = 100_000
SOME_FEATURES = 100

# The functions of scikit-learn that return features and labels, and the size of what
# they return unless their arguments say otherwise; how many classes, or 1 number.
GENERATED = {
    "make_blobs": Extent(100, 2, 3),
    "make_circles": Extent(100, 2, 2),
    "make_classification": Extent(100, 20, 2),
    "make_friedman1": Extent(100, 10, 1),
    "make_gaussian_quantiles": Extent(100, 2, 3),
    "make_hastie_10_2": Extent(12_000, 10, 2),
    "make_moons": Extent(100, 2, 2),
    "make_regression": Extent(100, 100, 1),
    "load_breast_cancer": Extent(569, 30, 2),
    "load_diabetes": Extent(442, 10, 1),
    "load_digits": Extent(1_797, 64, 10),
    "load_iris": Extent(150, 4, 3),
    "load_wine": Extent(178, 13, 3),
}

# Bytes read at once.
BLOCK = 2**20


def function_of(problem: Mapping[str, Any]) -> str | None:
    """Return which function of scikit-learn generates a problem's data, if one does."""
    return next((name for name in GENERATED if name in problem), None)


def extent(problem: Mapping[str, Any], look: bool = True) -> Extent:
    """Return how large a problem is at most.

    A file that is not looked at, or cannot be read, is taken for one of some size: the
    job will say so.
    """
    function = function_of(problem)
    if IMAGES in problem:
        found = _of_images(problem)
    else:
        found = _generated(function, problem) if function else _of_files(problem, look)
    sizes = [problem.get("train_size"), problem.get("test_size")]
    whole = [size for size in sizes if isinstance(size, int)]
    if problem.get("shuffle") == EACH:  # others are there for other splits
        whole = []
    rows = min(found.rows, sum(whole)) if len(whole) == 2 else found.rows
    classes = len(problem["classes"]) or problem.get("bins") or found.outputs
    return found._replace(rows=rows, outputs=TASKS[problem["task"]].width(classes))


def _generated(function: str, problem: Mapping[str, Any]) -> Extent:
    """Return how large what a function returns is, with the problem's arguments."""
    usual, arguments = GENERATED[function], problem[function]
    samples = arguments.get("n_samples", usual.rows)
    # Some functions take a number for each class.
    rows = sum(samples) if isinstance(samples, list) else samples
    features = arguments.get("n_features", usual.features)
    classes = arguments.get("n_classes", arguments.get("centers", usual.outputs))
    return Extent(
        *(
            number if isinstance(number, int) and number > 0 else other
            for number, other in zip((rows, features, classes), usual, strict=True)
        )
    )


def _of_images(problem: Mapping[str, Any]) -> Extent:
    rows, classes = len(files_below(Path(problem[IMAGES]))), len(image_classes(problem))
    return Extent(max(1, rows), math.prod(shape_of(problem)), max(1, classes))


def image_classes(problem: Mapping[str, Any]) -> list[str]:
    """Return the classes of a problem whose data are images: its folders, in order."""
    names = files_below(Path(problem[IMAGES]))
    found = sorted({name.partition("/")[0] for name in names})
    return [*map(str, problem["classes"])] or found


def _of_files(problem: Mapping[str, Any], look: bool) -> Extent:
    paths = [Path(problem[key]) for key in FILES if key in problem]
    shapes = [(SOME_ROWS, math.prod(problem["shape"] or [SOME_FEATURES]))]
    if look:
        sep = problem.get("separator")
        with suppress(OSError, ValueError, KeyError, csv.Error, zipfile.BadZipFile):
            shapes = [
                _shape(path, sep, path.stat().st_size, path.stat().st_mtime_ns)
                for path in paths
            ]
    encoded = SOME_CLASSES * len(problem["categorical"])
    return Extent(
        max(1, sum(rows for rows, _ in shapes)),
        max(1, *(features + encoded for _, features in shapes)),
        SOME_CLASSES,
    )


@functools.cache
def _shape(path: Path, sep: str | None, size: int, time: int) -> tuple[int, int]:
    """Return the rows and columns of a file; of a text file, its lines.

    `size` and `time` tell one content from another, well enough for an estimate.
    """
    if path.suffix == PARQUET:
        # Only those who have such files wait for the import.
        from pyarrow.parquet import read_metadata

        found = read_metadata(path)
        return found.num_rows, found.num_columns
    if path.suffix == ARRAYS:
        with zipfile.ZipFile(path) as archive, archive.open("X.npy") as file:
            version = npy.read_magic(file)
            short = version == (1, 0)
            header = npy.read_array_header_1_0 if short else npy.read_array_header_2_0
            (rows, *features), _, _ = header(file)
        return rows, math.prod(features)
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
    with path.open(encoding="utf-8-sig", newline="") as text:
        columns = next(csv.reader(text, delimiter=sep or SEPARATORS[path.suffix]), [])
    return lines, len(columns)
