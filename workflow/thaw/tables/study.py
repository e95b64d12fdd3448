"""Describe the origin of a study's tables and figures, and its facts in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from thaw.data.problem import Pool
from thaw.findings.baseline import OPTIMIZERS
from thaw.findings.shown import counted
from thaw.output.inputs import Inputs


def facts(inputs: Inputs) -> Iterator[str]:
    """Yield sentences on data, network and training."""
    settings, described = inputs.settings, inputs.settings["description"]["settings"]
    problems = inputs.files.problems()
    problem, description = problems[settings["target"]]
    is_pool, features = isinstance(problem, Pool), len(description.columns)
    tested = problem.test_size if isinstance(problem, Pool) else len(problem.test_y)
    target = f"{problem.classes} classes" if problem.classes else "a number"
    rows = f"{problem.train_size:,} train and {tested:,} test rows"
    yield f"{counted(features, 'feature')}, {target}; {rows}{' a split' * is_pool}."
    network, training = described["network"], described["training"]
    widths = [features, *network.get("hidden", []), problem.classes or 1]
    yield f"{_network(network, widths)}, {_training(training)}."
    if is_pool:
        yield (
            "Networks are tested on the rows that their source model's split leaves out"
            ", and predict new rows together."
        )
    if settings["pretrained"]:
        _, source = problems.get(settings["source"], (None, description))
        yield (
            "Transfer starts from all layers of the source model but the output."
            if settings["draws_output"] or source.classes != description.classes
            else "Transfer starts from all layers of the source model, the output too, "
            "but for those that a variant draws anew."
        )


def _network(network: Mapping[str, Any], widths: list[int]) -> str:
    if "hidden" in network:
        return "-".join(map(str, widths))
    return str(network.get("module") or network["trainer"]).rpartition(":")[2]


def _training(training: Mapping[str, Any]) -> str:
    unit = "epoch" if training["epochs"] else "step"
    words = (
        f"{OPTIMIZERS[training['optimizer']]}, {counted(training[unit + 's'], unit)}"
    )
    if isinstance(training["learning_rate"], list):
        words += ", learning rate chosen on held-out rows"
    return words + ", best epoch kept" * (training["keep"] == "best")


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the description as JSON; where scores are given, no facts are known."""
    description = inputs.settings["description"]
    if description["problems"]:
        description = description | {"facts": [*facts(inputs)]}
    return {"study.json": f"{json.dumps(description, indent=1)}\n".encode()}
