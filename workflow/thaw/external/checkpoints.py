"""User-supplied files with pretrained weights, read without running their code."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from thaw.errors import ThawError, listed
from thaw.learning.learner import State


def load_checkpoint(path: Path) -> State:
    """Read the entries of one network.

    A .safetensors file holds nothing else. Any other is read with `weights_only=True`,
    because other content could run code; it holds the entries, or a dictionary that
    holds them and other things (`state_dict`, `model`, …).
    Raises `ThawError` if the file is damaged or holds anything else.
    """
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ThawError(
                f"{path} is not a safetensors file, or is damaged ({error}); save or "
                "copy it again, or run git lfs pull if it is a pointer of Git LFS"
            ) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # A pickle, an archive, or anything: reading it can fail in any way.
    except OSError:
        raise
    except Exception as error:
        kind = re.search(r"GLOBAL ([\w.]+)", str(error))
        if not kind and not zipfile.is_zipfile(path):
            raise ThawError(
                f"{path} is damaged, or torch.save did not write it; save or copy it "
                "again"
            ) from None
        raise ThawError(
            f"{path} holds more than weights{f' ({kind[1]})' if kind else ''}, or is "
            "damaged; reading it could run code of others. If you trust it, convert "
            "it as docs/networks.md shows"
        ) from None
    # Copies, because entries that share memory cannot be saved as they are.
    entries = _entries_in(path, content)
    return {name: values.detach().clone() for name, values in entries.items()}


def _entries_in(path: Path, content: Any) -> State:
    """Return the only entries of a network in a file's content."""
    if _are_entries(content):
        return content
    parts = content if isinstance(content, Mapping) else {}
    networks = {name: part for name, part in parts.items() if _are_entries(part)}
    if len(networks) == 1:
        return next(iter(networks.values()))
    if networks:
        raise ThawError(
            f"{path} holds several networks ({', '.join(map(str, networks))}); save "
            "one of them, as docs/networks.md shows"
        )
    kind = f"a dictionary of {listed(parts, 6)}" if parts else type(content).__name__
    raise ThawError(
        f"{path} holds {kind}, not the entries of a network by name; save them: "
        "torch.save(module.state_dict(), PATH)"
    )


def _are_entries(content: Any) -> bool:
    """Whether this is a network's `state_dict`."""
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) for name in content)
        and all(isinstance(values, torch.Tensor) for values in content.values())
    )
