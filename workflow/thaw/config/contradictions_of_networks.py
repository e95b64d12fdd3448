"""What several keys of a network show together, and code that is not there."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.config.contradictions_of_trainers import (
    contradictions_of_trainer,
    of_its_training,
    of_its_variant,
)
from thaw.config.layers import is_module, is_trainer
from thaw.config.resolved import Study
from thaw.config.words import choice, did_you_mean, shown
from thaw.external.functions import named

# What stands for something of the problem in the arguments of people's functions.
FILLED_IN = ("$classes", "$features", "$shape")


def contradictions_of_network(path: str, network: Mapping[str, Any]) -> Iterator[str]:
    """Yield each mistake of a study's network in a line of its own."""
    if is_trainer(network):
        yield from contradictions_of_trainer(path, network)
        return
    for key in ("files", "packages"):
        if key in network:
            yield f"{path}.{key}: it is said of a trainer, and there is none"
    if not is_module(network):
        if "hidden" not in network:
            yield f"{path}.hidden: this key is missing; or say module, or trainer"
        for key in ("arguments", "groups"):
            if key in network:
                yield (
                    f"{path}.{key}: it is said of a module or trainer, and there is "
                    "none"
                )
        return
    for key in ("hidden", "activation", "dropout"):
        if key in network:
            yield f"{path}.{key}: a module has its own; leave it out"
    for name, value in network.get("arguments", {}).items():
        if isinstance(value, str) and value.startswith("$") and value not in FILLED_IN:
            yield (
                f"{path}.arguments.{name}: {shown(value)} stands for nothing"
                f"{did_you_mean(value, FILLED_IN)}. Allowed: {choice(FILLED_IN)}"
            )
    for number, group in enumerate(network.get("groups", [])):
        try:
            re.compile(group)
        except re.error as error:
            yield (
                f"{path}.groups[{number}]: {shown(group)} is no regular expression "
                f"({error})"
            )
    yield from _of_code(f"{path}.module", network["module"])


def of_its_form(
    path: str, study: Study, training: Mapping[str, Any], problem: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is asked of training that only other networks, or images, can do."""
    if is_trainer(study.network):
        yield from of_its_training(path, study, training)
        return
    if training["arguments"] is not None:
        yield (
            f"{path}.arguments: a trainer is told them (network.trainer), and there is "
            "none; leave them out"
        )
    augment = training["augment"] or {}
    if not is_module(study.network):
        asked = [*(["augment"] if augment else [])]
        asked += ["device"] if training["device"] != "cpu" else []
        for key in asked:
            yield (
                f"{path}.{key}: it takes a network of your own (network.module), and "
                "hidden layers learn without; leave it out"
            )
        return
    moved = [key for key in ("flip", "shift") if augment.get(key)]
    if moved and problem and len(problem.get("shape") or []) < 2:
        yield (
            f"{path}.augment.{moved[0]}: rows are not arranged as an image or a "
            "series; give the problem a shape, such as [1, 8, 8]"
        )


def _of_code(path: str, text: str) -> Iterator[str]:
    place, function = named(text)
    file = named(text).file
    if file is None:
        library = place.partition(".")[0]
        if keys.version(library) == "missing":
            yield (
                f"{path}: {library} is not an installed package. Allowed: one that is, "
                "or a file, such as networks.py:small_cnn"
            )
        return
    try:
        tree = ast.parse(file.read_bytes(), str(file))
        libraries = keys.code_of_file(file)[1]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield f"{path}: {place!r}: {reason} (from {shown(str(Path.cwd()))})"
        return
    except SyntaxError as error:
        yield f"{path}: {place}, line {error.lineno}: {error.msg}"
        return
    defined = _defined(tree)
    if function not in defined:
        yield (
            f"{path}: {place} defines no {function!r}{did_you_mean(function, defined)}"
        )
    for library in libraries:
        if keys.version(library) == "missing":
            yield (
                f"{path}: {place} imports {library}, which is no installed package, so "
                "nobody would see it change; write what it needs into the file itself, "
                "or install it"
            )


def _defined(tree: ast.Module) -> list[str]:
    """Return the names that a file defines or imports at its top level."""
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [name.asname or name.name for name in node.names]
        elif isinstance(node, ast.Assign):
            found += [t.id for t in node.targets if isinstance(t, ast.Name)]
    return found


def contradictions_of_layers(
    path: str, study: Study, variant: str, settings: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what a variant says of layers that a study's own network does not have."""
    network, here = study.network, f"variants.{variant}"
    groups = network.get("groups")
    if settings["add"]:
        form = "a module" if is_module(network) else "a trainer's"
        yield (
            f"{here}.add: layers are added to hidden ones, and the network of {path} "
            f"is {form}; leave it out"
        )
    if is_trainer(network):
        yield from of_its_variant(path, study, variant, settings)
        if groups is None:
            return
    named = [("freeze", settings["freeze"]), *(("fresh", f) for f in settings["fresh"])]
    for key, layer in named:
        if layer == "output" and key == "fresh":
            continue
        if groups is None:
            if isinstance(layer, str):
                yield (
                    f"{path}.network.groups: this key is missing; {here}.{key} names "
                    f"the group {layer!r}"
                )
            continue
        *hidden, output = groups
        if isinstance(layer, str) and layer not in groups:
            yield (
                f"{here}.{key}: {layer!r} is not a group of the network of {path}"
                f"{did_you_mean(layer, groups)}. Allowed: {choice(groups)}"
            )
        elif key == "freeze" and layer == output:
            yield (
                f"{here}.freeze: {layer!r} is the output of the network of {path}, and "
                f"would be all. Allowed: {choice(hidden)}"
            )
        elif isinstance(layer, int) and layer > len(hidden):
            yield (
                f"{here}.{key}: {layer} is deeper than the network of {path}. Allowed: "
                f"0 to {len(hidden)}, its groups before the output"
            )
