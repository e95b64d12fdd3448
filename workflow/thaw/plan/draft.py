"""A first config for a table: what can be seen in its columns, and what is assumed."""

import itertools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from thaw.data import EACH
from thaw.data.checks import are_measured
from thaw.data.tables import choose, complete, missing_in
from thaw.errors import listed
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
NARROW, WIDE = (16, 16), (64, 32)
MANY_ROWS = 300

# As strong as any other training that was tried on six data sets, and stronger than
# rates tuned on a fifth of the train rows, which a network with few rows cannot spare.
TRAINING = {"epochs": 100, "batch_size": 16, "optimizer": "adam"}
# Of numbers to predict, and of classes, which few rows teach in few steps.
RATES = {True: 0.001, False: 0.003}
LARGE_BATCH, FROM_ROWS = 64, 2_000
REPEATS = 2
VARIANTS = 4  # of the ladder, with two hidden layers

# No networks, to judge networks by; for numbers to predict, and for classes. Each is a
# name in scikit-learn, with its arguments.
ESTIMATORS: Mapping[bool, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    True: {
        "ridge": ("linear_model.RidgeCV", {"alphas": [0.1, 0.3, 1, 3, 10, 30, 100]}),
        "forest": ("ensemble.RandomForestRegressor", {"n_estimators": 50}),
    },
    False: {
        "logistic": ("linear_model.LogisticRegression", {"max_iter": 1000}),
        "forest": ("ensemble.RandomForestClassifier", {"n_estimators": 50}),
    },
}

# Numbers of train rows to learn from; so many are taken, and none beyond half of them.
SIZES = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
MOST_SIZES = 2

# As many source models as a usual core trains in so many minutes, with so many seconds
# for each job to start. Fewer than the last would allow no verdict. The time of a fit
# was measured with 10 to 100 features and 20 to 5,000 rows.
SOURCE_MODELS = (150, 60, 30, 20)
MINUTES = 3
SECONDS_A_JOB = 1.5

# The share of a label's standard deviation that counts as a difference.
MARGIN = 0.05


CONFIG = """\
# Written by `thaw init`, from what it saw in the tables. Change what you like and run
# again: only what depends on it reruns. docs/config.md says what each key may hold.
seed: 1  # every random number follows from it
network: {network}
training: {training}
# To tune, learning_rate: [0.001, 0.003, 0.01] and validation_size: 0.2. Each network
# keeps the rate that is best on a fifth of its train rows, and learns from the others;
# with few rows, that costs more than it brings.

problems:
  {source}:
    {of_source}
    train_size: 0.5  # of these rows; the others are the test set
    shuffle: {shuffle}
    scale: standard  # by mean and standard deviation of the train rows
  {target}:
    {of_target}
    train_size: 0.5
    shuffle: {shuffle_target}
    scale: {{like: {source}}}  # as what the source models have seen

# No networks, to judge these by: they learn from the same rows.
variants:
  {estimators}

studies:
  {study}:
    source: {source}
    target: {target}
    # ladder: from scratch; from the source, with 0, 1 or 2 layers frozen
    variants: {variants}
    target_sizes: {sizes}  # train rows to learn from
    source_models: {source_models}
    repeats: {repeats}  # from each of them
    margin: {margin}  # the smallest difference that matters to you
"""


class Side(NamedTuple):
    """The source or the target, as its table shows it.

    group: the column whose rows stay together, or "". drop: the columns that are no
    features. missing: how many rows lack a value, in words; "" if none does.
    """

    name: str
    rows: Rows
    label: str
    group: str
    drop: Sequence[str]
    missing: str
    train_size: int


