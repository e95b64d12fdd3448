"""User-supplied files with pretrained weights, read without running their code."""

import re
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from thaw.errors import ThawError, listed
from thaw.learning.learner import State

# The first bytes of a file that Git LFS has not fetched.
POINTER = b"version https://git-lfs"
# How to make a file that holds only weights, of a module or of a dictionary that holds
# a module or a state_dict.
CONVERT = (
    'python -c "import sys, torch, safetensors.torch as s; f = lambda w: w.state_dict()'
    " if isinstance(w, torch.nn.Module) else w; w = f(torch.load(sys.argv[1], "
    "map_location='cpu', weights_only=False)); d = next(d for d in (w, *map(f, "
    "w.values())) if isinstance(d, dict) and d and all(map(torch.is_tensor, "
    "d.values()))); s.save_file({{n: d[n].clone().contiguous() for n in d}}, "
    'sys.argv[2])" {path} {new}'
)
# How to keep one of several sets of weights.
KEEP = (
    'python -c "import sys, torch; torch.save(torch.load(sys.argv[1], '
    "map_location='cpu', weights_only=True)[sys.argv[2]], sys.argv[3])\" "
    "{path} {name} {new}"
)


def load_checkpoint(path: Path) -> State:
    """Read the entries of one network.

    A .safetensors file holds nothing else. Any other is read with `weights_only=True`,
    because other content could run code; it holds the entries, or a dictionary that
    holds them and other things (`state_dict`, `model`, …).
    Raises `ThawError` if the file is damaged or holds anything else.
    """
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise ThawError(
                f"{path} is a pointer of Git LFS, not the weights; run git lfs pull"
            )
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ThawError(
                f"{path} is not a safetensors file, or is damaged ({error}); save or "
                "copy it again"
            ) from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    # A pickle, an archive, or anything: reading it can fail in any way.
    except OSError:
        raise
    except Exception as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if not named and not zipfile.is_zipfile(path):
            raise ThawError(
                f"{path} is damaged, or torch.save did not write it; save or copy it "
                "again"
            ) from None
        raise ThawError(
            f"{path} holds more than weights{f' ({named[1]})' if named else ''}, or is "
            "damaged; reading it could run code of others. If you trust it, "
            "convert it where its contents can be imported: "
            + CONVERT.format(
                path=shlex.quote(str(path)),
                new=shlex.quote(f"{path.stem}.safetensors"),
            )
        ) from None
    inside = found if isinstance(found, Mapping) else {}
    sets = {name: held for name, held in inside.items() if _are_entries(held)}
    if _are_entries(found):
        entries = found
    elif len(sets) == 1:
        (entries,) = sets.values()
    elif sets:
        first = next(iter(sets))
        raise ThawError(
            f"{path} holds several networks ({', '.join(map(str, sets))}); keep one: "
            + KEEP.format(
                path=shlex.quote(str(path)),
                name=shlex.quote(str(first)),
                new=shlex.quote(f"{path.stem}-{first}.pt"),
            )
        )
    else:
        held = (
            f"a dictionary of {listed(inside, 6)}" if inside else type(found).__name__
        )
        raise ThawError(
            f"{path} holds {held}, not the entries of a network by name; save them: "
            "torch.save(module.state_dict(), PATH)"
        )
    odd = [
        name
        for name, values in entries.items()
        if values.is_quantized or values.is_meta or values.layout != torch.strided
    ]
    if odd:
        raise ThawError(
            f"{path}: quantized, sparse or without numbers (meta): {listed(odd)}; save "
            "plain tensors (.dequantize() or .to_dense())"
        )
    # Entries that share memory, or are views, cannot be saved as they are.
    return {name: values.detach().clone() for name, values in entries.items()}


def _are_entries(held: Any) -> bool:
    """Whether this is a network's `state_dict`."""
    return (
        isinstance(held, Mapping)
        and bool(held)
        and all(isinstance(name, str) for name in held)
        and all(isinstance(values, torch.Tensor) for values in held.values())
    )
