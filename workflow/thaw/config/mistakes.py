"""Mistakes in a config in words: place, what is wrong, what to write instead."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thaw.config import fields
from thaw.config.config import Settings
from thaw.config.fill import sources_of
from thaw.config.messages import did_you_mean, path, shown
from thaw.config.network import NETWORKS
from thaw.config.problem import PROBLEMS
from thaw.config.schema import Schema, config_schema, keys_at, schema_at
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

# Pydantic's names for values of the wrong type, in words.
TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
    fields.NOT_NAMES: "a list of names, each once; write numbers in quotes",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
}

# Why a value of the right type is not allowed, with pydantic's names for bounds.
REASONS = {
    "finite_number": "is not a number. Allowed: a finite number",
    "greater_than_equal": "is too small. Allowed: {ge} or more",
    "greater_than": "is too small. Allowed: more than {gt}",
    "less_than_equal": "is too large. Allowed: {le} or less",
    "less_than": "is too large. Allowed: less than {lt}",
    "too_long": "is too long. Allowed: {max_length} entries or fewer",
    fields.TWICE: "lists an entry twice. Allowed: each entry once",
}

# Kinds of a group that have a key, so that they are named where another kind has it.
MOST_OWNERS = 2

# The last part of a place where a key is wrong, not what it holds.
IN_KEY = "[key]"


def at(place: Place, words: str, written: Mapping[str, Any]) -> str:
    """Return a mistake at a place of a filled-in config, as its author wrote it.

    `words` are "key: what is wrong", or what is wrong with all that stands there.
    """
    inner, reason = _split(words)
    return f"{path(as_written(place + inner, written, of_group=True))}: {reason}"


def _split(words: str) -> tuple[Place, str]:
    """Return the place within a group that a mistake begins with, and the rest."""
    key, colon, reason = words.partition(": ")
    if not colon or not re.fullmatch(r"[\w.\[\]-]+", key):
        return (), words
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", key)
    return tuple(int(number) if number else name for number, name in parts), reason


def as_written(
    place: Place, written: Mapping[str, Any], of_group: bool = False
) -> Place:
    """Return where something of a filled-in config stands in the config as written.

    Of the places from which a study may have it, that is the first one that is there
    or, `of_group`, the first whose group is: a key may be missing in it.
    """
    if len(place) < 3 or place[0] != "studies":
        return place
    name, *rest = place[1:]
    for ranking, study in written["studies"].items():
        if name in [f"{ranking}-{source}" for source in sources_of(study)]:
            name, rest = ranking, ["sources"] if rest == ["source"] else rest
    places = [("studies", name, *rest), (*rest,)]
    if rest[0] == "variants":
        rest = rest[2:]
    if rest and rest[0] in ("training", "pretraining"):
        places += [("studies", name, "training", *rest[1:]), ("training", *rest[1:])]
    end = -1 if of_group else None
    there = (place for place in places if _is_there(place[:end], written))
    is_shared = places[-1][0] in Settings.model_fields
    return next(there, places[-1 if is_shared else 0])


def _is_there(place: Place, value: Any) -> bool:
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def explain(error: ValidationError, written: Mapping[str, Any]) -> Iterator[str]:
    """Yield each mistake of a filled-in config in a line, at its place as written."""
    schema = config_schema()
    for details in error.errors(include_url=False):
        loc, kind = details["loc"], details["type"]
        place = _without_tags(loc)
        if place[::2][:2] == ("variants", "training") and not _is_there(
            place[:3], written
        ):
            continue  # a study's training, with which it is named
        if kind == fields.MISTAKES:
            yield from (at(place, words, written) for words in details["ctx"]["lines"])
        elif _is_in_key(details):
            group = as_written(_without_tags(loc[:-2]), written)
            yield _explain_key(details, group, schema)
        else:
            place = as_written(place, written, of_group=kind == "missing")
            yield f"{path(place)}: {_explain(details, place, schema)}"


def _is_in_key(details: ErrorDetails) -> bool:
    """Whether a key is wrong; a key that is unknown may have any name."""
    return details["loc"][-1:] == (IN_KEY,) and details["type"] != "extra_forbidden"


def _without_tags(loc: Place) -> Place:
    """Return a place of pydantic's without the kinds of groups in it."""
    return tuple(part for part in loc if not str(part).startswith(fields.TAG))