class Draft(NamedTuple):
    """A study of two tables, as a config describes it.

    reasons: why each column that is dropped is no feature. shared: how many rows of the
    target are of someone in the source, by the column that says so. keeps_output:
    whether the target's networks start with the source model's output layer. widths:
    of features, hidden layers and outputs.
    """

    source: Side
    target: Side
    regression: bool
    reasons: Mapping[str, str]
    shared: Mapping[str, int]
    categorical: Sequence[str]
    keeps_output: bool
    margin: float
    sizes: Sequence[int | str]
    widths: Sequence[int]
    training: Mapping[str, Any]
    source_models: int = 0

    @property
    def is_split_anew(self) -> bool:
        """Whether the answer covers other splits: one file holds all rows."""
        paths = {side.rows.path for side in (self.source, self.target)}
        return len(paths) == 1 and self.source_models > 1

    def config(self, folder: Path) -> str:
        """Return the config as it stands in a folder, relative to which paths are."""
        estimators = {
            name: {"estimator": f"sklearn.{function}", "arguments": arguments}
            for name, (function, arguments) in ESTIMATORS[self.regression].items()
        }
        return CONFIG.format(
            network=_yaml({"hidden": [*self.widths[1:-1]]}),
            training=_yaml(dict(self.training)),
            estimators="\n  ".join(f"{n}: {_yaml(v)}" for n, v in estimators.items()),
            variants=_yaml(["ladder", *estimators]),
            # YAML reads some names as true or as numbers.
            source=_yaml(self.source.name),
            target=_yaml(self.target.name),
            study=f"from-{self.source.name}",
            of_source="\n    ".join(self._problem(self.source, folder)),
            of_target="\n    ".join(self._problem(self.target, folder)),
            shuffle="each  # each source model gets another half"
            if self.is_split_anew
            else "1  # rows are drawn, with this seed",
            shuffle_target=EACH if self.is_split_anew else 1,
            sizes=_yaml([*self.sizes]),
            source_models=self.source_models,
            repeats=REPEATS,
            margin=f"{self.margin:g}",
        )

    def _problem(self, side: Side, folder: Path) -> Iterator[str]:
        """Yield the keys of a problem that follow from its table."""
        yield f"file: {_yaml(_relative(side.rows.path, folder))}"
        for key, value in side.rows.written.items():
            yield f"{key}: {_yaml(value)}  # as the file is written"
        if side.rows.where:
            yield f"rows: {_yaml(dict(side.rows.where))}  # only these"
        yield f"label: {_yaml(side.label)}  # the column to predict"
        if self.regression:
            yield "task: regression  # the label is a number; unit: K would name a unit"
        if group := side.group:
            yield f"group: {_yaml(group)}  # its rows stay on one side of the split"
        if side.drop:
            yield f"drop: {_yaml(side.drop)}  # columns that are no features"
        if side.missing:
            yield f"missing: {{drop: rows}}  # {side.missing}"
            yield "# Or {fill: median}, which takes what the train rows have."
        if self.categorical:
            yield f"categorical: {_yaml(self.categorical)}  # a column for each word"

    @property
    def seconds_a_row(self) -> float:
        """The seconds of a usual core for each row that a network learns from."""
        pairs = itertools.pairwise(self.widths)
        weights = sum((before + 1) * after for before, after in pairs)
        return self.training["epochs"] * (1e-6 + 1e-9 * weights)

    def minutes(self, seconds_a_row: float, source_models: int) -> int:
        """Return the CPU minutes of so many source models and all that starts there."""
        seconds = seconds_a_row * self.source.train_size
        for size in self.sizes:
            rows = self.target.train_size if isinstance(size, str) else size
            of_estimators = 0.05 * len(ESTIMATORS[self.regression]) * max(1, rows / 500)
            seconds += REPEATS * (VARIANTS * seconds_a_row * rows + of_estimators)
        jobs = 15 + self.arms * (2 if source_models <= 30 else 3)
        return math.ceil((source_models * seconds + jobs * SECONDS_A_JOB) / 60)

    def assumed(self, seconds_a_row: float) -> Iterator[str]:
        """Yield in words what was assumed, a line each.

        `seconds_a_row` are those of this machine.
        """
        sides = source, target = self.source, self.target
        for path, written in {s.rows.path: s.rows.written for s in sides}.items():
            if written:
                how = ", ".join(f"{key} {mark!r}" for key, mark in written.items())
                yield f"{path} is read with {how}"
        kind = "a number (task: regression)" if self.regression else "a class"
        yield f"source models learn {source.name}; the question is about {target.name}"
        yield f"{target.label} is {kind}; a difference of {self.margin:g} matters"
        if self.keeps_output:
            yield "transferred networks start with the source models' output layer, too"
        else:
            yield (
                "transferred networks draw their output layer anew, because the labels "
                "differ; inherit: output in a variant keeps it"
            )
        for group in dict.fromkeys(side.group for side in sides if side.group):
            yield f"{group} repeats: rows with the same one stay together (group)"
        for column, count in self.shared.items():
            yield (
                f"beware: {count:,} rows of {target.name} have a {column} that "
                f"{source.name} has, too: if these are the same samples, leave them "
                "out of the source"
            )
        for column, why in self.reasons.items():
            yield f"{column} is no feature: it {why}"
        for side in sides:
            if words := side.missing:
                yield f"left out of {side.name} because of missing values: {words}"
        if self.categorical:
            yield f"one-hot encoded: {listed(self.categorical)}"
        drawn = "anew for each source model" if self.is_split_anew else "with a seed"
        yield f"half of the rows, drawn {drawn}, are the train set, the others test"
        yield f"features are scaled by the train rows of {source.name}"
        fits = self.source_models * (1 + REPEATS * self.arms)
        yield (
            f"{self.source_models} source models, {REPEATS} repeats of each, from "
            f"{listed(self.sizes)} train rows: {fits:,} fits, about "
            f"{self.minutes(seconds_a_row, self.source_models)} min of one core"
        )

    @property
    def arms(self) -> int:
        """How many variants there are, at all target sizes together."""
        return (VARIANTS + len(ESTIMATORS[self.regression])) * len(self.sizes)


