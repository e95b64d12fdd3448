"""Source models on disk: one safetensors file a study, all models stacked.

The names and shapes are those of `torch.nn.Linear` with a leading dimension for the
source model: `hidden-1.weight` `[S, out, in]`, `hidden-1.bias` `[S, out]`, …,
`output.weight`, `output.bias`.
"""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from thaw.errors import ThawError
from thaw.files import whole_file
from thaw.network import Layer


def save_source_models(path: Path, network: Sequence[Layer]) -> None:
    """Write S stacked source models."""
    tensors = {}
    for number, layer in enumerate(network, start=1):
        name = "output" if number == len(network) else f"hidden-{number}"
        tensors[f"{name}.weight"] = layer.weight.contiguous()
        tensors[f"{name}.bias"] = layer.bias.squeeze(2).contiguous()
    with whole_file(path) as temporary:
        # Not `save_file`: it makes a file that only its owner can read.
        temporary.write_bytes(save(tensors))


def load_source_models(path: Path) -> list[Layer]:
    """Read S stacked source models.

    Raises `ThawError` if the file is not whole or not a study's source models.
    """
    try:
        tensors = load_file(path)
        hidden = len(tensors) // 2 - 1
        names = [*(f"hidden-{number}" for number in range(1, hidden + 1)), "output"]
        return [
            Layer(tensors[f"{name}.weight"], tensors[f"{name}.bias"].unsqueeze(2))
            for name in names
        ]
    except (SafetensorError, KeyError) as error:
        raise ThawError(
            f"{path} does not hold source models ({error}); delete it and run again"
        ) from error
