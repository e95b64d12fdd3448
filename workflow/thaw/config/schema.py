"""The keys of a config as a JSON schema, for editors, messages and the reference page.

It describes a config as people write it: what may be left out is not required.
"""

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from thaw.config.config import STUDY_ONLY, Config, Settings

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Pydantic's schema without what would mislead or repeat itself in an editor."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles that only repeat the keys."""
        return False

    def default_schema(self, schema: Any) -> Schema:
        """Leave out None, which stands for a key left out and may not be written."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def dict_schema(self, schema: Any) -> Schema:
        """Refuse names of another pattern; pydantic's schema would let them pass."""
        result = super().dict_schema(schema)
        for pattern, values in result.pop("patternProperties", {}).items():
            result["propertyNames"]["pattern"] = pattern
            result["additionalProperties"] = values
        return result


def config_schema() -> Schema:
    """Return the schema of a config, each group written out where it stands."""
    settings, config = (
        _written_out(schema, schema.pop("$defs"))
        for schema in (
            model.model_json_schema(schema_generator=_Generator)
            for model in (Settings, Config)
        )
    )
    study = config["properties"]["studies"]["additionalProperties"]
    # What a study does not say holds for all; only the first of these has no default.
    may_be_required = STUDY_ONLY - {"source", "baseline"}
    study["required"] = [key for key in study["required"] if key in may_be_required]
    variant = config["properties"]["variants"]["additionalProperties"]
    _without_requirements(variant["properties"]["training"])
    for key in ("network", "training", "pretraining"):
        _without_requirements(study["properties"][key])
    _without_requirements(settings["properties"]["pretraining"])
    settings["required"].remove("pretraining")
    return {
        "$schema": _Generator.schema_dialect,
        "title": "Thaw's config",
        "description": "A group of the keys below.",
        "type": "object",
        "additionalProperties": False,
        "properties": settings["properties"] | config["properties"],
        "required": settings["required"] + config["required"],
    }


def _without_requirements(group: Schema) -> None:
    """Let keys be left out, and then mean what holds elsewhere."""
    group.pop("required", None)
    for value in group["properties"].values():
        value.pop("default", None)


def _written_out(part: Any, definitions: Schema) -> Any:
    """Put definitions in the place of references, and one group for several kinds."""
    if isinstance(part, list):
        return [_written_out(entry, definitions) for entry in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        # Text beside a reference says more than the definition.
        part = definitions[name] | {k: v for k, v in part.items() if k != "$ref"}
    result = {key: _written_out(inner, definitions) for key, inner in part.items()}
    if all("properties" in kind for kind in result.get("oneOf", [{}])):
        result = _one_group(result)
    elif "oneOf" in result:
        result["anyOf"] = result.pop("oneOf")
    if isinstance(result.get("description"), str):
        result["description"] = " ".join(result["description"].split())
    return result


def _one_group(union: Schema) -> Schema:
    """Return a group with the keys of several kinds; required are those of all."""
    kinds = union.pop("oneOf")
    shared = set.intersection(*({*kind["properties"]} for kind in kinds))
    properties: Schema = {}
    # First what tells a kind, last what all have.
    for is_shared in (False, True):
        for kind in kinds:
            first = kind.get("required", [])
            for key in sorted(kind["properties"], key=lambda key: key not in first):
                if (key in shared) == is_shared:
                    properties.setdefault(key, kind["properties"][key])
    required = [
        key
        for key in properties
        if all(key in kind.get("required", []) for kind in kinds)
    ]
    group = {"type": "object", "additionalProperties": False, "properties": properties}
    words = {"description": kinds[0]["description"]}
    return words | union | group | ({"required": required} if required else {})


def schema_at(schema: Schema, place: Sequence[int | str]) -> Schema:
    """Return the schema of what stands at a place of a config: keys and list places."""
    for part in place:
        schema = _group(schema)
        # Some keys are numbers, too.
        if isinstance(part, int) and "items" in schema:
            schema = schema["items"]
        else:
            properties = schema.get("properties", {})
            schema = properties.get(part) or schema["additionalProperties"]
    return schema


def keys_at(schema: Schema, place: Sequence[int | str]) -> Schema:
    """Return the schemas of the keys of a group at a place of a config."""
    return _group(schema_at(schema, place))["properties"]


def _group(schema: Schema) -> Schema:
    """Return the schema of the group, where a value may stand instead."""
    groups = (kind for kind in schema.get("anyOf", []) if "properties" in kind)
    return next(groups, schema)
