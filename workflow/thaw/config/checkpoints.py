"""The files that hold the pretrained weights of one source model."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from thaw.config.messages import shown, unreadable
from thaw.keys import canonical, digest, known_digest

# The weights in a folder that Hugging Face's `save_pretrained` wrote; the index names
# several files with a part each.
WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PART = re.compile(r"[\w-][\w.-]*\.safetensors")

READ = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pth.tar")


def weight_files(path: Path) -> list[Path]:
    """Return the file of a source model or, if it is a folder, the files in it.

    Raises `ValueError` if a folder's index is damaged.
    """
    if not path.is_dir():
        return [path]
    index = path / INDEX
    if not index.exists():
        return [path / WHOLE]
    try:
        parts = {*json.loads(index.read_bytes())["weight_map"].values()}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("it has no weight_map of files") from None
    if not parts or not all(PART.fullmatch(str(part)) for part in parts):
        raise ValueError("its weight_map names something else than files beside it")
    return [path / part for part in sorted(parts)]


def digest_of(files: list[Path]) -> str:
    """Return the digest of what the files of a source model hold."""
    digests = [known_digest(file) for file in files]
    return digests[0] if len(digests) == 1 else digest(canonical(digests))


def mistakes_of_checkpoint(place: str, named: str) -> Iterator[str]:
    """Yield what keeps a source model's weights from being read, a line each."""
    path = Path(named)
    if named.startswith("-") or not named.isprintable() or {"{", "}"} & {*named}:
        yield (
            f"{place}: {shown(named)} would be taken for more than a path. Allowed: "
            "no braces or line breaks, and ./ before a leading -"
        )
    elif path.is_dir():
        try:
            files = weight_files(path)
        except ValueError as error:
            yield f"{place}: {shown(str(path / INDEX))} is damaged: {error}"
            return
        if files == [path / WHOLE] and not files[0].exists():
            yield (
                f"{place}: {shown(named)} is a folder without {WHOLE}. Allowed: one "
                "that Hugging Face's save_pretrained wrote, or a file"
            )
            return
        for file in files:
            yield from unreadable(place, file)
    elif not named.endswith(READ):
        yield (
            f"{place}: {shown(named)} is not read, because such files may run code. "
            "Allowed: .safetensors (safetensors.torch.save_file writes a state_dict), "
            ".pt, .pth, .ckpt or .bin with a state_dict, or a folder of Hugging Face's"
        )
    else:
        yield from unreadable(place, path)
