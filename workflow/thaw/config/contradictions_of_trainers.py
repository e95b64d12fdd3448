"""What several keys of a trainer show together, and files that are not there."""

import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.config.contradictions_of_problems import file_is_there
from thaw.config.resolved import Study
from thaw.config.words import choice, did_you_mean, shown

# What only our own learners do with a network, and what says that it is not asked.
OURS_ONLY = {"validation_size": None, "keep": "last", "augment": None}


def contradictions_of_trainer(path: str, network: Mapping[str, Any]) -> Iterator[str]:
    """Yield each mistake of a study's trainer in a line of its own."""
    for key in ("hidden", "activation", "dropout", "module"):
        if key in network:
            yield f"{path}.{key}: the trainer has its own network; leave it out"
    files = network.get("files", [])
    for number, file in enumerate(files):
        yield from file_is_there(f"{path}.files[{number}]", Path(file))
    yield from _of_command(path, network["trainer"], files)
    for number, package in enumerate(network.get("packages", [])):
        if keys.version(package) == "missing":
            yield (
                f"{path}.packages[{number}]: {package} is not installed here. Allowed: "
                "a package that is; of an environment of the trainer's own, name its "
                "lock file among files"
            )


def _of_command(path: str, command: str, files: list[str]) -> Iterator[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield f"{path}.trainer: {shown(command)} is no command ({error})"
        return
    if not words:
        yield f"{path}.trainer: {shown(command)} is empty. Allowed: a command"
        return
    # The program itself is looked for elsewhere, unless its name has a slash.
    named = words if "/" in words[0] else words[1:]
    listed = {Path(file).absolute() for file in files}
    modules = [word for before, word in pairwise(words) if before == "-m"]
    for word in [*named, *(f"{name.replace('.', '/')}.py" for name in modules)]:
        file = Path(word)
        if not file.is_absolute() and file.is_file() and file.absolute() not in listed:
            yield (
                f"{path}.files: the trainer names {shown(word)}, which is not among "
                "them, so nobody would see it change; add it"
            )
        elif word in named and file.suffix == ".py" and file.absolute() not in listed:
            yield from file_is_there(f"{path}.trainer", file)


def of_its_training(
    path: str, study: Study, training: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is asked of training that a trainer is not told."""
    for key, default in OURS_ONLY.items():
        if training[key] != default:
            yield (
                f"{path}.{key}: a trainer is not told of it; leave it out, and give it "
                "arguments of its own"
            )
    if isinstance(training["learning_rate"], list):
        yield (
            f"{path}.learning_rate: a trainer is told one, and chooses none for Thaw. "
            "Allowed: a number"
        )
    known = study.network.get("arguments", {})
    for name in training["arguments"] or {}:
        if name not in known:
            yield (
                f"{path}.arguments.{name}: it is not among network.arguments, which "
                f"name all that there are{did_you_mean(name, known)}. Allowed: "
                f"{choice(known)}"
            )


def of_its_variant(
    path: str, study: Study, variant: str, settings: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what a variant asks for that no trainer does."""
    here = f"variants.{variant}"
    if settings["save"]:
        yield (
            f"{here}.save: what the trainer of {path} makes is its own, and is not "
            "kept; leave it out"
        )
    if "groups" not in study.network and (settings["freeze"] or settings["fresh"]):
        key = "freeze" if settings["freeze"] else "fresh"
        yield (
            f"{path}.network.groups: this key is missing; {here}.{key} needs to know "
            "what the trainer's groups are called"
        )
