"""A first config for a table: what can be seen in its columns, and what is assumed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from thaw.data import EACH, WRITTEN
from thaw.data.checks import are_measured
from thaw.data.tables import choose, complete, missing_in
from thaw.errors import listed, visible
from thaw.plan.columns import (
    Rows,
    how_written,
    is_text,
    no_features,
    read_table,
    repeating_column,
    rows_of_the_same,
)

# Hidden layers, with few train rows and with many.
NARROW, WIDE = [16, 16], [64, 32]
MANY_ROWS = 300

# As strong as any other training that was tried on six data sets, and stronger than
# rates tuned on a fifth of the train rows, which a network with few rows cannot spare.
TRAINING = {"epochs": 100, "batch_size": 16, "optimizer": "adam"}
# Of numbers to predict, and of classes, which few rows teach in few steps.
RATES = {True: 0.001, False: 0.003}
REPEATS = 2
VARIANTS = 4  # of the ladder, with two hidden layers

# With so many train rows of the source, fits take long. Fewer source models than the
# second number would allow no verdict.
LARGE, LARGE_BATCH = 2_000, 64
SOURCE_MODELS = {False: 60, True: 20}

# No networks, to judge networks by; for numbers to predict, and for classes.
RIDGE = {"alphas": [0.1, 0.3, 1, 3, 10, 30, 100]}
ESTIMATORS: dict[bool, dict[str, tuple[str, dict[str, Any]]]] = {
    True: {
        "ridge": ("sklearn.linear_model.RidgeCV", RIDGE),
        "forest": ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 50}),
    },
    False: {
        "logistic": ("sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
        "forest": ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 50}),
    },
}

# Numbers of train rows to learn from, some of which are taken.
SIZES = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)

# Seconds for a job to start, and for an estimator to learn.
SECONDS_A_JOB, SECONDS_OF_ESTIMATOR = 1.5, 0.05

# The share of a label's standard deviation that counts as a difference.
MARGIN = 0.05

HEADER = """\
# Written by `thaw init`. Change what you like and run again: only what depends on it
# reruns. docs/config.md says what each key may hold. This assumes:
"""


class Draft(NamedTuple):
    """A study of two tables, as a config describes it.

    config: with paths from the working directory. assumed: in words, a line each.
    widths: of features, hidden layers and outputs. rows: the train rows of source and
    target.
    """

    config: dict[str, Any]
    assumed: list[str]
    widths: list[int]
    rows: list[int]

    def written(self, folder: Path) -> str:
        """Return the config as it stands in a folder, relative to which paths are."""
        problems = {
            name: problem | {"file": _path(Path(problem["file"]), folder)}
            for name, problem in self.config["problems"].items()
        }
        text = yaml.safe_dump(
            self.config | {"problems": problems},
            default_flow_style=None,
            allow_unicode=True,
            width=1_000,
            sort_keys=False,
        )
        lines = "\n".join(f"#   {visible(line)}" for line in self.assumed)
        return f"{HEADER}{lines}\n\n{text}"

    def cost(self, seconds_a_row: float) -> str:
        """Return how many fits there are, and how long they take, in words.

        seconds_a_row: of this machine, for each row that a network learns from.
        """
        (study,) = self.config["studies"].values()
        sizes, models = study["target_sizes"], study["source_models"]
        source, target = self.rows
        rows = [target if size == "all" else size for size in sizes]
        of_networks = seconds_a_row * (source + REPEATS * VARIANTS * sum(rows))
        estimators = len(self.config["variants"])
        arms = (VARIANTS + estimators) * len(sizes)
        of_estimators = SECONDS_OF_ESTIMATOR * REPEATS * estimators * len(sizes)
        seconds = models * (of_networks + of_estimators) + 3 * arms * SECONDS_A_JOB
        return (
            f"{models} source models, {REPEATS} repeats of each, from {listed(sizes)} "
            f"train rows: {models * (1 + REPEATS * arms):,} fits, about "
            f"{1 + int(seconds / 60)} min of one core"
        )


def draft(labels: tuple[str, str], source: Rows, target: Rows) -> Draft:
    """Return a study of what is to be learned in the rows of `target` from `source`.

    labels: the columns to predict, of source and target.
    Raises `ThawError` if a file cannot be read as a table, or has no such column.
    """
    both = [rows._replace(written=how_written(rows.path)) for rows in (source, target)]
    tables = [read_table(*pair) for pair in zip(labels, both, strict=True)]
    regression = any(are_measured(table.labels) for table in tables)
    names = [source.called("source"), target.called("target")]
    if names[0] == names[1]:
        names = ["source", "target"]
    notes = []
    # The same rows with another label are split alike.
    if (source.path, source.where) != (target.path, target.where):
        notes = [
            f"beware: {count:,} rows of {names[1]} have a {column} that {names[0]} "
            "has, too: if these are the same samples, leave them out of the source"
            for column, count in rows_of_the_same(tables).items()
        ]
    reasons = no_features(tables)
    groups = [*map(repeating_column, tables)]
    problems: dict[str, dict[str, Any]] = {}
    for number, (name, table) in enumerate(zip(names, tables, strict=True)):
        rows, group = both[number], groups[number]
        unused = [n for n in table.features if n in reasons or n in groups]
        chosen = choose(table, {"drop": unused})
        tables[number] = complete(chosen)
        problems[name] = {
            "file": _path(rows.path, Path()),
            **rows.written,
            "rows": dict(rows.where),
            "label": labels[number],
            "task": "regression" if regression else "",
            "group": group,
            "drop": [n for n in table.features if n in reasons and n != group],
        }
        if chosen.features.isna().any(axis=None):
            problems[name]["missing"] = {"drop": "rows"}
            lost = missing_in([chosen])
            notes.append(f"rows of {name} with missing values are left out: {lost}")
    dropped = {name for problem in problems.values() for name in problem["drop"]}
    notes += [
        f"{n} is no feature: it {why}" for n, why in reasons.items() if n in dropped
    ]
    frames = [table.features for table in tables]
    words = [
        name for name in frames[1] if any(is_text(frame[name]) for frame in frames)
    ]
    counts = [len(table.labels) // 2 for table in tables]
    for name, scale in zip(names, ("standard", {"like": names[0]}), strict=True):
        problem = problems[name] | {"categorical": [*words], "train_size": 0.5}
        # If all rows are in one file, the answer can cover other splits.
        problem["shuffle"] = EACH if source.path == target.path else 1
        problem["scale"] = scale
        problems[name] = {key: value for key, value in problem.items() if value}
    classes = [{*table.labels} for table in tables]
    outputs = 1 if regression else len(classes[1])
    config = _config(problems, counts, outputs)
    (study,) = config["studies"].values()
    if regression:
        spread = pd.to_numeric(tables[1].labels, errors="coerce").std()
        study["margin"] = float(f"{MARGIN * spread:.0e}") or MARGIN
    keeps_output = labels[0] == labels[1] and (regression or classes[0] == classes[1])
    categories = {str(v) for frame in frames for name in words for v in frame[name]}
    widths = [len(frames[1].columns) + len(categories), *config["network"]["hidden"]]
    assumed = [*dict.fromkeys([*_assumed(config, keeps_output), *notes])]
    return Draft(config, assumed, [*widths, outputs], counts)


def _config(
    problems: Mapping[str, Any], counts: Sequence[int], outputs: int
) -> dict[str, Any]:
    """Return a config for a source and a target with so many train rows.

    outputs: of the target's networks.
    """
    source, target = problems
    regression, is_large = "task" in problems[target], counts[0] >= LARGE
    training = TRAINING | {"learning_rate": RATES[regression]}
    estimators = ESTIMATORS[regression]
    return {
        "seed": 1,
        "network": {"hidden": WIDE if counts[1] >= MANY_ROWS else NARROW},
        "training": training | ({"batch_size": LARGE_BATCH} if is_large else {}),
        "problems": problems,
        "variants": {
            name: {"estimator": function, "arguments": arguments}
            for name, (function, arguments) in estimators.items()
        },
        "studies": {
            f"from-{source}": {
                "source": source,
                "target": target,
                "variants": ["ladder", *estimators],
                "target_sizes": [*_sizes(counts[1], outputs), "all"],
                "source_models": SOURCE_MODELS[is_large],
                "repeats": REPEATS,
                "margin": 0.02,
            }
        },
    }


def _assumed(config: Mapping[str, Any], keeps_output: bool) -> Iterator[str]:
    """Yield in words what a config assumes, a line each."""
    ((source, _), (target, problem)) = config["problems"].items()
    (study,) = config["studies"].values()
    kind = "a number (task: regression)" if "task" in problem else "a class"
    yield f"source models learn {source}; the question is about {target}"
    yield f"{problem['label']} is {kind}; a difference of {study['margin']:g} matters"
    if keeps_output:
        yield "transferred networks start with the source models' output layer, too"
    else:
        yield (
            "transferred networks draw their output layer anew, because the labels "
            "differ; inherit: output in a variant keeps it"
        )
    for keys in config["problems"].values():
        if written := keys.keys() & {*WRITTEN}:
            how = ", ".join(f"{key} {keys[key]!r}" for key in sorted(written)[::-1])
            yield f"{keys['file']} is read with {how}"
        if group := keys.get("group"):
            yield f"{group} repeats: rows with the same one stay together (group)"
    if words := problem.get("categorical"):
        yield f"one-hot encoded: {listed(words)}"
    drawn = (
        "anew for each source model" if problem["shuffle"] == EACH else "with a seed"
    )
    yield f"half of the rows, drawn {drawn}, are the train set, the others test"
    yield f"features are scaled by the train rows of {source}"


def _sizes(rows: int, classes: int) -> Sequence[int]:
    """Return up to two numbers of train rows, between the fewest and half of them."""
    known = [size for size in SIZES if 2 * classes <= size <= rows / 2]
    return known[:: max(1, (len(known) + 1) // 2)]


def _path(path: Path, folder: Path) -> str:
    """Return a path from a folder, as a config may name it."""
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return f"./{relative}" if relative.startswith("-") else relative
