"""A first config for a table: what can be seen in its columns, and what is assumed."""

import itertools
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from thaw.data import EACH, SEPARATORS
from thaw.data.checks import MOSTLY, are_measured, doubts
from thaw.data.tables import (
    DECIMAL_COMMA,
    Table,
    as_text,
    choose,
    complete,
    missing_in,
    read_rows,
    require_columns,
    separator_in,
)
from thaw.errors import ThawError, listed

HIDDEN = (16, 16)
EPOCHS = 100
REPEATS = 2

# Of classes and of numbers, whether a label is one.
RATES: Mapping[bool, Mapping[str, Any]] = {
    False: {"learning_rate": 0.05},
    True: {"optimizer": "adam", "learning_rate": 0.01},
}

# A column with at most so many values may name groups of rows.
MOST_GROUPS = 20
FEWEST_IN_GROUP = 20

# A column that lacks a larger share of its values is dropped; of another one, the rows.
MOST_MISSING = 0.2

# Numbers of train rows to learn from; so many are taken, and none beyond half of them.
SIZES = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
MOST_SIZES = 3

# As many source models as are trained in so many minutes, at so many multiplications a
# second and with so many seconds for each job to start: those of a usual core.
SOURCE_MODELS = (150, 60, 30, 10)
MINUTES = 10
MULTIPLICATIONS_A_SECOND = 1e9
SECONDS_A_JOB = 2

# The share of a label's standard deviation that counts as a difference.
MARGIN = 0.05


# A whole number, and one with commas between its thousands.
WHOLE = r"[-+]?\d+"
THOUSANDS = r"[-+]?[1-9]\d{0,2}(?:,\d{3})+"


CONFIG = """\
# Written by `thaw init`, from what it saw in the tables. Change what you like and run
# again: only what depends on it reruns. docs/config.md says what each key may hold.
seed: 1  # every random number follows from it
network: {network}
training: {training}

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

studies:
  {study}:
    source: {source}
    target: {target}
    variants: ladder  # from scratch; from the source, with 0, 1 or 2 layers frozen
    target_sizes: {sizes}  # train rows to learn from
    source_models: {source_models}
    repeats: {repeats}  # from each of them
    margin: {margin}  # the smallest difference that matters to you
"""


