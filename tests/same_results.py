"""Compare two `results/` folders: are all numbers, words and figures the same?

    python tests/same_results.py OLD/results NEW/results

Keys are left out of paths, because a new edition of the code may change them all; so
are records and settings. Archives and weights are compared by their arrays, figures by
everything except the metadata that name a key. A file in only one folder is listed and
counts as a difference, unless `--only` leaves it out.
"""

import argparse
import hashlib
import json
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

KEY = re.compile(r"-[0-9a-f]{12}(?=[/.])")

# Origins of a result, as opposed to the result.
ABOUT = re.compile(r"(^|/)(settings|records)/|(^|/)study\.json$")

SOURCE = re.compile(rb"(Thaw, settings )[0-9a-f]{12}")


def content(path: Path) -> str:
    """Return a digest of a file's content."""
    found = hashlib.blake2b(digest_size=8)
    for part in parts(path):
        found.update(part)
    return found.hexdigest()


def parts(path: Path) -> Iterator[bytes]:
    """Yield the parts of a file that count."""
    match path.suffix:
        case ".npz":
            with np.load(path) as archive:
                yield from arrays({n: archive[n] for n in archive if n != "record"})
        case ".safetensors":
            yield from arrays(load_file(path))
        case ".png":
            yield from png_chunks(path.read_bytes())
        case ".svg" | ".pdf":
            yield SOURCE.sub(rb"\1", path.read_bytes())
        case ".json":
            yield json.dumps(json.loads(path.read_text())["rows"]).encode()
        case _:
            yield path.read_bytes()


def arrays(named: dict[str, np.ndarray]) -> Iterator[bytes]:
    """Yield arrays by name, with their types and shapes."""
    for name in sorted(named):
        array = np.ascontiguousarray(named[name])
        yield f"{name} {array.dtype.str} {array.shape}".encode()
        yield array.tobytes()


def png_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the chunks of a PNG except its texts."""
    place = 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        if data[place + 4 : place + 8] != b"tEXt":
            yield data[place : place + 12 + length]
        place += 12 + length


def contents(folder: Path) -> dict[str, list[str]]:
    """Return the contents of a folder's files, by their paths without keys."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not ABOUT.search(name) and not path.name.startswith("."):
            found[KEY.sub("-KEY", name)].append(content(path))
    return {name: sorted(digests) for name, digests in found.items()}


def differences(old: Path, new: Path, only: str = "") -> list[str]:
    """Return a line for each path at which two folders differ."""
    before, now = contents(old), contents(new)
    names = [n for n in sorted(before | now) if re.search(only, n)]
    return [
        f"{'differs' if name in before and name in now else 'only in one'}: {name}"
        for name in names
        if before.get(name) != now.get(name)
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", default="", help="paths that this expression matches")
    args = parser.parse_args()
    found = differences(args.old, args.new, args.only)
    print("\n".join(found) or "The same.")
    sys.exit(bool(found))
