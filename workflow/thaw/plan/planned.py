"""A result with a key, as it is planned: its recipe, and the files it is made from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from thaw.keys import result

# Files by the name that a rule has for them.
Files = dict[str, list[str]]


class Planned(NamedTuple):
    """A problem, a check, source models or the repeats of an arm.

    name: as its path has it. path: its file below `results/`, or how those of its jobs
    begin. files: from which it is made; users' files are relative to the working
    directory, results to `results/`. Of repeats, the files with source models are left
    out, because they follow from the job. is_ruled: whether another rule makes any of
    them, so that no key covers its content.
    """

    name: str
    recipe: dict[str, Any]
    key: str
    path: str
    files: Files
    is_ruled: bool


def plan_result(
    stage: str,
    path: Callable[[str, str], str],
    name: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Planned | Sequence[Planned]],
    files: Files,
    is_ruled: bool = False,
) -> Planned:
    """Return a result of a stage; `path` returns its path by its name and key.

    `files` are those that are no results of `inputs`.
    """
    keys: dict[str, Any] = {}
    read: Files = {}
    for role, planned in inputs.items():
        if isinstance(planned, Planned):
            keys[role], read[role] = planned.key, [planned.path]
            is_ruled |= planned.is_ruled
        else:
            keys[role] = [each.key for each in planned]
            is_ruled |= any(each.is_ruled for each in planned)
    recipe, key = result(stage, settings, keys)
    return Planned(name, recipe, key, path(name, key), read | files, is_ruled)