def name_of(text: str, default: str) -> str:
    """Return a name made of any text; the default if it holds no letter or digit."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    # Short enough for a study to be called from-NAME.
    return name[:90].rstrip("-") or default


class Rows(NamedTuple):
    """Rows of a file: those with a value in a column, or all.

    written: the keys of a problem that say how the file is written.
    """

    path: Path
    where: Mapping[str, str]
    written: Mapping[str, str] = {}

    def called(self, role: str) -> str:
        """Return a name for a problem of these rows; that of its role if need be."""
        return name_of("-".join(self.where.values()) or self.path.stem, role)


class Draft(NamedTuple):
    """A study of two tables with the same label, as a config describes it.

    names, rows, columns: of the source and the target. drop: which columns are no
    features, and why. missing: how many rows of each lack a value; empty if none
    does. minutes: what it takes on one core.
    """

    label: str
    regression: bool
    names: tuple[str, str]
    rows: tuple[Rows, Rows]
    columns: tuple[Sequence[str], Sequence[str]]
    drop: Mapping[str, str]
    missing: tuple[str, str]
    categorical: Sequence[str]
    margin: float
    sizes: Sequence[int | str]
    source_models: int
    batch_size: int
    minutes: int

    @property
    def is_split_anew(self) -> bool:
        """Whether the answer covers other splits: one file holds all rows."""
        return self.rows[0].path == self.rows[1].path and self.source_models > 1

    def config(self, folder: Path) -> str:
        """Return the config as it stands in a folder, relative to which paths are."""
        source, target = self.names
        training = {"epochs": EPOCHS, "batch_size": self.batch_size}
        training |= RATES[self.regression]
        return CONFIG.format(
            network=_yaml({"hidden": [*HIDDEN]}),
            training=_yaml(training),
            # YAML reads some names as true or as numbers.
            source=_yaml(source),
            target=_yaml(target),
            study=f"from-{source}",
            of_source="\n    ".join(self._problem(0, folder)),
            of_target="\n    ".join(self._problem(1, folder)),
            shuffle="each  # each source model gets another half"
            if self.is_split_anew
            else "1  # rows are drawn, with this seed",
            shuffle_target=EACH if self.is_split_anew else 1,
            sizes=_yaml([*self.sizes]),
            source_models=self.source_models,
            repeats=REPEATS,
            margin=f"{self.margin:g}",
        )

    def _problem(self, role: int, folder: Path) -> Iterator[str]:
        """Yield the keys of a problem that follow from its table."""
        rows = self.rows[role]
        drop = [name for name in self.drop if name in self.columns[role]]
        yield f"file: {_yaml(_relative(rows.path, folder))}"
        for key, value in rows.written.items():
            yield f"{key}: {_yaml(value)}  # as the file is written"
        if rows.where:
            yield f"rows: {_yaml(dict(rows.where))}  # only these"
        yield f"label: {_yaml(self.label)}  # the column to predict"
        if self.regression:
            yield "task: regression  # the label is a number; unit: K would name a unit"
        if drop:
            yield f"drop: {_yaml(drop)}  # columns that are no features"
        if self.missing[role]:
            yield f"missing: {{drop: rows}}  # {self.missing[role]}"
        if self.categorical:
            yield f"categorical: {_yaml([*self.categorical])}  # a column for each word"

    def assumed(self) -> Iterator[str]:
        """Yield in words what was assumed, a line each."""
        source, target = self.names
        for path, written in {rows.path: rows.written for rows in self.rows}.items():
            if written:
                how = ", ".join(f"{key} {mark!r}" for key, mark in written.items())
                yield f"{path} is read with {how}"
        kind = "a number (task: regression)" if self.regression else "a class"
        yield f"source models learn {source}; the question is about {target}"
        yield f"{self.label} is {kind}; a difference of {self.margin:g} matters"
        for column, why in self.drop.items():
            yield f"{column} is no feature: it {why}"
        for name, words in zip(self.names, self.missing, strict=True):
            if words:
                yield f"left out of {name} because of missing values: {words}"
        if self.categorical:
            yield f"one-hot encoded: {listed(self.categorical)}"
        drawn = "anew for each source model" if self.is_split_anew else "with a seed"
        yield f"half of the rows, drawn {drawn}, are the train set, the others test"
        yield f"features are scaled by the train rows of {source}"
        yield (
            f"{self.source_models} source models, {REPEATS} repeats of each, from "
            f"{listed(self.sizes)} train rows; about {self.minutes} min of one core"
        )


def draft(label: str, source: Rows, target: Rows) -> Draft:
    """Return a study of what is to be learned in the rows of `target` from `source`.

    Raises `ThawError` if a file cannot be read as a table, or has no such column.
    """
    source, target = (
        rows._replace(written=how_written(rows.path)) for rows in (source, target)
    )
    tables = [_table(label, rows) for rows in (source, target)]
    regression = any(are_measured(table.labels) for table in tables)
    columns = [list(table.features) for table in tables]
    drop = _dropped(tables)
    tables = [
        choose(table, {"drop": [name for name in drop if name in table.features]})
        for table in tables
    ]
    gaps = [table.features.isna().any(axis=None) for table in tables]
    missing = [
        missing_in([t]) if has else "" for t, has in zip(tables, gaps, strict=True)
    ]
    tables = [*map(complete, tables)]
    left = [name for name in tables[1].features if name not in drop]
    words = [name for name in left if any(_is_text(t.features[name]) for t in tables)]
    categories = {str(v) for t in tables for name in words for v in t.features[name]}
    learned, rows = (len(table.labels) // 2 for table in tables)
    outputs = 1 if regression else tables[1].labels.nunique()
    sizes = _sizes(rows, outputs)
    widths = [len(left) + len(categories), *HIDDEN, outputs]
    models, minutes = _source_models(widths, learned, [*sizes, rows])
    names = source.called("source"), target.called("target")
    margin = 0.02
    if regression:
        spread = pd.to_numeric(tables[1].labels, errors="coerce").std()
        margin = float(f"{MARGIN * spread:.0e}") or MARGIN
    return Draft(
        label=label,
        regression=regression,
        names=names if names[0] != names[1] else ("source", "target"),
        rows=(source, target),
        columns=(columns[0], columns[1]),
        drop=drop,
        missing=(missing[0], missing[1]),
        categorical=words,
        margin=margin,
        sizes=[*sizes, "all"],
        source_models=models,
        batch_size=16 if learned < 2_000 else 64,
        minutes=minutes,
    )


def other_group(path: Path, column: str, value: str) -> tuple[str, list[str]]:
    """Return the largest group of rows with another value in a column, and the rest."""
    frame = _read(path, {column}, {}, how_written(path))
    counts = as_text(frame[column]).value_counts()
    if value not in counts:
        raise ThawError(
            f"{path}: no row has {value!r} in the column {column}. It has "
            f"{listed(counts.index)}"
        )
    values = [name for name in counts.index if name != value]
    if not values:
        raise ThawError(f"{path}: all rows have {value!r} in the column {column}")
    return values[0], values[1:]


def groups(path: Path, label: str) -> Iterator[str]:
    """Yield each column that forms groups, one of which could be a source."""
    frame = _read(path, {label}, {}, how_written(path))
    for name in frame.columns.drop(label):
        column = frame[name].dropna()
        counts = as_text(column).value_counts()
        large = (counts >= FEWEST_IN_GROUP).sum()
        whole = _is_text(column) or pd.api.types.is_integer_dtype(column)
        if whole and large > 1 and len(counts) <= MOST_GROUPS:
            yield f"{name} ({', '.join(f'{v} {n}' for v, n in counts.items())})"


def _read(
    path: Path, text: set[str], where: Mapping[str, str], written: Mapping[str, str]
) -> pd.DataFrame:
    """Read a table's rows; raises `ThawError` if it lacks a column of `text`."""
    frame = read_rows(path, text, where, **written)
    require_columns(str(path), frame.columns, {"the command": text})
    return frame


