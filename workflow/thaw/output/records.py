"""Records of what made a result, kept in or beside it, and checked by readers.

A record holds the result's key, its recipe (whose digest is the key, see `thaw.keys`),
the digests of the stage's inputs and that of the content it wrote.

Files with plain names, such as tables and figures, have a record beside them. It alone
says whether they are up to date; neither their times, which a copy changes, nor
Snakemake's own records do.
"""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw import keys
from thaw.errors import ThawError
from thaw.keys import digest_of_file, known_digest
from thaw.output.files import whole_file

# The content of a file, or a function that writes it.
Content = bytes | Callable[[BinaryIO], object]


def record(
    recipe: Mapping[str, Any], saw: Mapping[str, Any], content: Any
) -> dict[str, Any]:
    """Return the record of a result; `content` is its digest, or one for each part."""
    return {
        "key": keys.key(recipe),
        "recipe": dict(recipe),
        "saw": dict(saw),
        "content": content,
    }


def check_record(text: str, key: str) -> dict[str, Any]:
    """Return the record in `text`.

    Raises `ValueError` unless it is that of the result `key`.
    """
    found = json.loads(text)
    if keys.key(found["recipe"]) != found["key"]:
        raise ValueError("its record does not agree with itself")
    if found["key"] != key:
        raise ValueError(f"it is result {found['key']} instead of {key}")
    return found


def digest_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the digest of named arrays: their names, types, shapes and values."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        found.update(array.data if array.size else b"")
    return found.hexdigest()


def load_record(path: Path, key: str) -> dict[str, Any]:
    """Read the record that `publish` wrote.

    Raises `ThawError` if it is damaged or that of another result.
    """
    with reading(path, "the record it should be"):
        return check_record(path.read_text(encoding="utf-8"), key)


def is_made(path: Path, key: str) -> bool:
    """Whether a record is that of this key, and matches the files beside it.

    Archives only need to exist: reading one shows whether anything is wrong with it.
    """
    try:
        content = load_record(path, key)["content"]
        folder = path.parent.parent
        return all(
            (folder / name).exists()
            if name.endswith(".npz")
            else known_digest(folder / name) == digest
            for name, digest in content.items()
        )
    except (ThawError, OSError, KeyError, AttributeError):
        return False


class Claim:
    """A stage's claim to a record and its files, until it has published them.

    The last claim wins, so that an orphan of an earlier run cannot overwrite newer
    files. The claim stands in the record's place.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any]) -> None:
        """Claim the record at `path` for the result of `recipe`."""
        self._path, self._recipe = path, recipe
        self._text = json.dumps({"claim": secrets.token_hex(8)})
        with whole_file(path) as temporary:
            temporary.write_text(self._text, encoding="utf-8")

    def publish(self, saw: Mapping[str, Any], outputs: Mapping[Path, Content]) -> None:
        """Write the outputs, which lie in the folder above, and then the record.

        Raises `ThawError` if another run has claimed the record since.
        """
        content = {}
        for path, write in outputs.items():
            with whole_file(path) as temporary:
                if isinstance(write, bytes):
                    temporary.write_bytes(write)
                else:
                    with temporary.open("wb") as file:
                        write(file)
                content[path.name] = digest_of_file(temporary)
                self._check()
        found = record(self._recipe, saw, content)
        with whole_file(self._path) as temporary:
            text = json.dumps(found, indent=1, sort_keys=True)
            temporary.write_text(text + "\n", encoding="utf-8")
            self._check()

    def withdraw(self) -> None:
        """Remove the claim, if it still stands."""
        if self._stands():
            self._path.unlink()

    def _check(self) -> None:
        if not self._stands():
            raise ThawError(
                f"{self._path} was claimed by a run that began later, and nothing more "
                "was written; if that run is over, run again"
            )

    def _stands(self) -> bool:
        try:
            return self._path.read_text(encoding="utf-8") == self._text
        except (OSError, UnicodeDecodeError):
            return False


@contextmanager
def claimed(path: Path, recipe: Mapping[str, Any]) -> Iterator[Claim]:
    """Claim a record while a stage computes the files to publish with it."""
    claim = Claim(path, recipe)
    try:
        yield claim
    finally:
        claim.withdraw()


def save_check(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the rows that a check found, as JSON with their record."""
    found = record(recipe, saw, keys.digest(keys.canonical(rows))) | {"rows": rows}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def load_check(path: Path, key: str) -> list[dict[str, Any]]:
    """Read the rows that the check of that key found.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    with reading(path, "the check it should be"):
        found = check_record(path.read_text(encoding="utf-8"), key)
        digest = keys.digest(keys.canonical(found["rows"]))
        require(digest == found["content"], "it was changed")
        return found["rows"]


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn errors while reading a result into one line with the remedy.

    `what` names the file. A missing file keeps its own message.
    """
    try:
        yield
    except ThawError:
        raise
    except FileNotFoundError as error:
        error.filename, error.strerror = str(path), os.strerror(errno.ENOENT)
        raise
    except OSError as error:
        # A damaged archive may send its reader to a place beyond the end.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _damaged(path, what, error) from error
    # Reading a damaged archive can fail in any way.
    except Exception as error:
        raise _damaged(path, what, error) from error


def require(condition: bool | np.bool, reason: str) -> None:
    """Raise `ValueError`, which `reading` turns into a message, unless all is well."""
    if not condition:
        raise ValueError(reason)


def _damaged(path: Path, what: str, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ThawError(f"{path} is not {what}: {reason}; delete it and run again")