def draft(labels: tuple[str, str], source: Rows, target: Rows) -> Draft:
    """Return a study of what is to be learned in the rows of `target` from `source`.

    labels: the columns to predict, of source and target.
    Raises `ThawError` if a file cannot be read as a table, or has no such column.
    """
    both = [rows._replace(written=how_written(rows.path)) for rows in (source, target)]
    tables = [read_table(*pair) for pair in zip(labels, both, strict=True)]
    regression = any(are_measured(table.labels) for table in tables)
    # The same rows with another label are split alike.
    are_other_rows = (source.path, source.where) != (target.path, target.where)
    shared = rows_of_the_same(tables) if are_other_rows else {}
    reasons = no_features(tables)
    groups = [*map(repeating_column, tables)]
    names = [source.called("source"), target.called("target")]
    if names[0] == names[1]:
        names = ["source", "target"]
    sides = []
    for number, table in enumerate(tables):
        columns, group = [*table.features], groups[number]
        unused = [name for name in columns if name in reasons or name in groups]
        chosen = choose(table, {"drop": unused})
        has_gaps = chosen.features.isna().any(axis=None)
        tables[number] = complete(chosen)
        side = Side(
            name=names[number],
            rows=both[number],
            label=labels[number],
            group=group,
            drop=[name for name in columns if name in reasons and name != group],
            missing=missing_in([chosen]) if has_gaps else "",
            train_size=len(tables[number].labels) // 2,
        )
        sides.append(side)
    dropped = {*sides[0].drop, *sides[1].drop}
    features = tables[1].features
    words = [
        name for name in features if any(is_text(t.features[name]) for t in tables)
    ]
    categories = {str(v) for t in tables for name in words for v in t.features[name]}
    learned, rows = (side.train_size for side in sides)
    outputs = 1 if regression else tables[1].labels.nunique()
    hidden = WIDE if rows >= MANY_ROWS else NARROW
    training = TRAINING | {"learning_rate": RATES[regression]}
    if learned >= FROM_ROWS:
        training["batch_size"] = LARGE_BATCH
    same_classes = regression or {*tables[0].labels} == {*tables[1].labels}
    margin = 0.02
    if regression:
        spread = pd.to_numeric(tables[1].labels, errors="coerce").std()
        margin = float(f"{MARGIN * spread:.0e}") or MARGIN
    drafted = Draft(
        source=sides[0],
        target=sides[1],
        regression=regression,
        reasons={name: why for name, why in reasons.items() if name in dropped},
        shared=shared,
        categorical=words,
        keeps_output=labels[0] == labels[1] and same_classes,
        margin=margin,
        sizes=[*_sizes(rows, outputs), "all"],
        widths=[len(features.columns) + len(categories), *hidden, outputs],
        training=training,
    )
    usual = drafted.seconds_a_row
    affordable = (m for m in SOURCE_MODELS if drafted.minutes(usual, m) <= MINUTES)
    return drafted._replace(source_models=next(affordable, SOURCE_MODELS[-1]))


def _sizes(rows: int, classes: int) -> list[int]:
    """Return numbers of train rows, a few between the fewest and half of them."""
    known = [size for size in SIZES if 2 * classes <= size <= rows / 2]
    step = max(1, math.ceil(len(known) / MOST_SIZES))
    return known[::step]


def _relative(path: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return f"./{relative}" if relative.startswith("-") else relative


def _yaml(value: Any) -> str:
    """Return a value in one line of YAML."""
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        allow_unicode=True,
        width=math.inf,
        sort_keys=False,
    )
    return text.removesuffix("...\n").strip()
