"""Describe the origin of a study's tables and figures, and its facts in words."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from thaw.data.problem import Pool
from thaw.findings.baseline import OPTIMIZERS
from thaw.findings.shown import counted, percent
from thaw.output.inputs import Inputs


def facts(inputs: Inputs) -> Iterator[str]:
    """Yield sentences on data, network and training."""
    settings, described = inputs.settings, inputs.settings["description"]
    problems = inputs.problems()
    problem, description = problems[settings["target"]]
    is_pool, features = isinstance(problem, Pool), len(description.columns)
    tested = problem.test_size if isinstance(problem, Pool) else len(problem.test_y)
    target = f"{problem.classes} classes" if problem.classes else "a number"
    rows = (
        f"{problem.train_size:,} train and {tested:,} test rows{' a split' * is_pool}"
    )
    words = f"{counted(features, 'feature')}, {target}"
    given = described["problems"][settings["target"]]
    if label := given.get("label"):
        words = f"Predicts {label} ({target}) from {counted(features, 'feature')}"
    if group := given.get("group"):
        rows += f", grouped by {group}"
    yield f"{words}; {rows}."
    network = described["settings"]["network"]
    if "hidden" in network:
        widths = [features, *network["hidden"], problem.classes or 1]
        name = "-".join(map(str, widths))
    else:
        name = str(network.get("module") or network["trainer"]).rpartition(":")[2]
    yield f"Network {name}; {', '.join(_training(described['settings']['training']))}."
    if is_pool:
        yield "Each source model has a split of its own, which its repeats share."
    if settings["pretrained"]:
        _, source = problems.get(settings["source"], (None, description))
        is_anew = settings["draws_output"] or source.classes != description.classes
        layers = "all layers but the output" if is_anew else "all layers"
        changed = {"fresh", "added"} & {*chain(*settings["described"].values())}
        unless = ", unless re-initialized or added" * bool(changed)
        yield f"In pretrained variants, {layers} start from the source model{unless}."


def _training(training: Mapping[str, Any]) -> Iterator[str]:
    rate = training["learning_rate"]
    is_chosen = isinstance(rate, list)
    words = f"chosen from {min(rate):g} to {max(rate):g}" if is_chosen else f"{rate:g}"
    yield f"{OPTIMIZERS[training['optimizer']]}, learning rate {words}"
    yield f"batches of {training['batch_size']}"
    unit = "epoch" if training["epochs"] else "step"
    yield counted(training[unit + "s"], unit)
    if training["keep"] == "best":
        yield "best epoch kept"
    if held_out := training["validation_size"]:
        yield f"{percent(held_out)} of the train rows held out for this"


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the description as JSON; where scores are given, no facts are known."""
    description = inputs.settings["description"]
    if description["problems"]:
        description = description | {"facts": [*facts(inputs)]}
    return {"study.json": f"{json.dumps(description, indent=1)}\n".encode()}
