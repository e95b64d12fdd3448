"""Records: what made a result, kept in or beside it, and checked by whoever reads it.

A record holds the result's key, the recipe whose digest the key is (see `thaw.keys`),
the digests of what the stage saw and that of the content it wrote.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from thaw import keys
from thaw.errors import ThawError
from thaw.keys import digest_of_file as digest_of_file


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

    Raises `ValueError` if it is not that of the result `key`.
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


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what goes wrong while a result is read into one line with the remedy.

    `what` the file should be. A missing file keeps its own message.
    """
    try:
        yield
    except ThawError:
        raise
    except FileNotFoundError as error:
        error.filename, error.strerror = str(path), os.strerror(errno.ENOENT)
        raise
    except OSError as error:
        # A damaged archive may send its reader to a place that no file has.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _damaged(path, what, error) from error
    # A damaged archive makes its readers fail in any way they can.
    except Exception as error:
        raise _damaged(path, what, error) from error


def require(condition: bool | np.bool, reason: str) -> None:
    """Raise `ValueError`, which `reading` turns into a message, unless all is well."""
    if not condition:
        raise ValueError(reason)


def _damaged(path: Path, what: str, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ThawError(f"{path} is not {what}: {reason}; delete it and run again")
