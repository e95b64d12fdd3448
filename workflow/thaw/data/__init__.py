"""Problems, and how their data are read or generated, split and scaled."""

from collections.abc import Mapping
from typing import Any

# The keys of a problem that name its files; images are a folder of them.
IMAGES = "images"
FILES = ("file", "test_file", IMAGES)
# It is imported by name, so that Pillow is no part of other problems' keys.
READS_IMAGES = "thaw.data.images"

# The colours that images may have, and how many channels; Pillow's names for them.
CHANNELS = {"rgb": 3, "grey": 1}
MODES = {3: "RGB", 1: "L"}

# With this in the place of a seed, rows are split anew for each source model.
EACH = "each"

# The kinds of files, by suffix: text, with what separates its values; tables, whose
# columns have names; and arrays.
SEPARATORS = {".csv": ",", ".tsv": "\t"}
# The keys of a problem that say how a text file is written, unless it is as usual.
WRITTEN = ("separator", "decimal")
# With this as its columns, a target has those that its source has, too.
COMMON = "common"
PARQUET = ".parquet"
ARRAYS = ".npz"
TABLES = (*SEPARATORS, PARQUET)
SUFFIXES = (*TABLES, ARRAYS)


def fills(problem: Mapping[str, Any]) -> bool:
    """Whether missing values of a problem are filled."""
    return "fill" in problem.get("missing", {})


def shape_of(problem: Mapping[str, Any]) -> list[int]:
    """Return how a problem's features are arranged; nothing if it does not say."""
    if IMAGES in problem:
        return [CHANNELS[problem.get("color", "rgb")], *problem.get("size", [])]
    return list(problem.get("shape") or [])
