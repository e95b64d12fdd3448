"""Settings files of tables and figures, and the records beside what they make.

Tables and figures have plain names, so something must say when they are stale. Each
stage that makes some has a settings file per study: its recipe (see `thaw.keys`), which
names the keys of all it reads. The file is an input of the rule. It is written when the
config is read: only if its text changes, or if the record of what is there tells of
another recipe. Either makes the stage's outputs stale, whatever Snakemake's records and
the files' times say.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from thaw import keys
from thaw.errors import ThawError
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_file, reading, record

Writer = Callable[[BinaryIO], object]


def settle(
    settings: Path,
    record_path: Path,
    recipe: Mapping[str, Any],
    outputs: Iterable[Path],
) -> None:
    """Bring a settings file up to date, so that outputs of another recipe are stale."""
    if not tell(settings, recipe, anew=not _made_by(record_path, recipe)):
        return
    now = settings.stat().st_mtime
    for output in outputs:
        # A clock may have run ahead. Snakemake takes an output for stale only if it is
        # older than its input.
        if output.exists() and output.stat().st_mtime >= now:
            os.utime(output, (now - 1, now - 1))


def tell(settings: Path, recipe: Mapping[str, Any], anew: bool = False) -> bool:
    """Write a settings file if its text differs, or `anew`; return whether it did."""
    text = keys.canonical(recipe)
    if not anew and _holds(settings, text):
        return False
    with whole_file(settings) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def load_settings(path: Path, key: str) -> dict[str, Any]:
    """Read the recipe that a settings file holds.

    Raises `ThawError` if it is not that of the result `key`.
    """
    with reading(path, "a settings file"):
        recipe = json.loads(path.read_text(encoding="utf-8"))
    if keys.key(recipe) != key:
        raise ThawError(
            f"{path} asks for result {keys.key(recipe)}, this job for {key}: this "
            "folder was read with another config, code or libraries since the run "
            "began. Nothing was written; run again with the config you want"
        )
    return recipe


def publish(
    settings: Path,
    record_path: Path,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    outputs: Mapping[Path, Writer],
) -> None:
    """Write a stage's outputs, then the record that says what made them.

    Raises `ThawError` if the settings file asks for something else by now.
    """
    content = {}
    for path, write in outputs.items():
        with whole_file(path) as temporary:
            with temporary.open("wb") as file:
                write(file)
            content[path.name] = digest_of_file(temporary)
            # An orphan of another run must not write over what was made meanwhile.
            load_settings(settings, keys.key(recipe))
    with whole_file(record_path) as temporary:
        text = json.dumps(record(recipe, saw, content), indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def load_record(path: Path, key: str) -> dict[str, Any]:
    """Read a record that `publish` wrote.

    Raises `ThawError` if it is damaged or that of another result.
    """
    with reading(path, "the record it should be"):
        return check_record(path.read_text(encoding="utf-8"), key)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _made_by(record_path: Path, recipe: Mapping[str, Any]) -> bool:
    try:
        load_record(record_path, keys.key(recipe))
    except (ThawError, OSError):
        return False
    return True
