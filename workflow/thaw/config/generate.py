"""Write what is made from the models: the schema for editors and the reference page.

Run it after a change to the models: `python -m thaw.config.generate`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from thaw.config.contradictions import MOST_JOBS, MOST_NUMBERS
from thaw.config.schema import Schema, config_schema

ROOT = Path(__file__).parents[3]

INTRODUCTION = f"""\
# What a config may hold

Every key, by group. A key that is not listed is an error, so a typing error is found.
Names in capitals stand for names of your own. `config.yaml` shows all of it in use.

Sizes that no machine holds are refused: beside the limits below, more than
{MOST_NUMBERS:,} numbers at once (rows times features; weights, or epochs, times the
networks that a job trains) and more than {MOST_JOBS:,} training jobs in a study.

This page and `workflow/schemas/config.schema.json`, by which editors complete and check
a config, are made from the models in `workflow/thaw/config/` by
`python -m thaw.config.generate`.
"""

# How the page calls the entries of a group whose keys are names.
ENTRIES = {"problems": "PROBLEM", "variants": "VARIANT", "studies": "STUDY"}


def reference() -> str:
    """Return the page as Markdown."""
    return "\n".join([INTRODUCTION, *_sections("", config_schema())])


def _sections(path: str, group: Schema) -> Iterator[str]:
    """Yield the section of a group of keys and those of the groups within it."""
    yield f"## {f'`{path}`' if path else 'At the top level'}\n"
    yield group["description"] + "\n"
    yield "| key | what it is | allowed | default |"
    yield "| --- | --- | --- | --- |"
    required = group.get("required", [])
    for key, value in group["properties"].items():
        default = "*required*" if key in required else _default(value)
        yield f"| `{key}` | {value['description']} | {_allowed(value)} | {default} |"
    yield ""
    for key, value in group["properties"].items():
        here = f"{path}.{key}".lstrip(".")
        if "properties" in value:
            yield from _sections(here, value)
        elif key in ENTRIES and value.get("type") == "object":
            named = value["additionalProperties"]
            yield from _sections(f"{here}.{ENTRIES[key]}", named)
        elif "properties" in value.get("items", {}):
            yield from _sections(f"{here}[…]", value["items"])


def _default(value: Schema) -> str:
    return f"`{json.dumps(value['default'])}`" if "default" in value else ""


def _allowed(value: Schema) -> str:
    """Say which values a schema allows."""
    if "anyOf" in value:
        return " or ".join(map(_allowed, value["anyOf"]))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{name}`" for name in value["enum"])
    match value["type"]:
        case "integer":
            return f"whole number, {value['minimum']:,} to {value['maximum']:,}"
        case "number":
            return ", ".join(["number", *_bounds(value)])
        case "boolean":
            return "`true` or `false`"
        case "array":
            least, most = value.get("minItems", 0), value["maxItems"]
            count = f"{most:,}" if least == most else f"{least} to {most:,}"
            return f"list of {count}: {_allowed(value['items'])}"
        case "object" if not value["additionalProperties"]:
            return "group of keys"
        case "object" if "properties" in value["additionalProperties"]:
            return "groups of keys, by name"
        case "object" if "items" in value["additionalProperties"]:
            return f"by name, a {_allowed(value['additionalProperties'])}"
        case "object":
            return "values, by name"
    return "text"


# How the bounds of numbers are called.
BOUNDS = {
    "exclusiveMinimum": "more than",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def _bounds(value: Schema) -> list[str]:
    return [f"{word} {value[key]:,}" for key, word in BOUNDS.items() if key in value]


def generated() -> dict[Path, str]:
    """Return the files that are made from the models, and what they should hold."""
    schema = json.dumps(config_schema(), indent=2, ensure_ascii=False)
    return {
        ROOT / "workflow" / "schemas" / "config.schema.json": schema + "\n",
        ROOT / "docs" / "config.md": reference(),
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
