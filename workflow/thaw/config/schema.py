"""The models as a JSON schema, from which editors, messages and the reference draw."""

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from thaw.config import models

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
        made = super().dict_schema(schema)
        for pattern, values in made.pop("patternProperties", {}).items():
            made["propertyNames"]["pattern"] = pattern
            made["additionalProperties"] = values
        return made


def config_schema() -> Schema:
    """Return the schema of a config, each group written out where it stands."""
    schema = models.Config.model_json_schema(schema_generator=_Generator)
    definitions = schema.pop("$defs")
    return {"$schema": _Generator.schema_dialect} | _written_out(schema, definitions)


def _written_out(part: Any, definitions: Schema) -> Any:
    """Put definitions in the place of the references to them."""
    if isinstance(part, list):
        return [_written_out(entry, definitions) for entry in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        # Text beside a reference says more than the definition.
        part = definitions[name] | {k: v for k, v in part.items() if k != "$ref"}
    made = {key: _written_out(inner, definitions) for key, inner in part.items()}
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].split())
    return made


def schema_at(schema: Schema, place: Sequence[int | str]) -> Schema:
    """Return the schema of what stands at a place of a config: keys and list places."""
    for part in place:
        # Some keys are numbers, too.
        if isinstance(part, int) and "items" in schema:
            schema = schema["items"]
        else:
            schema = (
                schema.get("properties", {}).get(part)
                or (schema["additionalProperties"])
            )
    return schema
