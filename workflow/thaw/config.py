"""Check a config and resolve it: what each study trains, and on what.

The schema says what each key may hold; this module turns its findings into messages
for people, adds what a schema cannot say (names that must exist, layers that must be
there), fills in defaults and lets a study's own settings override the global ones.
"""

import difflib
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from jsonschema import Draft202012Validator, ValidationError

from thaw.errors import ThawError

# A study's name is its folder in `results/`, beside that of the problems, and its
# target, beside `all`.
RESERVED_STUDIES = frozenset({"all", "problems", "source-models", "repeats"})

# What a study may set for itself instead of taking the global value.
OVERRIDABLE = ("seed", "repeats_per_job", "margin")
OVERRIDABLE_PARTS = ("network", "training")

# The schema's types in words.
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "object": "a group of keys",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
}


class Study(NamedTuple):
    """A study with everything resolved."""

    source: str
    target: str
    variants: list[str]
    repeats: int
    source_models: int
    repeats_per_job: int | Literal["auto"]
    baseline: str
    pairs: list[list[str]]
    margin: float
    seed: int
    network: dict
    training: dict


class Config(NamedTuple):
    """A checked config: problems and variants as written, studies resolved."""

    problems: dict[str, dict]
    variants: dict[str, dict]
    studies: dict[str, Study]


def resolve(
    config: Mapping[str, Any],
    schema: Mapping[str, Any],
    commanded: Collection[str] = (),
) -> Config:
    """Check `config` against `schema` and resolve it.

    `commanded` are the keys that the command line set. Those of `OVERRIDABLE` then win
    over a study's own.
    Raises `ThawError`, whose message lists every mistake: the key's path, the value,
    and what is allowed.
    """
    mistakes = list(_unusable(config))
    if not mistakes:
        errors = Draft202012Validator(schema).iter_errors(config)
        # jsonschema tells of each missing key, and _explain of all of them each time.
        mistakes = list(dict.fromkeys(m for error in errors for m in _explain(error)))
    if mistakes:
        raise _wrong(mistakes)
    filled = _fill(config, schema)
    studies = {
        name: Study(**_inherit(study, filled, commanded))
        for name, study in filled["studies"].items()
    }
    resolved = Config(filled["problems"], filled["variants"], studies)
    mistakes = list(_contradictions(resolved))
    if mistakes:
        raise _wrong(mistakes)
    return resolved


def check_duplicates(path: Path) -> None:
    """Raise `ThawError` if a key of a YAML file stands twice in its group.

    YAML readers silently keep the last one, so a copied block whose name was not
    changed would replace the original.
    """

    def walk(node: yaml.Node | None, where: str) -> Iterator[str]:
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                yield from walk(item, f"{where}[{number}]")
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                here = f"{where}.{key.value}".lstrip(".")
                if key.value in seen:
                    line = key.start_mark.line + 1
                    yield f"{here}: stands twice, again in line {line} of {path}"
                seen.add(key.value)
                yield from walk(value, here)

    with path.open() as file:
        mistakes = list(walk(yaml.compose(file, yaml.SafeLoader), ""))
    if mistakes:
        raise _wrong(mistakes)


def minimal_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a problem that differ from their defaults."""
    return dict(problem)


def minimal_variant(variant: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a variant that differ from their defaults."""
    defaults = {"pretrained": True, "freeze": 0, "fresh": [], "add": []}
    return {key: value for key, value in variant.items() if value != defaults[key]}


def _wrong(mistakes: list[str]) -> ThawError:
    return ThawError("\n".join(["the config is wrong:", *(f"  {m}" for m in mistakes)]))


