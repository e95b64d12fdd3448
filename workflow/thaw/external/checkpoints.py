"""User-supplied files with pretrained weights, read without running their code."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from thaw.errors import ThawError
from thaw.learning.learner import State

# How to make a file that holds only weights.
CONVERT = (
    'python -c "import sys, torch, safetensors.torch as s; w = torch.load(sys.argv[1], '
    "weights_only=False).state_dict(); s.save_file({{n: w[n].contiguous() for n in w}},"
    ' sys.argv[2])" {path} {new}'
)


def load_checkpoint(path: Path) -> State:
    """Read the entries of one network.

    A .safetensors file holds nothing else. A .pt or .pth file is read with
    `weights_only=True`, because other content could run code.
    Raises `ThawError` if the file is damaged or holds anything else.
    """
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ThawError(f"{path} is not a safetensors file: {error}") from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    # A pickle, an archive, or anything: reading it can fail in any way.
    except OSError:
        raise
    except Exception as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise ThawError(
            f"{path} holds more than weights{f' ({named[1]})' if named else ''}, or is "
            "damaged; reading it could run code of others. If you trust it, "
            "convert it where its contents can be imported: "
            + CONVERT.format(
                path=shlex.quote(str(path)),
                new=shlex.quote(f"{path.stem}.safetensors"),
            )
        ) from None
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(values, torch.Tensor)
        for name, values in found.items()
    ):
        held = (
            f"a dictionary of {', '.join(map(str, list(found)[:6]))}"
            if isinstance(found, Mapping)
            else type(found).__name__
        )
        raise ThawError(
            f"{path} holds {held}, not the entries of a network by name; save its "
            "state_dict alone: torch.save(torch.load(PATH)['state_dict'], OTHER_PATH)"
        )
    # Entries that share memory, or are views, cannot be saved as they are.
    return {name: values.detach().clone() for name, values in found.items()}
