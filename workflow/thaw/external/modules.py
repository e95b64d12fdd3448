"""What a user's function takes and returns: a module that Thaw can train."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from thaw.errors import ThawError

# Rows are float32, and no layer takes two types; NumPy cannot write the first.
OTHER_TYPES = (torch.bfloat16, torch.float16, torch.float64)


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise `ThawError` unless a function takes these arguments."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # one written in C, say
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        name = getattr(function, "__name__", "the function")
        takes = ", ".join(signature.parameters) or "none"
        raise ThawError(
            f"network.arguments: {name} {error}; its arguments are {takes}"
        ) from None


def module_of(returned: Any) -> torch.nn.Module:
    """Return what a function returned, if it is a module that can be trained.

    A compiled module is taken as it was before, because each job would compile it anew,
    which takes longer than it saves.
    Raises `ThawError` for anything else, and for entries without size or numbers, on a
    device, of another type than float32, or that are no tensors.
    """
    module = getattr(returned, "_orig_mod", returned)
    if isinstance(module, type):
        raise _no_module(f"the class {module.__name__}", "call the class")
    if not isinstance(module, torch.nn.Module):
        if module is None:
            raise _no_module("None", "end it with return")
        if callable(module):
            name = getattr(module, "__name__", type(module).__name__)
            raise _no_module(f"the function {name}", "call it")
        raise _no_module(f"a {type(module).__name__}", "return the module alone")
    for name, values in module.state_dict(keep_vars=True).items():
        if not isinstance(values, torch.Tensor):
            wrong = f"is a {type(values).__name__}, not a tensor"
            remedy = "remove get_extra_state, or register a buffer"
        elif is_lazy(values):
            wrong = "has no size before the first row (LazyLinear and the like)"
            remedy = (
                "name the sizes, or call the module once in the function, on "
                "torch.zeros(2, *shape) (arguments: {shape: $shape})"
            )
        elif values.device.type != "cpu":
            wrong = f"is on the device {values.device}"
            remedy = "build it on the CPU; training: {device: cuda} moves it"
        elif values.dtype in OTHER_TYPES and (
            isinstance(values, torch.nn.Parameter) or values.dtype == torch.bfloat16
        ):
            told = str(values.dtype).removeprefix("torch.")
            wrong, remedy = f"is {told}, not float32", "return the module's .float()"
        else:
            continue
        raise ThawError(f"network: its {name} {wrong}; {remedy}")
    return module


def _no_module(what: str, remedy: str) -> ThawError:
    return ThawError(
        f"network: its function returns {what}, not a torch.nn.Module; {remedy}"
    )
