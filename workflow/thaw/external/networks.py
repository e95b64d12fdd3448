"""The network that a job's settings describe, built for its problem."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from torch.nn import Module

from thaw.data.problem import Problem
from thaw.external import functions
from thaw.external.modules import check_arguments, module_of
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Network
from thaw.learning.tasks import TASKS


def network_of(
    settings: Mapping[str, Any],
    problem: Problem,
    shape: Sequence[int],
    file: Path | None,
    added: Sequence[int] = (),
) -> Network:
    """Return the network of a recipe for a problem; see `network_for`."""
    features = problem.train_x.shape[-1]
    width = TASKS[problem.task].width(problem.classes)
    return network_for(settings, features, width, shape, file, added)


def network_for(
    settings: Mapping[str, Any],
    features: int,
    width: int,
    shape: Sequence[int],
    file: Path | None,
    added: Sequence[int] = (),
) -> Network:
    """Return the network of a recipe's `settings`: so many features, and outputs.

    `shape` is that of a row. `file` holds the user's function that builds it, if any.
    `added` are the widths of hidden layers put before the output.
    Raises `ThawError` if that function fails, or returns no module to train.
    """
    if "module" not in settings:
        own = dict(settings) | {"hidden": [*settings["hidden"], *added]}
        return FullyConnected(features, width=width, **own)
    function = functions.load(settings["module"], file, "network: ")
    filled_in = {
        "$classes": width,
        "$features": features,
        "$shape": list(shape) or [features],
    }
    arguments = {
        name: filled_in.get(value, value) if isinstance(value, str) else value
        for name, value in settings.get("arguments", {}).items()
    }
    check_arguments(function, arguments)

    def build() -> Module:
        return module_of(function(**arguments))

    # Only who has such a network waits for the import.
    from thaw.learning.module import ModuleNetwork

    with of_network(settings, file):
        return ModuleNetwork(build, settings.get("groups", ()), shape)


def of_network(
    settings: Mapping[str, Any], file: Path | None
) -> AbstractContextManager[None]:
    """Return a context that turns errors in a network's own code into one message."""
    if "module" not in settings:
        return nullcontext()
    place = str(file or settings["module"]["import"])
    return functions.their_errors(place, "network: ")
