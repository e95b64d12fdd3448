"""What the check of a network found, on disk: a JSON file that is its own record."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.output.files import whole_file
from thaw.output.records import check_record, reading, record, require

Row = Mapping[str, Any]


def save_check(
    path: Path,
    rows: Sequence[Row],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write a row a variant."""
    found = record(recipe, saw, keys.digest(keys.canonical(rows))) | {"rows": rows}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def load_check(path: Path, key: str) -> list[dict[str, Any]]:
    """Read the rows of the check of that key.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    with reading(path, "the check of a network it should be"):
        found = check_record(path.read_text(encoding="utf-8"), key)
        digest = keys.digest(keys.canonical(found["rows"]))
        require(digest == found["content"], "it was changed")
        return found["rows"]
