"""Write what follows from the config's models: the schema for editors, pages of keys.

Run it after a change to the models: `python docs/reference.py`.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from thaw.config.config import Config
from thaw.config.network import NETWORKS
from thaw.findings.metrics import METRICS
from thaw.learning.tasks import TASKS

ROOT = Path(__file__).parents[1]

INTRODUCTION = """\
# What a config may hold

Every key, by group. A key that is not listed is an error, so a typing error is found.
Names in capitals stand for names of your own. `config.yaml` shows all of it in use.

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

Schema = dict[str, Any]

# Groups of keys: their places, and their models, several where they have kinds.
GROUPS = {
    "network": [kind.__name__ for kind in reversed(NETWORKS.values())],
    "training": ["Training"],
    "problems.PROBLEM": ["OfFile", "OfImages", "OfFunction"],
    "problems.PROBLEM.scale": ["Like"],
    "problems.PROBLEM.missing": ["Missing"],
    "problems.PROBLEM.make_blobs": ["MakeBlobs"],
    "problems.PROBLEM.transforms[…]": ["Transform"],
    "variants.VARIANT": ["Variant", "Estimator"],
    "variants.VARIANT.phases[…]": ["Phase"],
    "studies.STUDY": ["Study"],
    "studies.STUDY.source_models": ["SourceFiles"],
    "studies.STUDY.metric[…]": ["UsersMetric"],
}

# Keys that need not stand where the filled-in config has them.
FILLED_IN = {"seed", "network", "training", "pretraining"}


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


def config_schema() -> Schema:
    """Return the schema of a config as people write it."""
    schema = Config.model_json_schema(schema_generator=_Generator)
    schema["required"].remove("pretraining")
    for group in schema["$defs"].values():
        required = {*group.get("required", [])} - FILLED_IN
        group["required"] = sorted(required)
    return schema


def for_editors() -> Schema:
    """Return the schema in which a study may change single keys of what it shares."""
    schema = config_schema()
    for name in (*GROUPS["network"], *GROUPS["training"]):
        del schema["$defs"][name]["required"]
    return schema


def reference() -> str:
    """Return the page as Markdown."""
    schema = config_schema()
    lines = [INTRODUCTION, "## At the top level\n", *_table([schema])]
    for place, names in GROUPS.items():
        groups = [schema["$defs"][name] for name in names]
        words = " ".join(map(_in_a_line, groups))
        lines += [f"## `{place}`\n", words, "", *_table(groups)]
    return "\n".join([*lines, *_metrics()])


def _in_a_line(value: Schema) -> str:
    return " ".join(value["description"].split())


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


def _table(kinds: list[Schema]) -> Iterator[str]:
    """Yield a row for each key of a group, last those that all its kinds have."""
    yield "| key | what it is | allowed | default |"
    yield "| --- | --- | --- | --- |"
    keys = {key: value for kind in kinds for key, value in kind["properties"].items()}
    shared = {key for key in keys if all(key in kind["properties"] for kind in kinds)}
    for key in sorted(keys, key=lambda key: len(kinds) > 1 and key in shared):
        value = keys[key]
        default = f"`{json.dumps(value['default'])}`" if "default" in value else ""
        if all(key in kind["required"] for kind in kinds):
            default = "*required*"
        yield f"| `{key}` | {_in_a_line(value)} | {_allowed(value)} | {default} |"
    yield ""


def _allowed(value: Schema) -> str:
    """Say which values a schema allows."""
    for union in ("anyOf", "oneOf"):
        if union in value:
            return " or ".join(dict.fromkeys(map(_allowed, value[union])))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{name}`" for name in value["enum"])
    match value.get("type"):
        case None:
            return "group of keys"
        case "integer":
            return ", ".join(["whole number", *_bounds(value)])
        case "number":
            return ", ".join(["number", *_bounds(value)])
        case "boolean":
            return "`true` or `false`"
        case "array":
            return f"list: {_allowed(value['items'])}"
        case "object":
            by_pattern = value.get("patternProperties", {})
            values = [*by_pattern.values(), value.get("additionalProperties")]
            allowed = _allowed(values[0])
            return "values, by name" if " or " in allowed else f"by name: {allowed}"
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
    schema = json.dumps(for_editors(), indent=2, ensure_ascii=False)
    return {
        ROOT / "workflow" / "schemas" / "config.schema.json": schema + "\n",
        ROOT / "docs" / "config.md": reference(),
        ROOT / "config" / "README.md": "\n".join(
            [IN_THE_CATALOG, *_table([config_schema()])]
        ),
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
