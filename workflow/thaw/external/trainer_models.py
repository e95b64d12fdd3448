"""Source models of trainers: files of which Thaw knows nothing.

A job's source models are one safetensors file, as those of Thaw's own networks are: an
entry holds the bytes of one file and is named by the source model's number and the
file's path within its folder. So they carry a record, and none of them is run.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from thaw.errors import ThawError
from thaw.output.files import whole_file
from thaw.output.records import check_record, digest_of_arrays, reading, record, require


def save_models(
    path: Path,
    folders: Mapping[int, Path],
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write source models of consecutive numbers: all files in the folder of each.

    Raises `ThawError` if there are none in one of them.
    """
    entries: dict[str, np.ndarray] = {}
    for number, folder in folders.items():
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        if not files:
            raise ThawError(
                f"it wrote no file for source model {number}; write into {folder}"
            )
        for file in files:
            name = f"{number}/{file.relative_to(folder).as_posix()}"
            entries[name] = np.frombuffer(file.read_bytes(), np.uint8)
    numbers = [min(folders), max(folders)]
    found = {"numbers": numbers} | record(recipe, saw, digest_of_arrays(entries))
    with whole_file(path) as temporary:
        # Not `save_file`: it makes a file that only its owner can read.
        temporary.write_bytes(save(entries, {"record": json.dumps(found)}))


def unpack_models(
    paths: Sequence[Path], key: str, numbers: Sequence[int], into: Path
) -> tuple[dict[int, Path], dict[str, str]]:
    """Put the files of the source models of these numbers into folders below `into`.

    Returns the folder of each, and the digest of each file of ours by its name.
    Raises `ThawError` if one is damaged or holds other source models.
    """
    folders: dict[int, Path] = {}
    digests: dict[str, str] = {}
    for path in paths:
        with reading(path, "the source models it should be"):
            with safe_open(path, "np") as file:
                found = check_record(file.metadata()["record"], key)
                entries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            require(digest_of_arrays(entries) == found["content"], "it was changed")
            for name, values in entries.items():
                number, *within = PurePosixPath(name).parts
                # A result that somebody changed may name a place elsewhere.
                require(number.isdecimal() and bool(within), "an entry is not a file")
                require(".." not in within, "a file would lie elsewhere")
                if int(number) in numbers:
                    folders[int(number)] = into / number
                    target = into.joinpath(number, *within)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(values.tobytes())
                    # Several repeats start from it, and none may change it.
                    target.chmod(0o444)
        digests[path.name] = found["content"]
    with reading(paths[0], "all the source models that are needed"):
        require({*folders} == {*numbers}, "some are missing in these files")
    return folders, digests
