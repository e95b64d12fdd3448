"""The models' errors in words: place, what is wrong, what to write instead."""

import math
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thaw.config import values
from thaw.config.messages import did_you_mean, path, shown
from thaw.config.schema import Schema, config_schema, schema_at

# Keys, and positions in lists, from the top of the config down.
Place = tuple[int | str, ...]

# Pydantic's names for values of the wrong type, in words.
TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
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
    values.TWICE: "lists an entry twice. Allowed: each entry once",
}

# The last part of a place where a key is wrong, not what it holds.
IN_KEY = "[key]"

# A larger whole number is written with an exponent.
MOST_WRITTEN_OUT = 1e15

# Errors that only follow from others.
CONSEQUENCES = {"default_factory_not_called"}


def explain(error: ValidationError) -> Iterator[str]:
    """Yield each mistake in a line of its own."""
    schema = config_schema()
    errors = [
        details
        for details in error.errors(include_url=False)
        if details["type"] not in CONSEQUENCES
    ]
    wrong_keys = {
        details["loc"][:-1] for details in errors if details["loc"][-1:] == (IN_KEY,)
    }
    for details in errors:
        place = details["loc"]
        if place[-1:] == (IN_KEY,):
            yield _explain_key(details, place[:-2], schema)
        elif not any(place[: len(key)] == key for key in wrong_keys):
            if details["type"] == "missing" and place[0] == "studies":
                yield from _missing_source(details)
            yield _explain(details, schema)


def _missing_source(details: ErrorDetails) -> Iterator[str]:
    """Say with the other missing keys of a study that its source is missing.

    A study of files needs none, so that the model does not ask for it.
    """
    study, place = details["input"], details["loc"][:2]
    if len(details["loc"]) == 3 and not {"source", "sources"} & {*study}:
        yield f"{path((*place, 'source'))}: this key is missing"


def _explain_key(details: ErrorDetails, group: Place, schema: Schema) -> str:
    """Say what is wrong with the name of a problem, a study and the like."""
    name = details["input"]
    if not isinstance(name, str) and details["type"] != values.NO_ALTERNATIVE:
        return _not_text(group, name)
    allowed = schema_at(schema, group)["propertyNames"]["description"]
    return f"{path(group)}: {shown(name)} is not allowed. Allowed: {allowed}"


def _not_text(group: Place, key: Any) -> str:
    return f"{path(group)}: {shown(key)} is not text; write it in quotes"


def _explain(details: ErrorDetails, schema: Schema) -> str:
    """Say what is wrong with a value, or which key is missing or unknown."""
    place, value = details["loc"], details["input"]
    match details["type"]:
        case "missing":
            return f"{path(place)}: this key is missing"
        case "extra_forbidden":
            known = schema_at(schema, place[:-1])["properties"]
            return (
                f"{path(place)}: unknown key{did_you_mean(str(place[-1]), known)}. "
                f"Allowed: {', '.join(known)}"
            )
        case "invalid_key":
            return _not_text(place[:-1], value)
        case "string_unicode":
            return f"{path(place)}: a key or text in it is not Unicode"
    allowed = schema_at(schema, place)["description"]
    if value is None:
        return f"{path(place)}: it is empty. Allowed: {allowed}"
    return f"{path(place)}: {shown(value)} {_reason(details, allowed)}"


def _reason(details: ErrorDetails, allowed: str) -> str:
    """Say why a value is not allowed; `allowed` describes what is."""
    kind, bounds = details["type"], details.get("ctx", {})
    # The description of a pair says more of one that is too long or short.
    if kind in TYPES:
        return f"is not {TYPES[kind]}{_number_hint(details['input'], kind)}"
    if kind in REASONS and bounds.get("max_length") != 2:
        return REASONS[kind].format(**{k: _plain(v) for k, v in bounds.items()})
    if kind == "too_short" and bounds["min_length"] == 1:
        return "is empty. Allowed: one entry or more"
    hint = _number_hint(details["input"], "float_type")
    if kind == values.NO_ALTERNATIVE and hint:
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
