"""Records of what made a result, kept in or beside it, and checked by readers.

A record holds the result's key, its recipe (whose digest is the key, see `thaw.keys`),
the digests of the stage's inputs and that of the content it wrote.

Files of arrays are NumPy archives or, of weights, safetensors. Their record stands
inside, with a digest of each array, so that a reader may take only those it needs.

Files with plain names, such as tables and figures, have a record beside them. It alone
says whether they are up to date; neither their times, which a copy changes, nor
Snakemake's own records do.
"""

import errno
import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw import keys
from thaw.errors import ThawError
from thaw.keys import canonical, digest_of_file, known_digest
from thaw.output.paths import WEIGHTS
from thaw.output.tiles import Tile

# The content of a file, or a function that writes it.
Content = bytes | Callable[[BinaryIO], object]

# No array's name: that of what a record says about its file, among the digests.
ABOUT = ""


def record(
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    content: Any,
    tile: Tile | None = None,
) -> dict[str, Any]:
    """Return the record of a result; `content` is its digest, or one for each part."""
    return {
        "key": keys.key(recipe),
        "recipe": dict(recipe),
        "saw": dict(saw),
        "content": content,
    } | ({"tile": tile.name} if tile else {})


def parse_record(
    text: str, key: str | None = None, tile: Tile | None = None
) -> dict[str, Any]:
    """Return the record in `text`.

    Raises `ValueError` unless it is that of a result or, if they are given, that of
    this key and tile.
    """
    result = json.loads(text)
    require(
        keys.key(result["recipe"]) == result["key"],
        "its record does not agree with itself",
    )
    if key is not None:
        require(result["key"] == key, f"it is result {result['key']} instead of {key}")
    if tile is not None:
        require(result["tile"] == tile.name, f"it holds {result['tile']}")
    return result


def load_record(path: Path, key: str | None = None) -> dict[str, Any]:
    """Read the record that `publish` wrote.

    Raises `ThawError` if it is damaged or that of another result.
    """
    with reading(path):
        return parse_record(path.read_text(encoding="utf-8"), key)


def is_made(path: Path, key: str) -> bool:
    """Whether a record is that of this key, and matches the files beside it.

    Of an archive only its own record is read, because reading its arrays shows whether
    anything else is wrong with them.
    """
    try:
        for name, digest in load_record(path, key)["content"].items():
            file = path.parent.parent / name
            if file.suffix == ".npz":
                with Archive(file, key):
                    pass
            elif known_digest(file) != digest:
                return False
    except (ThawError, OSError, KeyError, AttributeError):
        return False
    return True


