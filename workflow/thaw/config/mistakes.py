"""Mistakes in a config in words: place, what is wrong, what to write instead."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thaw.config import fields
from thaw.config.config import STUDY_ONLY
from thaw.config.fill import LADDER, as_group, sources_of
from thaw.config.messages import among, did_you_mean, path, shown
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
    fields.NOT_NAMES: "a list of names; write numbers and the like in quotes",
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

# A larger whole number is written with an exponent.
MOST_WRITTEN_OUT = 1e15


def at(place: Place, words: str, written: Mapping[str, Any]) -> str:
    """Return a mistake at a place of a filled-in config, as its author wrote it.

    `words` are "key: what is wrong", or what is wrong with all that stands there.
    """
    inner, reason = _split(words)
    is_missing = reason.startswith("this key is missing")
    return f"{path(as_written(place + inner, written, is_missing))}: {reason}"


def _split(words: str) -> tuple[Place, str]:
    """Return the place within a group that a mistake begins with, and the rest."""
    key, colon, reason = words.partition(": ")
    if not colon or not re.fullmatch(r"[\w.\[\]-]+", key):
        return (), words
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", key)
    return tuple(int(number) if number else name for number, name in parts), reason


def as_written(
    place: Place, written: Mapping[str, Any], is_missing: bool = False
) -> Place:
    """Return where something of a filled-in config stands in the config as written.

    Of the places from which a study may have it, that is the first one that is there;
    or else the first in whose group a missing key would stand.
    """
    if len(place) < 3 or place[0] != "studies":
        return place
    name, *rest = place[1:]
    for ranking, study in written["studies"].items():
        for number, source in enumerate(sources_of(study)):
            if name == f"{ranking}-{source}" and name not in written["studies"]:
                name = ranking
                if rest == ["source"]:
                    return "studies", name, "sources", number
    places: list[Place] = []
    if rest[0] == "variants" and len(rest) > 1:
        places.append(tuple(rest))
        rest = rest[2:] if rest[2:3] == ["training"] else []
    if rest:
        places.append(("studies", name, *rest))
        if rest[0] not in STUDY_ONLY:
            places.append(tuple(rest))
    if rest[:1] == ["pretraining"]:
        places += [("studies", name, "training", *rest[1:]), ("training", *rest[1:])]
    for end in (-1,) if is_missing else (None, -1):
        for candidate in places:
            if _is_there(candidate[:end], written):
                return candidate
    return places[-1]


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
    errors = error.errors(include_url=False)
    wrong_keys = {e["loc"][:-1] for e in errors if _is_in_key(e)}
    # A study's training is named once, not with each change of it that has the mistake.
    usual = {
        words
        for details in errors
        if details["type"] == fields.MISTAKES and details["loc"][2:] == ("training",)
        for words in details["ctx"]["lines"]
    }
    for details in errors:
        loc, kind = details["loc"], details["type"]
        place = _without_tags(loc)
        if place[::2][:2] == ("variants", "training") and not _is_there(
            place[:3], written
        ):
            continue  # a study's training, with which it is named
        if kind == fields.MISTAKES and _is_change(place):
            for words in details["ctx"]["lines"]:
                inner, reason = _split(words)
                if words not in usual:
                    yield f"{path((*as_written(place, written), *inner))}: {reason}"
        elif kind == fields.MISTAKES:
            for words in details["ctx"]["lines"]:
                yield at(place, words, written)
        elif _is_in_key(details):
            group = as_written(_without_tags(loc[:-2]), written)
            yield _explain_key(details, group, schema)
        elif kind == "missing" and _is_change(place[:-1]):
            continue  # as in the study's training
        elif not any(loc[: len(key)] == key for key in wrong_keys):
            yield from _explain(details, place, written, schema)


def _is_change(place: Place) -> bool:
    """Whether a place is that of training that changes a study's."""
    is_studys = place[:1] == ("studies",) and place[2:] == ("training",)
    return place[-1:] in (("training",), ("pretraining",)) and not is_studys


def _is_in_key(details: ErrorDetails) -> bool:
    """Whether a key is wrong; a key that is unknown may have any name."""
    return details["loc"][-1:] == (IN_KEY,) and details["type"] != "extra_forbidden"


def _without_tags(loc: Place) -> Place:
    """Return a place of pydantic's without what only says of which kind a group is."""
    return tuple(part for part in loc if not _is_tag(part))


def _is_tag(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith(fields.TAG)


def _explain_key(details: ErrorDetails, group: Place, schema: Schema) -> str:
    """Say what is wrong with the name of a problem, a study and the like."""
    name = details["input"]
    if not isinstance(name, str) and details["type"] != fields.NO_ALTERNATIVE:
        return f"{path(group)}: {shown(name)} is not text; write it in quotes"
    allowed = schema_at(schema, group)["propertyNames"]["description"]
    return f"{path(group)}: {shown(name)} is not allowed. Allowed: {allowed}"


def _explain(
    details: ErrorDetails, place: Place, written: Mapping[str, Any], schema: Schema
) -> Iterator[str]:
    """Say what is wrong with a value, or which key is missing or unknown."""
    value, kind = details["input"], details["type"]
    is_name = place[2:-1] == ("variants",) and value == place[-1]
    if is_name and not _is_there(place[2:], written):
        if isinstance(written.get("variants", {}), Mapping):
            yield _explain_variant(place, value, written)
        return
    place = as_written(place, written)
    match kind:
        case "missing":
            yield f"{path(place)}: this key is missing{_or_another(details['loc'])}"
        case "extra_forbidden":
            yield f"{path(place)}: {_unknown(details['loc'], place, schema)}"
        case "invalid_key":
            group = path(place[:-1])
            yield f"{group}: {shown(value)} is not text; write it in quotes"
        case "string_unicode":
            yield f"{path(place)}: a key or text in it is not Unicode"
        case _:
            allowed = schema_at(schema, place)["description"]
            reason = f"{shown(value)} {_reason(details, allowed)}"
            empty = f"it is empty. Allowed: {allowed}"
            yield f"{path(place)}: {empty if value is None else reason}"


def _explain_variant(place: Place, name: str, written: Mapping[str, Any]) -> str:
    """Say that a study lists a variant that is not there."""
    study = as_written((*place[:2], "variants"), written)[1]
    if name == LADDER:
        return (
            f"studies.{study}.network.groups: this key is missing; the ladder needs it"
        )
    names = written["studies"][study]["variants"]
    number = 0 if isinstance(names, str) else names.index(name)
    variants = as_group(written.get("variants"))
    known = among(name, [n for n in variants if isinstance(n, str)])
    here = f"studies.{study}.variants[{number}]"
    return f"{here}: {shown(name)} is not a variant of this config{known}"


def _kinds_at(loc: Place) -> tuple[str, Mapping[str, Any]]:
    """Return of which kind the group is in which a key stands, and all such kinds."""
    tag = str(loc[-2])[1:] if len(loc) > 1 and _is_tag(loc[-2]) else ""
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
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number) or (kind == "int_type" and not number.is_integer()):
        return ""
    if number.is_integer() and abs(number) < MOST_WRITTEN_OUT:
        return f" to YAML; write {int(number)}"
    mantissa, e, exponent = repr(number).partition("e")
    # Without a point and a sign, YAML takes it for text again.
    point = ".0" if e and "." not in mantissa else ""
    return f" to YAML; write {mantissa}{point}{e}{exponent}"