def _unusable(value: Any, path: str = "") -> Iterator[str]:
    """Yield a mistake for each key that is not text, such as 1 or yes, and for .nan."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield f"{path or 'config'}: {key!r} is not text; write it in quotes"
            yield from _unusable(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: {value!r} is not a number. Allowed: a finite number"


def _explain(error: ValidationError) -> Iterator[str]:
    """Say what is wrong in terms of the config, and what would be right."""
    path = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}"
        for part in error.absolute_path
    ).lstrip(".")
    value, allowed = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            for key in value:
                if key not in known:
                    yield (
                        f"{path}.{key}".lstrip(".")
                        + f": unknown key{_did_you_mean(key, known)}. "
                        f"Allowed: {', '.join(known)}"
                    )
            return
        case "required":
            for key in allowed:
                if key not in value:
                    yield f"{path}.{key}".lstrip(".") + ": this key is missing"
            return
        case "uniqueItems":
            reason = "lists an entry twice. Allowed: each entry once"
        case "type":
            reason = f"is not {TYPES[allowed]}{_number_hint(value, allowed)}"
        case "minimum":
            reason = f"is too small. Allowed: {allowed} or more"
        case "exclusiveMinimum":
            reason = f"is too small. Allowed: more than {allowed}"
        case "maximum":
            reason = f"is too large. Allowed: {allowed} or less"
        case "minItems" | "minProperties" if allowed == 1:
            reason = "is empty. Allowed: one entry or more"
        case _:
            reason = f"is not allowed. Allowed: {error.schema['description']}"
    if value is None:
        yield f"{path or 'config'}: it is empty. Allowed: {error.schema['description']}"
    else:
        yield f"{path or 'config'}: {value!r} {reason}"


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _number_hint(value: Any, wanted: str) -> str:
    """Say why YAML reads 1e-3 as text."""
    if isinstance(value, str) and wanted == "number":
        try:
            return f" to YAML; write {float(value)!r}"
        except ValueError:
            pass
    return ""


def _fill(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a copy of a valid value with the schema's defaults, and 30.0 as 30."""
    if isinstance(value, float) and schema.get("type") != "number":
        return int(value)
    if schema.get("type") == "array":
        return [_fill(item, schema.get("items", {})) for item in value]
    if schema.get("type") != "object":
        return value
    properties = schema.get("properties", {})
    defaults = {
        key: inner["default"] for key, inner in properties.items() if "default" in inner
    }
    others = schema.get("additionalProperties") or {}
    return {
        key: _fill(inner, properties.get(key, others))
        for key, inner in (defaults | dict(value)).items()
    }


def _inherit(study: dict, config: dict, commanded: Collection[str]) -> dict:
    """Return a study's settings, the global ones where it has none of its own."""
    variants = study["variants"]
    baseline = "standalone" if "standalone" in variants else variants[0]
    return (
        {"baseline": baseline}
        | study
        | {
            key: config[key] if key in commanded else study.get(key, config[key])
            for key in OVERRIDABLE
        }
        | {key: config[key] | study.get(key, {}) for key in OVERRIDABLE_PARTS}
    )


def _contradictions(config: Config) -> Iterator[str]:
    """Yield what a schema cannot find: names that do not exist, layers not there."""
    for name, problem in config.problems.items():
        samples, size = problem["make_blobs"]["n_samples"], problem["train_size"]
        if size >= samples:
            yield (
                f"problems.{name}.train_size: {size} leaves no row to test on. "
                f"Allowed: 1 to {samples - 1}, less than n_samples"
            )
    for name, variant in config.variants.items():
        if not variant["pretrained"] and variant["fresh"]:
            yield (
                f"variants.{name}.fresh: {variant['fresh']!r} says nothing where "
                "pretrained is false and every layer is fresh; leave it out"
            )
    for name, study in config.studies.items():
        yield from _study_contradictions(f"studies.{name}", name, study, config)


def _study_contradictions(
    path: str, name: str, study: Study, config: Config
) -> Iterator[str]:
    if name in RESERVED_STUDIES:
        yield f"{path}: {name!r} is taken for a folder or target; choose another name"
    for role in ("source", "target"):
        yield from _unknown(
            f"{path}.{role}", getattr(study, role), "problem", config.problems
        )
    features = [
        config.problems[problem]["make_blobs"]["n_features"]
        for problem in (study.source, study.target)
        if problem in config.problems
    ]
    if len(set(features)) > 1:
        yield (
            f"{path}.target: {study.target!r} has {features[1]} features, the source "
            f"{study.source!r} has {features[0]}. Allowed: a problem with as many"
        )
    named = [("baseline", study.baseline)]
    named += [
        (f"pairs[{n}]", name) for n, pair in enumerate(study.pairs) for name in pair
    ]
    for key, variant_name in named:
        if variant_name not in study.variants:
            yield (
                f"{path}.{key}: {variant_name!r} is not a variant of this study"
                f"{_did_you_mean(variant_name, study.variants)}. "
                f"Allowed: {', '.join(study.variants)}"
            )
    hidden = len(study.network["hidden"])
    for number, variant_name in enumerate(study.variants):
        place = f"{path}.variants[{number}]"
        yield from _unknown(place, variant_name, "variant", config.variants)
        variant = config.variants.get(variant_name)
        if variant is None:
            continue
        if variant["freeze"] > hidden:
            yield (
                f"variants.{variant_name}.freeze: {variant['freeze']} is deeper than "
                f"the network of {path}. Allowed: 0 to {hidden}, its hidden layers"
            )
        for layer in variant["fresh"]:
            if layer != "output" and layer > hidden:
                yield (
                    f"variants.{variant_name}.fresh: {layer!r} is not a layer of the "
                    f"network of {path}. Allowed: hidden layers 1 to {hidden}, output"
                )


def _unknown(path: str, name: str, kind: str, known: Mapping) -> Iterator[str]:
    if name not in known:
        yield (
            f"{path}: {name!r} is not a {kind} of this config"
            f"{_did_you_mean(name, list(known))}. Allowed: {', '.join(known) or 'none'}"
        )