def publish(
    path: Path,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    outputs: Mapping[Path, Content],
) -> None:
    """Write the outputs, which lie in the folder above, and then their record.

    Whatever an orphan of an earlier run writes later does not match this record.
    """
    path.unlink(missing_ok=True)
    content = {}
    for output, write in outputs.items():
        with whole_file(output) as temporary:
            if isinstance(write, bytes):
                temporary.write_bytes(write)
            else:
                with temporary.open("wb") as file:
                    write(file)
            content[output.name] = digest_of_file(temporary)
    with whole_file(path) as temporary:
        text = json.dumps(record(recipe, saw, content), indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def digests_of(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return the digest of each array: of its type, shape and values."""
    digests = {}
    for name, values in arrays.items():
        array = np.ascontiguousarray(values)
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.data if array.size else b"")
        digests[name] = digest.hexdigest()
    return digests


def content_digest(record: Mapping[str, Any]) -> str:
    """Return one digest of all that a file holds, for the records of its readers."""
    return keys.digest(canonical(record["content"]))


def write_archive(
    file: BinaryIO,
    arrays: Iterable[tuple[str, Any]],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    tile: Tile | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> None:
    """Write a NumPy archive of named arrays, one after the other, and its record.

    `saw` may grow while the arrays come.
    """
    digests: dict[str, str] = {}
    with zipfile.ZipFile(file, "w") as archive:

        def write(name: str, array: np.ndarray) -> None:
            # A ZipInfo has a fixed date, so the bytes are the same in every run.
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = compression
            with archive.open(entry, "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)

        for name, values in arrays:
            array = np.asarray(values)
            write(name, array)
            digests |= digests_of({name: array})
        write("record", np.array(json.dumps(record(recipe, saw, digests, tile))))


def save_arrays(
    path: Path,
    arrays: Mapping[str, Any],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
    tile: Tile | None = None,
    *,
    about: Any = None,
    compression: int = zipfile.ZIP_STORED,
) -> None:
    """Write named arrays, those of a tile's networks in its order, and their record.

    The suffix decides: weights are safetensors, whose record may say more (`about`).
    """
    with whole_file(path) as temporary, temporary.open("wb") as file:
        if path.suffix == WEIGHTS:
            from safetensors.numpy import save

            # A view such as a transpose would be written in the order of its memory.
            whole = {name: np.ascontiguousarray(v) for name, v in arrays.items()}
            content = digests_of(whole) | {ABOUT: keys.digest(canonical(about))}
            text = json.dumps(record(recipe, saw, content, tile) | {"about": about})
            file.write(save(whole, {"record": text}))
            return
        write_archive(file, arrays.items(), recipe, saw, tile, compression)


class Archive(ExitStack):
    """A file of arrays, which are read one at a time; closed when it is left."""

    def __init__(
        self, path: Path, key: str | None = None, tile: Tile | None = None
    ) -> None:
        """Open a file, whose suffix says what it is.

        Raises `ThawError` if the file is damaged or that of another key or tile.
        """
        super().__init__()
        self._path = path
        with reading(path):
            if path.suffix == WEIGHTS:
                from safetensors import safe_open

                file = self.enter_context(safe_open(path, "np"))
                self._read, text = file.get_tensor, file.metadata()["record"]
            else:
                file = self.enter_context(np.load(path))
                self._read, text = file.__getitem__, str(file["record"])
            self.record = parse_record(text, key, tile)
            about = keys.digest(canonical(self.record.get("about")))
            same = self.record["content"].get(ABOUT, about) == about
            require(same, "its description was changed")

    def __contains__(self, name: str) -> bool:
        return name in self.record["content"]

    def get(self, name: str) -> np.ndarray | None:
        """Return an array, if it is there."""
        return self[name] if name in self.record["content"] else None

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array; raises `ThawError` if it is damaged or was changed."""
        with reading(self._path):
            array = self._read(name)
            digest = digests_of({name: array})[name]
            require(digest == self.record["content"][name], f"{name} was changed")
        return array


def load_arrays(
    path: Path, key: str | None = None, tile: Tile | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read all arrays of a file, and their record; errors are those of `Archive`."""
    with Archive(path, key, tile) as archive:
        names = [name for name in archive.record["content"] if name != ABOUT]
        return {name: archive[name] for name in names}, archive.record


def save_check(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write the rows that a check found, as JSON with their record."""
    content = record(recipe, saw, keys.digest(canonical(rows))) | {"rows": rows}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_check(path: Path, key: str) -> list[dict[str, Any]]:
    """Read the rows that the check of that key found.

    Raises `ThawError` if the file is damaged or holds another one.
    """
    content = load_record(path, key)
    with reading(path):
        digest = keys.digest(canonical(content["rows"]))
        require(digest == content["content"], "it was changed")
        return content["rows"]


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when all went well.

    A reader, a killed job or an orphan of an earlier run never sees half a file,
    because a rename within one folder is atomic, even on network file systems. The
    temporary name is random, because jobs on several machines may write the same file,
    and keeps the suffix, because savers choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        # An error while writing (a full disk) does not name the file.
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors while reading a result into one line with the remedy.

    A missing file keeps its own message.
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
        raise _damaged(path, error) from error
    # Reading a damaged archive can fail in any way.
    except Exception as error:
        raise _damaged(path, error) from error


def require(condition: bool | np.bool, reason: str) -> None:
    """Raise `ValueError`, which `reading` turns into a message, unless all is well."""
    if not condition:
        raise ValueError(reason)


def _damaged(path: Path, error: Exception) -> ThawError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ThawError(
        f"{path} is not the result it should be: {reason}; delete it and run again"
    )
