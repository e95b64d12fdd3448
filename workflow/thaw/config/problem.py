"""A problem: its data from files, from images or from a function, and its split."""

# ruff: noqa: D102, RUF012 (`Group` explains `mistakes`; pydantic copies defaults)

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from thaw.config.fields import (
    ALTERNATIVES,
    EACH_ONCE,
    LARGEST_NUMBER,
    LEFT_OUT,
    MOST_ROWS,
    PATH,
    Arguments,
    Group,
    OneOf,
    PathName,
    Positive,
    Rows,
    Several,
    SmallSeed,
    Text,
    Value,
    exactly_one,
)
from thaw.config.messages import shown, unreadable
from thaw.data import ARRAYS, CHANNELS, EACH, FILES, SUFFIXES
from thaw.learning.tasks import TASKS

Table = Annotated[
    str,
    Field(pattern=rf"^{PATH}({'|'.join(map(re.escape, SUFFIXES))})$"),
]
# Their values are found when this runs, so no type checker can know them.
Color: Any = Literal[tuple(CHANNELS)]
TaskName: Any = Literal[tuple(TASKS)]
# Latin-1 without controls, Greek, super- and subscripts, currencies: what fonts draw,
# and a cell of a Markdown table holds.
UNIT = r"^[ -{}~¡-¬®-ÿΑ-Ωα-ω‰⁰-₎₠-₵₽℃]+$"
Columns = Annotated[list[Text], EACH_ONCE]
# A whole number is rows; 1.0 is refused, for a share of all leaves no other rows.
RowsOrShare = Annotated[Rows | Annotated[float, Field(gt=0, lt=1)], ALTERNATIVES]


class Like(Group):
    """Another problem's scale."""

    like: str
    """The problem whose train rows decide the scale."""


class _OneKey(Group):
    """A group with one of its keys."""

    def mistakes(self) -> Iterator[str]:
        # A value of 0 is one, too.
        keys = type(self).model_fields
        yield from exactly_one({key: key in self.model_fields_set for key in keys})


class Missing(_OneKey):
    """How to treat missing features: one of these keys."""

    drop: Literal["rows"] = LEFT_OUT
    """rows: rows with a missing feature are left out; how many, the answer says."""
    fill: Literal["median"] = LEFT_OUT
    """median: a missing number becomes the median of the rows that a network learns
    from, in its test rows, too."""


class Transform(_OneKey):
    """A change of the data; an entry of the list names one."""

    noise: Positive = LEFT_OUT
    """The standard deviation of normal noise added to each feature."""
    rotate: Annotated[float, Field(ge=-360, le=360)] = LEFT_OUT
    """By how many degrees to turn images; needs the problem's shape."""
    invert: float = LEFT_OUT
    """Replaces each feature x by this number minus x."""


def _apart(key: str, other: str) -> str:
    """Say that two keys contradict each other."""
    return f"{key}: does not go together with {other}; remove one of them"


