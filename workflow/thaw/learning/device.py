"""Where a module learns: on the CPU, or on a GPU."""

import torch

from thaw.errors import ThawError


def device_of(name: str) -> torch.device:
    """Return the device: `cpu`, `cuda`, or with `auto` a GPU where there is one.

    Raises `ThawError` if there is no GPU that PyTorch can use.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        reason = (
            "sees none here"
            if torch.version.cuda
            else f"{torch.__version__} is built for the CPU only"
        )
        raise ThawError(
            f"device: cuda asks for a GPU, and PyTorch {reason}; run this where there "
            "is one (on a cluster each job asks for it, as resource gpu), or say auto "
            "or cpu"
        )
    if name == "cpu" or not there:
        return torch.device("cpu")
    # Else the same job may give other bits from one run to the next.
    torch.backends.cudnn.deterministic = True
    return torch.device("cuda")