def how_written(path: Path) -> dict[str, str]:
    """Return the keys that say how a text file is written, if it is not as usual.

    Raises `ThawError` if the file cannot be read.
    """
    if path.suffix not in SEPARATORS:
        return {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            mark = separator_in(lines.readline())
    except (OSError, ValueError) as error:
        raise ThawError(f"{path}: cannot be read as csv: {error}") from error
    keys = {} if mark == SEPARATORS[path.suffix] else {"separator": mark}
    frame = read_rows(path, (), {}, **keys)
    if any(_has_commas(frame[name]) for name in frame):
        keys["decimal"] = ","
    return keys


def _has_commas(column: pd.Series) -> bool:
    """Whether a column of text holds numbers with decimal commas."""
    texts = column.dropna()
    if pd.api.types.is_numeric_dtype(texts) or texts.empty:
        return False
    texts = texts.astype(str)
    commas = texts.str.fullmatch(DECIMAL_COMMA)
    numbers = commas | texts.str.fullmatch(WHOLE)
    thousands = texts[commas].str.fullmatch(THOUSANDS)
    return bool(numbers.mean() > MOSTLY and not thousands.all())


def _table(label: str, rows: Rows) -> Table:
    frame = _read(rows.path, {label}, rows.where, rows.written)
    features = frame.drop(columns=[label, *rows.where])
    return Table(features, frame[label], None, str(rows.path), named=True)


def _is_text(column: pd.Series) -> bool:
    """Whether a column holds words, not numbers with a slip of the pen among them."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    numbers = pd.to_numeric(column.dropna().astype(str), errors="coerce")
    return len(numbers) > 0 and numbers.notna().mean() <= MOSTLY


def _dropped(tables: Sequence[Table]) -> dict[str, str]:
    """Return which columns are no features, and why."""
    reasons: dict[str, str] = {}
    for table, other in (tables, tables[::-1]):
        words = [name for name in table.features if _is_text(table.features[name])]
        reasons |= dict(doubts(table, words))
        for name, column in table.features.items():
            if name not in other.features:
                reasons[name] = "is in one of the two only"
            elif pd.api.types.is_datetime64_any_dtype(column):
                reasons[name] = "holds dates"
            elif (missing := column.isna()).mean() > MOST_MISSING:
                rows = f"{missing.sum():,} of {len(column):,} rows"
                reasons[name] = f"is missing in {rows} of one of the two"
            elif column.nunique() == 1:
                value = column.dropna().iloc[0]
                reasons[name] = f"is {value} in all rows of one of the two"
    return reasons


def _sizes(rows: int, classes: int) -> list[int]:
    """Return numbers of train rows, a few between the fewest and half of them."""
    known = [size for size in SIZES if 2 * classes <= size <= rows / 2]
    step = max(1, math.ceil(len(known) / MOST_SIZES))
    return known[::step]


def _source_models(
    widths: Sequence[int], learned: int, sizes: Sequence[int]
) -> tuple[int, int]:
    """Return how many source models, and how many minutes of a core it all takes.

    learned: the rows of which source models learn. sizes: those of repeats.
    """
    variants = 2 + len(HIDDEN)
    rows = learned + REPEATS * variants * sum(sizes)
    weights = sum((before + 1) * after for before, after in itertools.pairwise(widths))
    seconds = 3 * EPOCHS * weights * rows / MULTIPLICATIONS_A_SECOND
    for models in SOURCE_MODELS:
        jobs = 10 + variants * len(sizes) * math.ceil(models / 50)
        minutes = math.ceil((models * seconds + jobs * SECONDS_A_JOB) / 60)
        if minutes <= MINUTES:
            break
    return models, minutes


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