class Problem(Group):
    """A problem: its data from a file or from one function, and its split."""

    task: TaskName = "classification"
    """classification: labels are classes; regression: they are numbers, in whose own
    units all results are."""
    unit: Annotated[str, Field(pattern=UNIT, max_length=20)] = LEFT_OUT
    """The unit of labels that are numbers, such as K; it stands in figures and words.
    At most 20 Latin or Greek letters, digits and signs, without |."""
    train_size: RowsOrShare = LEFT_OUT
    """The train set: rows or a share, such as 0.7; without shuffle the first ones."""
    test_size: RowsOrShare = LEFT_OUT
    """The test set: rows or a share; left out, all others."""
    shuffle: Annotated[SmallSeed | Literal["each"], ALTERNATIVES] = LEFT_OUT
    """A seed, 0 to 4294967295, with which rows are drawn, stratified by label; or each:
    each source model and its repeats get a split of their own, so that an answer holds
    for other splits. Left out, rows keep their order."""
    scale: Annotated[Literal["standard"] | Like, ALTERNATIVES] = LEFT_OUT
    """standard: each feature but one-hot columns gets mean 0 and standard deviation 1
    on the train rows; {like: PROBLEM}: on those of another problem. With target sizes,
    a target that says standard is scaled like its source, if it is a single one."""
    overlap: Literal["error"] = LEFT_OUT
    """error: in a study's target, test rows with the same features as train rows of its
    own or of the source are refused. Left out, the answer says how many there are."""
    classes: Annotated[list[Value], EACH_ONCE] = []
    """The classes to keep, in this order; left out, all."""
    transforms: list[Transform] = []
    """Changes of the data, one after the other."""

    @property
    def is_split(self) -> bool:
        """Whether each source model gets a split of its own of the rows."""
        return self.shuffle == EACH

    @property
    def paths(self) -> dict[str, str]:
        """The paths of its files, or of its folder of images, by key."""
        paths = {key: self.get(key) for key in FILES}
        # Snakemake warns of a folder whose path ends with a slash.
        return {key: path.rstrip("/") for key, path in paths.items() if path}

    @property
    def fills(self) -> bool:
        """Whether missing values are filled."""
        missing = self.get("missing")
        return bool(missing and missing.fill)

    def get(self, key: str) -> Any:
        """Return the value of a key that only some kinds of problems have."""
        return getattr(self, key, None)

    def mistakes(self) -> Iterator[str]:
        has_classes = TASKS[self.task].has_classes
        key = "unit" if has_classes else "classes"
        if getattr(self, key):
            yield _apart(key, f"task: {self.task}")
        if not (self.train_size or self.test_size or self.get("test_file")):
            yield "train_size: this key is missing"
        for number, step in enumerate(self.transforms):
            if step.rotate is not None and len(self.get("shape") or []) < 2:
                yield (
                    f"transforms[{number}].rotate: only images can be turned; give the "
                    "problem a shape, such as [1, 8, 8]"
                )
            if step.rotate is not None and self.fills:
                yield _apart(f"transforms[{number}].rotate", "missing: {fill: median}")


class OfRows(Problem):
    """A problem whose features are numbers in a table."""

    drop: Columns = []
    """Columns that are no features."""
    bins: Annotated[int, Field(ge=2, le=100)] = LEFT_OUT
    """Makes so many classes of labels that are numbers, by quantiles of the train rows;
    with shuffle: each, of all rows."""
    shape: list[Several] = []
    """How a row's features are arranged, such as [1, 8, 8]."""
    tokens: bool = False
    """Whether features are tokens: whole numbers from 0 that stand for words or the
    like. A module gets them as integers, as nn.Embedding takes them."""

    def mistakes(self) -> Iterator[str]:
        yield from super().mistakes()
        if self.bins and not TASKS[self.task].has_classes:
            yield _apart("bins", f"task: {self.task}")
        if self.tokens:
            for key in ("categorical", "scale", "transforms"):
                if self.get(key):
                    yield f"{key}: tokens stay the whole numbers they are; remove it"
            if self.fills:
                yield "missing.fill: no number lies between tokens; remove it"


