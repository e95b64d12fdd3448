"""The network that a job's settings describe, built for its problem."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from thaw.data.problem import Description
from thaw.errors import ThawError
from thaw.external import functions
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Network
from thaw.learning.tasks import TASKS

# Rows are float32, and no layer takes two types; NumPy cannot write the first.
OTHER_TYPES = (torch.bfloat16, torch.float16, torch.float64)


def network_of(
    settings: Mapping[str, Any],
    task: str,
    described: Description,
    file: Path | None,
    added: Sequence[int] = (),
) -> Network:
    """Return the network of a recipe's `settings` for a task on a problem.

    `file` holds the user's function that builds it, if any. `added` are the widths of
    hidden layers put before the output.
    Raises `ThawError` if that function fails, or returns no module to train.
    """
    features, shape = len(described.columns), described.shape
    width = TASKS[task].width(len(described.classes))
    if "module" not in settings:
        hidden = [*settings["hidden"], *added]
        return FullyConnected(features, width=width, **{**settings, "hidden": hidden})
    function = functions.load(settings["module"], file, "network: ")
    facts = {
        "$classes": width,
        "$features": features,
        "$shape": list(shape) or [features],
    }
    arguments = {
        name: facts.get(value, value) if isinstance(value, str) else value
        for name, value in settings.get("arguments", {}).items()
    }
    _bind(function, arguments)

    # Only who has such a network waits for the import.
    from thaw.learning.module import ModuleNetwork

    with of_network(settings, file):
        return ModuleNetwork(
            lambda: _module(function(**arguments)), settings.get("groups", ()), shape
        )


def of_network(
    settings: Mapping[str, Any], file: Path | None
) -> AbstractContextManager[None]:
    """Return a context that turns errors in a network's own code into one message."""
    if "module" not in settings:
        return nullcontext()
    place = str(file or settings["module"]["import"])
    return functions.errors_in_a_line(place, "network: ")


def _bind(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise `ThawError` unless a function takes these arguments."""
    try:
        inspect.signature(function).bind(**arguments)
    except ValueError:  # one written in C, say, has no signature
        pass
    except TypeError as error:
        name = getattr(function, "__name__", "the function")
        takes = ", ".join(inspect.signature(function).parameters) or "none"
        raise ThawError(
            f"network.arguments: {name} {error}; its arguments are {takes}"
        ) from None


def _module(returned: Any) -> torch.nn.Module:
    """Return what a function returned, if it is a module that can be trained.

    A compiled module is taken as it was before, because each job would compile it anew,
    which takes longer than it saves.
    Raises `ThawError` for anything else, and for entries without size, or of another
    type than float32.
    """
    module = getattr(returned, "_orig_mod", returned)
    if not isinstance(module, torch.nn.Module):
        raise ThawError(
            f"network: its function returns {module!r:.80}, not a torch.nn.Module; "
            "return one (a class, or a function that builds one, has to be called)"
        )
    for name, values in module.state_dict(keep_vars=True).items():
        if is_lazy(values):
            wrong = "has no size before the first row (LazyLinear and the like)"
            remedy = (
                "name the sizes, or call the module once in the function, on "
                "torch.zeros(2, *shape) (arguments: {shape: $shape})"
            )
        elif values.dtype in OTHER_TYPES and (
            isinstance(values, torch.nn.Parameter) or values.dtype == torch.bfloat16
        ):
            wrong = f"is {values.dtype}, not torch.float32"
            remedy = "return the module's .float()"
        else:
            continue
        raise ThawError(f"network: its {name} {wrong}; {remedy}")
    return module
