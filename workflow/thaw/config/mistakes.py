"""Mistakes in a config in words: place, what is wrong, what to write instead."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thaw.config import fields
from thaw.config.config import Config
from thaw.config.fields import Group
from thaw.config.messages import did_you_mean, path, shown
from thaw.config.network import NETWORKS
from thaw.config.problem import PROBLEMS
from thaw.config.training import VARIANTS

# Keys, and positions in lists, from the top of the config down.
Place = tuple[int | str, ...]

# Keys that earlier editions had, and what to do instead.
GONE = {
    "time_limit": "give the trainer's own command a limit, such as timeout 600 python "
    "trainer.py",
    "histories": "remove it: a trainer writes predictions alone, and its networks have "
    "no learning curves",
    "augment": "alter the rows in a module's own forward() while self.training is true",
    "decay_bias_and_norm": "remove it (all parameters decay), or let a trainer of your "
    "own leave them out",
    "step_size": "write schedule: cosine, or phases with a learning_rate each",
    "gamma": "write schedule: cosine, or phases with a learning_rate each",
    "permute": "write the columns of the file in another order",
    "label_noise": "write a file with these labels",
}

# Terms in pydantic's reasons, and the plain words that stand in their place.
NAMES = {
    "valid integer": "whole number",
    "valid dictionary": "group of keys",
    "a valid string": "text; write numbers in quotes",
    "strings": "text; write numbers in quotes",
    " after validation": "",
}

# Text that looks like a number: without a point, or in quotes, YAML takes it for text.
NUMBERS = ("int_type", "float_type")
LIKE_A_NUMBER = re.compile(r"[-+]?\.?\d[\d.]*(e[-+]?\d+)?", re.I)

# Groups of several kinds: each kind's model by the key that tells it.
KINDS = (NETWORKS, PROBLEMS, VARIANTS)

# The last part of a place where a key is wrong, not what it holds.
IN_KEY = "[key]"


def explain(error: ValidationError) -> Iterator[str]:
    """Yield each mistake in a line, the first of those that read alike.

    All that inherits a wrong value has the same mistake.
    """
    lines: dict[str, str] = {}
    for details in error.errors(include_url=False):
        place = _place(details["loc"])
        for words in _explain(details):
            line = f"{path(place)}{words}".removeprefix("config.")
            key, _, words = line.partition(": ")
            words = words.partition(". Allowed")[0]
            lines.setdefault(f"{re.split('[.[]', key)[-1]}: {words}", line)
    yield from lines.values()


def _place(loc: Place) -> Place:
    """Return where something stands in a config, from its place in pydantic's words."""
    place = [part for part in loc if not str(part).startswith(fields.TAG)]
    if loc[-1:] == (IN_KEY,):
        place = place[:-2]
    # A study only lists its variants.
    is_variants = len(place) > 3 and place[::2][:2] == ["studies", "variants"]
    return tuple(place[2:] if is_variants else place)


def _explain(details: ErrorDetails) -> Iterator[str]:
    """Yield what is wrong at a place, or at a key of the group there."""
    loc, value, kind = details["loc"], details["input"], details["type"]
    group, allowed = _group_at(loc)
    context = details.get("ctx", {})
    if context.get("pattern") == fields.NAME:
        allowed = fields.NAME_IN_WORDS
    if kind == fields.MISTAKES:
        yield from (f".{line}" for line in context["lines"])
    elif kind == "missing":
        tag, kinds = _kinds_at(loc)
        forms = ", ".join(key for key in kinds if loc[-1] == tag != key)
        yield ": this key is missing" + (f"; or set one of {forms}" if forms else "")
    elif kind == "extra_forbidden":
        yield f": {_unknown(loc, group)}"
    elif value is None:
        yield f": it is empty. Allowed: {allowed}"
    else:
        yield f": {shown(value)} {_reason(details)}. Allowed: {allowed}"


def _reason(details: ErrorDetails) -> str:
    """Return why a value is not allowed, in few words; a pattern tells people less."""
    value, words = details["input"], details["msg"]
    is_number = isinstance(value, str) and LIKE_A_NUMBER.fullmatch(value)
    if is_number and details["type"] in (*NUMBERS, fields.NO_ALTERNATIVE):
        return "is text to YAML; write a number without quotes, such as 1.0e-3"
    if "pattern" in words or "should" not in words:
        return words if details["type"] == fields.TWICE else "is not allowed"
    words = words[words.index("should") :].partition(" or instance")[0]
    for name, plain in NAMES.items():
        words = words.replace(name, plain)
    return words


def _group_at(loc: Place) -> tuple[type[Group], str]:
    """Return the innermost group at a place, and the description of the last key."""
    group: type[Group] = Config
    description = ""
    for part in loc:
        tag = str(part).removeprefix(fields.TAG)
        if tag != str(part):
            group = next(kinds[tag] for kinds in KINDS if tag in kinds)
        elif field := group.model_fields.get(str(part)):
            description = " ".join((field.description or "").split())
            group = _group_in(field.annotation) or group
    return group, description


def _group_in(annotation: Any) -> type[Group] | None:
    """Return the group of keys that a type of values holds, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, Group):
        return annotation
    return next(filter(None, map(_group_in, get_args(annotation))), None)


def _kinds_at(loc: Place) -> tuple[str, Mapping[str, Any]]:
    """Return of which kind the group is in which a key stands, and all such kinds."""
    tag = str(loc[-2]).removeprefix(fields.TAG) if len(loc) > 1 else ""
    return tag, next((kinds for kinds in KINDS if tag in kinds), {})


def _unknown(loc: Place, group: type[Group]) -> str:
    """Say why a key is not allowed in the group where it stands."""
    key, (tag, kinds) = loc[-1], _kinds_at(loc)
    owners = [name for name, kind in kinds.items() if key in kind.model_fields]
    if key in GONE:
        return f"this key is gone; {GONE[str(key)]}"
    if owners and tag == "pretrained":
        return f"only allowed together with {owners[0]}; remove it"
    if owners or key in kinds:
        return f"not allowed together with {tag}; remove one of them"
    known = [key for kind in kinds.values() for key in kind.model_fields]
    known = [*dict.fromkeys(known or group.model_fields)]
    return f"unknown key{did_you_mean(str(key), known)}. Allowed: {', '.join(known)}"