class OfFile(OfRows):
    """A problem in a file."""

    file: Table
    """The rows: a .csv, .tsv or .parquet file with named columns, or an .npz with
    arrays X and y; its path has no braces, < or >, and a - in front as ./-."""
    test_file: Table = LEFT_OUT
    """A separate file with the test rows; same columns."""
    separator: Annotated[str, Field(pattern=r'^[^"\r\n]$')] = LEFT_OUT
    """The character between values, such as ";"; by default a comma, or in .tsv a tab.
    """
    decimal: Literal[".", ","] = "."
    """The decimal mark of .csv and .tsv files, "." or ","."""
    label: Text = LEFT_OUT
    """The column to predict; any labels."""
    missing: Missing = LEFT_OUT
    """How to treat missing features: {drop: rows} or {fill: median}. Left out, they are
    refused."""
    columns: Literal["common"] = LEFT_OUT
    """common: as a study's target, take only columns that its source has, too; the
    source then takes these only. Left out, columns that differ are refused."""
    categorical: Columns = []
    """Columns to one-hot encode; a study's source and target share categories."""
    rows: dict[Text, Value] = {}
    """Values by column: keep only rows with these. The columns are no features."""
    group: Text = LEFT_OUT
    """A column, no feature; rows of a group lie on one side of the split."""
    made_by_rule: bool = False
    """Whether another rule of the workflow makes the file."""

    def mistakes(self) -> Iterator[str]:
        yield from super().mistakes()
        if self.file.endswith(ARRAYS):
            for key in ("label", "columns", "categorical", "rows", "group"):
                if getattr(self, key):
                    yield _apart(key, f"an {ARRAYS} file, which holds X and y")
        elif self.label is None:
            yield "label: this key is missing"
        if not self.made_by_rule:
            for key, path in self.paths.items():
                yield from unreadable(key, Path(path))
        if self.group and self.shuffle is None:
            yield "shuffle: this key is missing; whole groups are drawn at random"
        for key, splits in (("group", self.group), ("shuffle", self.is_split)):
            if self.test_file and splits:
                yield _apart(key, "test_file, which decides the split")
        roles: dict[str, str] = {}
        for key in ("label", "group", "rows", "categorical", "drop"):
            value = getattr(self, key) or []
            for column in [value] if isinstance(value, str) else value:
                if column in roles:
                    yield f"{key}: {column!r} is already its {roles[column]}"
                roles[column] = key


class OfImages(Problem):
    """A problem in a folder of images."""

    images: PathName
    """A folder of images, each in the folder of its class, in any format that Pillow
    reads; features are from 0, black, to 1."""
    size: Annotated[list[Several], Field(min_length=2, max_length=2)]
    """The height and width that images get, such as [32, 32]."""
    color: Color = "rgb"
    """rgb or grey: whether images are read in colour."""

    @property
    def shape(self) -> list[int]:
        """How a row's features are arranged."""
        return [CHANNELS[self.color], *self.size]

    def mistakes(self) -> Iterator[str]:
        yield from super().mistakes()
        if not Path(self.images).is_dir():
            here = shown(str(Path.cwd()))
            yield f"images: {self.images!r} is no folder (from {here})"


class MakeBlobs(Group):
    """Arguments of make_blobs."""

    n_samples: Annotated[int, Field(ge=2, le=MOST_ROWS)]
    """How many rows."""
    centers: Annotated[int, Field(ge=2, le=LARGEST_NUMBER)]
    """How many classes, one blob each."""
    n_features: Several
    """How many features."""
    cluster_std: Positive
    """The standard deviation of a blob."""
    random_state: SmallSeed
    """The seed of the data."""


# Functions that make data; of make_blobs the arguments are known.
FUNCTIONS = (
    *("make_blobs", "make_circles", "make_classification", "make_friedman1"),
    *("make_gaussian_quantiles", "make_hastie_10_2", "make_moons", "make_regression"),
    *("load_breast_cancer", "load_diabetes", "load_digits", "load_iris", "load_wine"),
)


class _OfFunction(OfRows):
    """A problem that a function of scikit-learn generates or loads."""

    def mistakes(self) -> Iterator[str]:
        yield from super().mistakes()
        first, *more = (n for n in FUNCTIONS if getattr(self, n) is not None)
        yield from (_apart(name, first) for name in more)
        seed = dict(getattr(self, first)).get("random_state")
        if first.startswith("make_") and not isinstance(seed, int):
            yield (
                f"{first}.random_state: this key is missing; without a seed, the data "
                "would differ each time"
            )


def _arguments_of(function: str) -> Any:
    words = f"The arguments of scikit-learn's {function}, by name."
    kind = MakeBlobs if function == "make_blobs" else Arguments
    return kind, Field(LEFT_OUT, description=words)


OfFunction = create_model(
    "OfFunction",
    __base__=_OfFunction,
    __doc__=_OfFunction.__doc__,
    **{name: _arguments_of(name) for name in FUNCTIONS},
)
PROBLEMS: dict[str, type[Problem]] = {
    "file": OfFile,
    "images": OfImages,
    **dict.fromkeys(FUNCTIONS, OfFunction),
}
AnyProblem = Annotated[Problem, OneOf(PROBLEMS, "file")]