def _explain_key(details: ErrorDetails, group: Place, schema: Schema) -> str:
    """Say what is wrong with the name of a problem, a study and the like."""
    name = details["input"]
    if not isinstance(name, str) and details["type"] != fields.NO_ALTERNATIVE:
        return f"{path(group)}: {shown(name)} is not text; write it in quotes"
    allowed = schema_at(schema, group)["propertyNames"]["description"]
    return f"{path(group)}: {shown(name)} is not allowed. Allowed: {allowed}"


def _explain(details: ErrorDetails, place: Place, schema: Schema) -> str:
    """Say what is wrong with a value, or which key is missing or unknown."""
    value = details["input"]
    match details["type"]:
        case "missing":
            return f"this key is missing{_or_another(details['loc'])}"
        case "extra_forbidden":
            return _unknown(details["loc"], place, schema)
        case "invalid_key":
            return f"{shown(value)} is not text; write it in quotes"
        case "string_unicode":
            return "a key or text in it is not Unicode"
    allowed = schema_at(schema, place)["description"]
    if value is None:
        return f"it is empty. Allowed: {allowed}"
    return f"{shown(value)} {_reason(details, allowed)}"


def _kinds_at(loc: Place) -> tuple[str, Mapping[str, Any]]:
    """Return of which kind the group is in which a key stands, and all such kinds."""
    tag = str(loc[-2]).removeprefix(fields.TAG) if len(loc) > 1 else ""
    kinds = (kinds for kinds in (NETWORKS, PROBLEMS, VARIANTS) if tag in kinds)
    return tag, next(kinds, {})


def _or_another(loc: Place) -> str:
    """Say what else could stand in the place of a key that tells a kind."""
    tag, kinds = _kinds_at(loc)
    forms = [key for key in kinds if key != tag]
    return f"; or set one of {', '.join(forms)}" if loc[-1] == tag else ""


def _unknown(loc: Place, place: Place, schema: Schema) -> str:
    """Say why a key is not allowed where it stands."""
    key, (tag, kinds) = str(loc[-1]), _kinds_at(loc)
    owners = [name for name, kind in kinds.items() if key in kind.model_fields]
    if key in GONE:
        return f"this key is gone; {GONE[key]}"
    if tag == "estimator" and owners:
        return "not allowed together with estimator, which is no network; remove it"
    if key in kinds or len(owners) > MOST_OWNERS:
        return f"not allowed together with {tag}; remove one of them"
    if owners:
        return f"only allowed together with {' or '.join(owners)}; remove it"
    known = keys_at(schema, place[:-1])
    return f"unknown key{did_you_mean(key, known)}. Allowed: {', '.join(known)}"


def _reason(details: ErrorDetails, allowed: str) -> str:
    """Say why a value is not allowed; `allowed` describes what is."""
    kind, bounds = details["type"], details.get("ctx", {})
    # The description of a pair says more of one that is too long or short.
    if kind in TYPES:
        return f"is not {TYPES[kind]}{_number_hint(details['input'], kind)}"
    if kind in REASONS and bounds.get("max_length") != 2:
        return REASONS[kind].format(**{k: _plain(v) for k, v in bounds.items()})
    if kind == "too_short" and bounds.get("min_length", 1) == 1:
        return "is empty. Allowed: one entry or more"
    hint = _number_hint(details["input"], "float_type")
    if kind == fields.NO_ALTERNATIVE and hint:
        return f"is text{hint}. Allowed: {allowed}"
    return f"is not allowed. Allowed: {allowed}"


def _plain(bound: Any) -> Any:
    """Return a bound as one writes it: 1.0 as 1."""
    whole = isinstance(bound, float) and bound.is_integer()
    return int(bound) if whole else bound


def _number_hint(value: Any, kind: str) -> str:
    """Say why YAML reads 1e-3, or a number in quotes, as text."""
    if not isinstance(value, str) or kind not in ("int_type", "float_type"):
        return ""
    try:
        number = repr(float(value))
    except ValueError:
        return ""
    # Without a point, YAML takes an exponent for text again.
    with_point = number if "." in number else number.replace("e", ".0e")
    return f" to YAML; write {with_point}"
