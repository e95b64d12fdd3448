"""Compare two `results/` folders: are all numbers, words and figures the same?

    python tests/same_results.py OLD/results NEW/results

Keys do not count, because a new edition of the code may change them all: neither in
paths nor in texts, where the keys are those of the folder's paths and records. Records
and settings are left out. Archives and weights are compared by their arrays, figures by
everything except the metadata that name a key. A file in only one folder is listed and
counts as a difference.
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

KEY = r"[0-9a-f]{12}"

# Origins of a result, as opposed to the result.
ABOUT = re.compile(r"(^|/)(settings|records)/|(^|/)study\.json$")


def content(path: Path, keys: re.Pattern[bytes]) -> str:
    """Return a digest of a file's content without the keys."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts(path, keys):
        digest.update(part)
    return digest.hexdigest()


def parts(path: Path, keys: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file that count."""
    match path.suffix:
        case ".npz":
            with np.load(path) as archive:
                yield from arrays({n: archive[n] for n in archive if n != "record"})
        case ".safetensors":
            yield from arrays(load_file(path))
        case ".png":
            yield from png_chunks(path.read_bytes())
        case ".json":
            value = json.loads(path.read_text())
            # A keyed table holds the recipe that made it.
            if isinstance(value, dict) and "recipe" in value:
                value = value["rows"]
            yield keys.sub(b"KEY", json.dumps(value).encode())
        case _:
            yield keys.sub(b"KEY", path.read_bytes())


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


def keys_in(folder: Path) -> re.Pattern[bytes]:
    """Return an expression for the keys in a folder's paths and records."""
    paths = [*folder.rglob("*")]
    keys = {
        key for path in paths for key in re.findall(f"-({KEY})(?=$|[.])", path.name)
    }
    for path in paths:
        if path.parent.name == "records":
            keys.update(re.findall(f'"({KEY})"', path.read_text()))
    return re.compile("|".join(sorted(keys) or ["(?!)"]).encode())


def contents(folder: Path) -> dict[str, list[str]]:
    """Return the contents of a folder's files, by their paths without keys."""
    keys = keys_in(folder)
    digests: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not ABOUT.search(name) and not path.name.startswith("."):
            name = re.sub(f"-{KEY}(?=[/.])", "-KEY", name)
            digests[name].append(content(path, keys))
    return {name: sorted(each) for name, each in digests.items()}


def differences(old: Path, new: Path) -> list[str]:
    """Return a line for each path at which two folders differ."""
    before, now = contents(old), contents(new)
    return [
        f"{'differs' if name in before and name in now else 'only in one'}: {name}"
        for name in sorted(before | now)
        if before.get(name) != now.get(name)
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    lines = differences(**vars(parser.parse_args()))
    print("\n".join(lines) or "The same.")
    sys.exit(bool(lines))
