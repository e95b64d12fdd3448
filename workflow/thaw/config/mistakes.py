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

# What pydantic calls a value of the wrong type, in words.
TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
}

# The last part of a place where a key is wrong, not what it holds.
IN_KEY = "[key]"

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
    if len(details["loc"]) == 3 and "source" not in study:
        yield f"{path((*place, 'source'))}: this key is missing"


def _explain_key(details: ErrorDetails, group: Place, schema: Schema) -> str:
    """Say what is wrong with the name of a problem, a study and the like."""
    name = details["input"]
    if not isinstance(name, str):
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
    match kind:
        case _ if kind in TYPES:
            return f"is not {TYPES[kind]}{_number_hint(details['input'], kind)}"
        case "finite_number":
            return "is not a number. Allowed: a finite number"
        case "greater_than_equal":
            return f"is too small. Allowed: {_bound(bounds['ge'])} or more"
        case "greater_than":
            return f"is too small. Allowed: more than {_bound(bounds['gt'])}"
        case "less_than_equal":
            return f"is too large. Allowed: {_bound(bounds['le'])} or less"
        case "less_than":
            return f"is too large. Allowed: less than {_bound(bounds['lt'])}"
        case "too_short" if bounds["min_length"] == 1:
            return "is empty. Allowed: one entry or more"
        # Of a pair that is too long or short, its description says more.
        case "too_long" if bounds["max_length"] > 2:
            return f"is too long. Allowed: {bounds['max_length']} entries or fewer"
        case values.TWICE:
            return "lists an entry twice. Allowed: each entry once"
        case values.NO_ALTERNATIVE:
            hint = _number_hint(details["input"], "float_type")
            return f"is {f'text{hint}' if hint else 'not allowed'}. Allowed: {allowed}"
    return f"is not allowed. Allowed: {allowed}"


def _bound(number: float) -> float:
    """Return a bound as one writes it: 1.0 as 1."""
    return int(number) if number == int(number) else number


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
    return f" to YAML; write {int(number) if number.is_integer() else number!r}"
