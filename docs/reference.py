"""Write what follows from the config's models: the schema for editors, pages of keys.

Run it after a change to the models: `python docs/reference.py`.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from thaw.config.contradictions import MOST_JOBS
from thaw.config.schema import Schema, config_schema
from thaw.findings.metrics import METRICS
from thaw.learning.tasks import TASKS

ROOT = Path(__file__).parents[1]

INTRODUCTION = f"""\
# What a config may hold

Every key, by group. A key that is not listed is an error, so a typing error is found.
Names in capitals stand for names of your own. `config.yaml` shows all of it in use.

A study has {MOST_JOBS:,} training jobs at most.

This page and `workflow/schemas/config.schema.json`, by which editors complete and check
a config, are made from the models in `workflow/thaw/config/` by
`python docs/reference.py`.
"""

# Shown by the Snakemake workflow catalog.
IN_THE_CATALOG = """\
# The config

`config.yaml` in this folder is the one at the top of the repository, in which every key
is commented. `docs/config.md` lists all keys, and what each may hold.

A deployed workflow (`snakedeploy`, or a `module:` of your own) reads the config of the
outer workflow. Its jobs call Thaw's Python package, so install that into the
environment that runs Snakemake: `pip install` with the address of Thaw's repository.

## At the top level
"""

METRICS_INTRODUCTION = """\
## Metrics

What `metric` of a study may name, by the target's task: scikit-learn's names of
scorers, without `neg_`. All are of the test rows, and follow from the predictions that
are kept; only a task's own metric and its loss are known without. Errors of numbers are
in the label's units. A metric that is 0 to 1, or has another bound, has a usual margin
of 0.01; others need one of the study's own.

Metrics of two classes are of the positive class: the study's `positive`, by default the
rarer one. Where a class has no rows, they have no value.

A function of your own, `{function: metrics.py:enrichment, greater_is_better: true}`,
gets the labels of the test rows, then what one network predicts. For classes that is
`labels[rows]`, numbers from 0 in the order of the classes, and their probabilities
`[rows, classes]`; for numbers `labels[rows]` and `[rows]`, in the label's units. It
also gets the best constant prediction; where that has no value, means have no interval.
"""

# How the page calls the entries of a group whose keys are names.
ENTRIES = {"problems": "PROBLEM", "variants": "VARIANT", "studies": "STUDY"}

# Groups that stand at several places, and the one that describes their keys.
SAME_KEYS = {"training": "training", "pretraining": "training", "network": "network"}


def reference() -> str:
    """Return the page as Markdown."""
    return "\n".join([INTRODUCTION, *_sections("", config_schema()), *_metrics()])


def _metrics() -> Iterator[str]:
    """Yield the section on metrics."""
    yield METRICS_INTRODUCTION
    yield "| task | metric | what it is | a perfect network's | the worst | classes |"
    yield "| --- | --- | --- | --: | --: | --- |"
    for task, metrics in METRICS.items():
        for metric in metrics.values():
            classes = "two" if metric.two_classes else "any"
            if not TASKS[task].has_classes:
                classes = ""
            default = " (the default)" if metric.history == "score" else ""
            yield (
                f"| {task} | `{metric.name}`{default} | {metric.words} | "
                f"{metric.best:g} | {_bound(metric.worst)} | {classes} |"
            )
    yield ""


def _bound(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "no bound"


def _sections(path: str, group: Schema) -> Iterator[str]:
    """Yield the section of a group of keys and those of the groups within it."""
    yield f"## {f'`{path}`' if path else 'At the top level'}\n"
    yield group["description"] + "\n"
    top = SAME_KEYS.get(path.rpartition(".")[2], path)
    if path != top:
        yield f"It has the keys of [`{top}`](#{top}).\n"
        return
    yield from _table(group)
    for key, value in group["properties"].items():
        here = f"{path}.{key}".lstrip(".")
        if "properties" in value:
            yield from _sections(here, value)
        elif key in ENTRIES and value.get("type") == "object":
            named = value["additionalProperties"]
            yield from _sections(f"{here}.{ENTRIES[key]}", named)
        elif "properties" in value.get("items", {}):
            yield from _sections(f"{here}[…]", value["items"])


def _table(group: Schema) -> Iterator[str]:
    """Yield the rows of a group's own keys."""
    yield "| key | what it is | allowed | default |"
    yield "| --- | --- | --- | --- |"
    required = group.get("required", [])
    for key, value in group["properties"].items():
        default = "*required*" if key in required else _default(value)
        yield f"| `{key}` | {value['description']} | {_allowed(value)} | {default} |"
    yield ""


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
        ROOT / "config" / "README.md": "\n".join(
            [IN_THE_CATALOG, *_table(config_schema())]
        ),
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
