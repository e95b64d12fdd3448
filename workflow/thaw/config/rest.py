"""The rest of a config, without its mistakes.

Mistakes in one problem or study hide none of the others': these are checked without it,
and without what names it.
"""

# ruff: noqa: RUF012 (pydantic copies defaults)

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from thaw.config import models
from thaw.config.values import Name

# A key of the config and, where it holds entries by name, the name of one.
Place = tuple[Any, ...]

GROUPS = ("problems", "variants", "studies", "maps")

# With another network or training than was meant, studies would have other mistakes.
OF_ALL_STUDIES = {"network", "training", "pretraining", "problems", "variants"}

_ENTRY = re.compile(rf"({'|'.join(GROUPS)})\.([A-Za-z0-9][\w-]*)", re.ASCII)


class Rest(models.Config):
    """A config in which anything may be missing: it was told, or holds a mistake."""

    seed: int = 1
    network: models.Network = models.Network(hidden=[1])
    training: models.Training = models.Training(
        epochs=1, batch_size=1, learning_rate=0.1
    )
    problems: dict[Name, models.Problem] = {}
    studies: dict[Name, models.Study] = {}


def places_of(error: ValidationError) -> set[Place]:
    """Return where the errors of a config are."""
    places = {details["loc"] for details in error.errors(include_url=False)}
    return {place[:2] if place[0] in GROUPS else place[:1] for place in places}


def entries_in(mistakes: Iterable[str]) -> set[Place]:
    """Return the entries that messages about a config begin with."""
    found = map(_ENTRY.match, mistakes)
    return {match.groups() for match in found if match}


def without(config: Mapping[str, Any], wrong: Collection[Place]) -> dict[str, Any]:
    """Return a config without what is wrong, and without what names it."""
    rest: dict[str, Any] = {
        key: dict(value) if key in GROUPS and isinstance(value, Mapping) else value
        for key, value in config.items()
    }
    gone = set()
    for place in wrong:
        if len(place) == 2 and isinstance(rest.get(place[0]), dict):
            entry = rest[place[0]].pop(place[1], None)
            gone.add(place[1])
            # With a study of several sources, those of each are gone.
            if place[0] == "studies" and isinstance(entry, Mapping):
                gone |= {f"{place[1]}-{one}" for one in _texts(entry.get("sources"))}
        else:
            rest.pop(place[0], None)
    if OF_ALL_STUDIES & {place[0] for place in wrong if len(place) == 1}:
        gone |= {*rest.pop("studies", {})}
    # Studies name problems, variants and studies, and maps name studies.
    for group in ("problems", "studies", "studies", "maps"):
        for name, entry in [*rest.get(group, {}).items()]:
            if gone & _texts(entry.get("scale") if group == "problems" else entry):
                del rest[group][name]
                gone.add(name)
    return rest


def _texts(value: Any) -> set[str]:
    """Return all texts in a value; of STUDY/VARIANT the study as well."""
    if isinstance(value, str):
        return {value, value.partition("/")[0]}
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(parts, Iterable):
        return set()
    return {text for part in parts for text in _texts(part)}
