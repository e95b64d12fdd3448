"""What users supply: files with functions, and with weights of source models.

Jobs read this too, so it does not import pydantic.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.config.messages import shown, unreadable

# The weights in a folder that Hugging Face's `save_pretrained` wrote; the index names
# several files with a part each.
WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PART = re.compile(r"[\w-][\w.-]*\.safetensors")

READ = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pth.tar")


def parts_of_function(text: str) -> tuple[str, str, Path | None]:
    """Return the place and the function that `place:function` names, and the file.

    `networks.py:small_cnn` is in a file, from the working directory;
    `torchvision.models:resnet18` in an installed package, so that the file is None.
    """
    place, _, function = text.rpartition(":")
    return place, function, Path(place) if place.endswith(".py") else None


def content_of_function(text: str) -> dict[str, Any]:
    """Return what decides what a function does, as far as its name and file tell.

    For a file that is its code, but not its place; for an installed module its name.
    `libraries` are the packages whose versions count, too.
    """
    place, function, file = parts_of_function(text)
    if file is None:
        library = place.partition(".")[0]
        return {"function": function, "import": place, "libraries": [library]}
    code, libraries = keys.code_of_file(file)
    return {"function": function, "code": code, "libraries": libraries}


def mistakes_of_function(key: str, text: str) -> Iterator[str]:
    """Yield what keeps a function from being read: its place, its file."""
    place, _, file = parts_of_function(text)
    library = place.partition(".")[0]
    try:
        if file:
            keys.code_of_file(file)
        elif not library or keys.version(library) == "missing":
            yield (
                f"{key}: {library or place} is not an installed package. Allowed: "
                "an installed one, or a file, such as networks.py:small_cnn"
            )
    except OSError:
        yield from unreadable(key, Path(place))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        yield f"{key}: {place}{line}: {getattr(error, 'msg', error)}"


def weight_files(path: Path) -> list[Path]:
    """Return the file of a source model or, if it is a folder, the files in it.

    Raises `ValueError` if a folder has no weights, or a damaged index of them.
    """
    if not path.is_dir():
        return [path]
    index = path / INDEX
    if not index.exists():
        if (path / WHOLE).exists():
            return [path / WHOLE]
        raise ValueError(f"it has no {WHOLE}, as save_pretrained writes it")
    try:
        parts = {*json.loads(index.read_bytes())["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{INDEX} has no weight_map of files") from None
    if not parts or not all(PART.fullmatch(str(part)) for part in parts):
        raise ValueError(f"the weight_map of {INDEX} names other than files beside it")
    return [path / part for part in sorted(parts)]


def digest_of_weights(files: Sequence[Path]) -> str:
    """Return the digest of what the files of a source model hold."""
    digests = [keys.known_digest(file) for file in files]
    return digests[0] if len(digests) == 1 else keys.digest(keys.canonical(digests))


def mistakes_of_weights(key: str, text: str) -> Iterator[str]:
    """Yield what keeps a source model's weights from being read."""
    path = Path(text)
    if not path.is_dir() and not text.endswith(READ):
        yield (
            f"{key}: {shown(text)} is not read, because such files may run code. "
            "Allowed: .safetensors (safetensors.torch.save_file writes a state_dict), "
            ".pt, .pth, .ckpt or .bin with a state_dict, or a folder of Hugging Face's"
        )
        return
    try:
        files = weight_files(path)
    except ValueError as error:
        yield f"{key}: {shown(text)} is not a folder with weights: {error}"
        return
    for file in files:
        yield from unreadable(key, file)
