"""A problem's keys, what each may hold, and what only several of them show together."""

# ruff: noqa: RUF012 (pydantic copies defaults)

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from thaw.config.extents import GENERATED, extent, function_of
from thaw.config.messages import among, shown, unreadable
from thaw.config.values import (
    ALTERNATIVES,
    EACH_ONCE,
    LARGEST_NUMBER,
    LEFT_OUT,
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_UNITS,
    WHOLE,
    Arguments,
    Group,
    Positive,
    Seed,
    Whole,
    made,
)
from thaw.data import (
    ARRAYS,
    CHANNELS,
    EACH,
    FILES,
    IMAGES,
    SEPARATORS,
    SUFFIXES,
    WRITTEN,
    fills,
    shape_of,
)
from thaw.learning.tasks import TASKS


class MakeBlobs(Group):
    """The arguments of scikit-learn's make_blobs."""

    n_samples: Annotated[int, Field(ge=2, le=MOST_ROWS), WHOLE]
    """How many rows."""
    centers: Annotated[int, Field(ge=2, le=MOST_UNITS), WHOLE]
    """How many classes, one blob each."""
    n_features: Annotated[int, Field(ge=1, le=MOST_UNITS), WHOLE]
    """How many features."""
    cluster_std: Positive
    """The standard deviation of a blob."""
    random_state: Annotated[int, Field(ge=0, le=2**32 - 1), WHOLE]
    """The seed of the data."""


File = Annotated[
    str,
    Field(
        # Snakemake takes braces for wildcards, and a stage what begins with - for an
        # option.
        pattern=(
            r"^[^-{}\x00-\x1f]([^{}\x00-\x1f]*[^/{}\x00-\x1f])?"
            rf"({'|'.join(map(re.escape, SUFFIXES))})$"
        ),
        max_length=1_000,
    ),
]
Folder = Annotated[
    str, Field(pattern=r"^[^-{}\x00-\x1f][^{}\x00-\x1f]*$", max_length=1_000)
]
# Their values are found when this runs, so no type checker can know them.
Color: Any = Literal[tuple(CHANNELS)]
TaskName: Any = Literal[tuple(TASKS)]
# Latin-1 without controls, Greek, super- and subscripts, currencies: what fonts draw,
# and a cell of a Markdown table holds.
UNIT = r"^[ -{}~¡-¬®-ÿΑ-Ωα-ω‰⁰-₎₠-₵₽℃]+$"
Column = Annotated[str, Field(min_length=1, max_length=1_000)]
ColumnName = Annotated[Column, Field(description="A column's name.")]
Columns = Annotated[list[ColumnName], Field(max_length=MOST_COLUMNS), EACH_ONCE]
# YAML reads yes, no, true and false as true or false; files hold text.
Value = Annotated[
    Whole | float | str,
    ALTERNATIVES,
    Field(description="A number or text; true, false, yes and no in quotes."),
]
Side = Annotated[
    int, Field(ge=1, le=MOST_UNITS, description="A whole number, 1 or more."), WHOLE
]
# A whole number is rows; 1.0 is refused, for a share of all leaves no other rows.
RowsOrShare = Annotated[
    Annotated[int, Field(ge=1, le=MOST_ROWS)] | Annotated[float, Field(gt=0, lt=1)],
    ALTERNATIVES,
]


class Like(Group):
    """Another problem's scale."""

    like: str
    """The problem whose train rows decide the scale."""


class Missing(Group):
    """How to treat missing features: one of these keys."""

    drop: Literal["rows"] = LEFT_OUT
    """rows: rows with a missing feature are left out; how many, the answer says."""
    fill: Literal["median"] = LEFT_OUT
    """median: a missing number becomes the median of the rows that a network learns
    from, in its test rows, too."""


class Transform(Group):
    """A change of the data; an entry of the list names one."""

    noise: Positive = LEFT_OUT
    """The standard deviation of normal noise added to each feature."""
    rotate: Annotated[float, Field(ge=-360, le=360)] = LEFT_OUT
    """By how many degrees to turn images; needs the problem's shape."""
    invert: Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)] = LEFT_OUT
    """Replaces each feature x by this number minus x."""
    permute: Seed = LEFT_OUT
    """A seed; features change places, in all rows alike."""
    label_noise: Annotated[float, Field(gt=0, lt=1)] = LEFT_OUT
    """The share of train labels replaced by another class's."""


class _OfData(Group):
    """The keys of a problem that do not depend on where its data come from."""

    file: File = LEFT_OUT
    """The rows: a .csv, .tsv or .parquet file with named columns, or an .npz with
    arrays X and y; from the working directory, its path without braces and line breaks,
    and a - in front as ./-."""
    images: Folder = LEFT_OUT
    """A folder of images in place of a file: a class is a folder in it, a row an image,
    by name. Any format that Pillow reads; features are from 0, black, to 1."""
    size: Annotated[list[Side], Field(min_length=2, max_length=2)] = LEFT_OUT
    """The height and width that images get, such as [32, 32]; that of rows is then
    [3, 32, 32], or [1, 32, 32] if they are grey."""
    color: Color = "rgb"
    """rgb or grey: whether images are read in colour."""
    test_file: File = LEFT_OUT
    """A separate file with the test rows; same columns."""
    separator: Annotated[str, Field(pattern=r'^[^"\r\n]$')] = LEFT_OUT
    """One character that separates values in .csv and .tsv files, such as ";"; by
    default a comma, and in a .tsv a tab."""
    decimal: Literal[".", ","] = LEFT_OUT
    """The decimal mark of .csv and .tsv files, "." or ","; by default a point."""
    label: Column = LEFT_OUT
    """The column to predict; any labels."""
    task: TaskName = "classification"
    """classification: labels are classes; regression: they are numbers, in whose own
    units all results are. Networks learn them scaled by the rows that they learn from.
    """
    bins: Annotated[int, Field(ge=2, le=100), WHOLE] = LEFT_OUT
    """Makes so many classes of labels that are numbers, by quantiles of the train rows;
    with shuffle: each, of all rows."""
    unit: Annotated[str, Field(pattern=UNIT, max_length=20)] = LEFT_OUT
    """The unit of labels that are numbers, such as K; it stands in figures and words.
    At most 20 Latin or Greek letters, digits and signs, without |."""
    drop: Columns = []
    """Columns that are no features."""
    missing: Missing = LEFT_OUT
    """How to treat missing features: {drop: rows} or {fill: median}. If left out, they
    are refused, as missing labels always are."""
    columns: Literal["common"] = LEFT_OUT
    """common: as a study's target, take only columns that its source has, too; the
    source then takes these only. Left out, columns that differ are refused."""
    categorical: Columns = []
    """Columns to one-hot encode; a study's source and target share categories."""
    rows: Annotated[dict[ColumnName, Value], Field(max_length=100)] = {}
    """Values by column: keep only rows with these. The columns are no features."""
    group: Column = LEFT_OUT
    """A column, no feature; rows of a group never lie on both sides of the split. Needs
    shuffle."""
    train_size: RowsOrShare = LEFT_OUT
    """The train set: rows, 1 to 100,000,000, or a share, such as 0.7. Without shuffle
    these are the first ones."""
    test_size: RowsOrShare = LEFT_OUT
    """The test set: rows, 1 to 100,000,000, or a share; left out, all others."""
    shuffle: Annotated[
        Annotated[int, Field(ge=0, le=2**32 - 1), WHOLE] | Literal["each"], ALTERNATIVES
    ] = LEFT_OUT
    """A seed, 0 to 4294967295, with which rows are drawn, stratified by class, or by
    quantiles of numbers; or each: each source model and its repeats get a split of
    their own, so that an answer holds for other splits. Left out, rows keep their
    order."""
    scale: Annotated[Literal["standard"] | Like, ALTERNATIVES] = LEFT_OUT
    """standard: each feature gets mean 0 and standard deviation 1 on the train rows;
    {like: PROBLEM}: by the train rows of another problem. One-hot columns stay as they
    are. In a study with target sizes, a target that says standard is scaled like its
    source."""
    overlap: Literal["error"] = LEFT_OUT
    """error: in a study's target, test rows with the same features as train rows of its
    own or of the source are refused before anything is trained. Left out, they are
    counted, and the answer says how many there are."""
    made_by_rule: bool = False
    """Whether another rule of the workflow makes the file."""
    shape: Annotated[list[Side], Field(max_length=10)] = []
    """How a row's features are arranged, such as [1, 8, 8]."""
    tokens: bool = False
    """Whether features are tokens: whole numbers from 0 that stand for something, such
    as words or atoms. A module gets them as integers, as nn.Embedding takes them."""
    classes: Annotated[list[Value], Field(max_length=MOST_UNITS), EACH_ONCE] = []
    """The classes to keep, in this order; left out, all."""
    transforms: Annotated[list[Transform], Field(max_length=100)] = []
    """Changes of the data, one after the other."""
    make_blobs: MakeBlobs = LEFT_OUT


Problem: Any = made(
    "Problem",
    _OfData,
    "A problem: its data from a file or from one function, and its split.",
    {
        name: (
            Annotated[Arguments, Field(max_length=100)],
            Field(
                default=LEFT_OUT,
                description=f"The arguments of scikit-learn's {name}, by name.",
            ),
        )
        for name in GENERATED
        if name not in _OfData.model_fields
    },
)

# Keys that only a file can have, and of those the ones for named columns.
OF_COLUMNS = ("label", "columns", "categorical", "rows", "group")
OF_FILES = ("test_file", "made_by_rule", "missing", *WRITTEN, *OF_COLUMNS)
# Keys that images have no use for, or decide themselves.
NOT_OF_IMAGES = (*OF_FILES, "bins", "drop", "shape", "tokens")
# Keys that would make other numbers of tokens, and such transforms.
NOT_OF_TOKENS = ("categorical", "scale")
NOT_OF_TOKENS_TOO = ("noise", "rotate", "invert")

Problems = Mapping[str, Mapping[str, Any]]


def is_split(problem: Mapping[str, Any]) -> bool:
    """Whether each source model gets a split of its own of a problem's rows."""
    return problem.get("shuffle") == EACH


def contradictions_of(name: str, problems: Problems) -> Iterator[str]:
    """Yield each mistake of a problem in a line of its own."""
    path, problem = f"problems.{name}", problems[name]
    sources = [key for key in ("file", IMAGES, *GENERATED) if key in problem]
    if len(sources) != 1:
        found = f"more than one data source ({', '.join(sources)})"
        found, known = found if sources else "no data source", ", ".join(GENERATED)
        yield f"{path}: {found}. Allowed: one of file, images, {known}"
        return
    yield from _of_source(path, problem)
    yield from _of_task(path, problem)
    texts = [str(label) for label in problem["classes"]]
    if len(set(texts)) < len(texts):
        yield f"{path}.classes: {shown(problem['classes'])} lists a class twice"
    yield from _of_split(path, problem)
    yield from _of_scale(path, name, problems)
    yield from _of_transforms(path, problem)
    if problem["tokens"]:
        told = [key for key in NOT_OF_TOKENS if problem.get(key)]
        told += [
            f"transforms[{number}].{kind}"
            for number, step in enumerate(problem["transforms"])
            for kind in NOT_OF_TOKENS_TOO
            if kind in step
        ]
        if fills(problem):
            told.append("missing.fill")
        for key in told:
            yield f"{path}.{key}: tokens stay the whole numbers they are; remove it"


def _of_source(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    if IMAGES in problem:
        yield from _of_images(path, problem)
        return
    for key, usual in (("size", None), ("color", "rgb")):
        if problem.get(key, usual) != usual:
            yield f"{path}.{key}: only applies to images; remove it"
    function = function_of(problem)
    if function:
        for argument in problem[function]:
            if argument.startswith("return_") or argument == "coef":
                yield (
                    f"{path}.{function}.{argument}: changes what is returned, and Thaw "
                    "takes features and labels; remove it"
                )
        for key in OF_FILES:
            if problem.get(key):
                yield (
                    f"{path}.{key}: only applies to files; this problem is generated "
                    f"by {function}; remove it"
                )
        if function.startswith("make_") and not isinstance(
            problem[function].get("random_state"), int
        ):
            yield (
                f"{path}.{function}.random_state: this key is missing; without a seed, "
                "the data would differ each time"
            )
        return
    suffixes = {Path(problem[key]).suffix for key in FILES if key in problem}
    if suffixes.isdisjoint(SEPARATORS):
        for key in WRITTEN:
            if key in problem:
                kinds = " and ".join(SEPARATORS)
                yield f"{path}.{key}: only applies to {kinds} files; remove it"
    columns = [key for key in OF_COLUMNS if problem.get(key)]
    if problem["file"].endswith(ARRAYS):
        for key in columns:
            yield (
                f"{path}.{key}: only applies to files with named columns; an {ARRAYS} "
                "file holds X and y; remove it"
            )
    elif "label" not in problem:
        yield f"{path}.label: this key is missing"
    if len(problem.get("missing", {"drop": "rows"})) != 1:
        allowed = "Allowed: {drop: rows} or {fill: median}"
        yield f"{path}.missing: holds one of drop and fill. {allowed}"
    for key in FILES:
        if key in problem and not problem["made_by_rule"]:
            yield from unreadable(f"{path}.{key}", Path(problem[key]))
    roles: dict[str, str] = {}
    for key in ("label", "group", "rows", "categorical", "drop"):
        named = problem.get(key, [])
        for column in [named] if isinstance(named, str) else named:
            if column in roles:
                yield f"{path}.{key}: {column!r} is already its {roles[column]}"
            roles[column] = key


def _of_images(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    for key in NOT_OF_IMAGES:
        if problem.get(key):
            yield f"{path}.{key}: does not go together with images; remove it"
    if not TASKS[problem["task"]].has_classes:
        yield f"{path}.task: the folders of images are classes; remove it"
    if "size" not in problem:
        yield (
            f"{path}.size: this key is missing; images get one height and width, such "
            "as [32, 32]"
        )
    if not Path(problem[IMAGES]).is_dir():
        where = shown(str(Path.cwd()))
        yield f"{path}.images: {problem[IMAGES]!r} is no folder (from {where})"


def _of_task(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    task, noise = TASKS[problem["task"]], "transforms[…].label_noise"
    told = [key for key in ("bins", "classes") if problem.get(key)]
    told += [noise for step in problem["transforms"] if "label_noise" in step]
    binned = "bins" in problem
    for key in told:
        if not task.has_classes or (binned and key != "bins"):
            other = "bins" if binned and task.has_classes else f"task: {task.name}"
            yield f"{path}.{key}: does not go together with {other}; remove one of them"
    if task.has_classes and "unit" in problem:
        yield f"{path}.unit: only applies to task: regression; remove it"


def _of_split(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    train, test = problem.get("train_size"), problem.get("test_size")
    if "test_file" in problem:
        if "group" in problem:
            yield f"{path}.group: test_file decides the split; use drop instead"
        if is_split(problem):
            yield (
                f"{path}.shuffle: each splits all rows anew, and test_file says which "
                "are test rows; remove one of them"
            )
        return
    if train is None and test is None:
        yield f"{path}.train_size: this key is missing"
    if "group" in problem and "shuffle" not in problem:
        yield f"{path}.shuffle: this key is missing; whole groups are drawn at random"
    if isinstance(train, float) and isinstance(test, float) and train + test > 1:
        yield f"{path}.test_size: {train} and {test} are more than all rows together"
    if function_of(problem) and not problem["classes"]:
        rows = extent(problem).rows
        if isinstance(train, int) and train >= rows:
            allowed = f"Allowed: 1 to {rows - 1}, fewer than all rows"
            yield f"{path}.train_size: {train} leaves no row to test on. {allowed}"


def _of_scale(path: str, name: str, problems: Problems) -> Iterator[str]:
    scale = problems[name].get("scale")
    if not isinstance(scale, dict):
        return
    like = scale["like"]
    others = [other for other in problems if other != name]
    if like not in others:
        allowed = among(like, others)
        yield f"{path}.scale.like: {shown(like)} is not another problem{allowed}"
    elif isinstance(problems[like].get("scale"), dict):
        yield (
            f"{path}.scale.like: {like!r} is itself scaled like "
            f"{problems[like]['scale']['like']!r}; name a problem that is not"
        )
    elif is_split(problems[like]) and not is_split(problems[name]):
        yield (
            f"{path}.scale.like: {like!r} has other train rows for each source model "
            "(shuffle: each), and this problem the same; give both shuffle: each, or "
            "neither"
        )


def _of_transforms(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    for number, step in enumerate(problem["transforms"]):
        place = f"{path}.transforms[{number}]"
        if len(step) != 1:
            yield (
                f"{place}: an entry holds one change. "
                f"Allowed: {', '.join(Transform.model_fields)}"
            )
        if "rotate" in step and fills(problem):
            yield (
                f"{place}.rotate: does not go together with missing: {{fill: median}}; "
                "remove one of them"
            )
        if "rotate" in step and len(shape_of(problem)) < 2:
            yield (
                f"{place}.rotate: only images can be turned; give the problem a shape, "
                "such as [1, 8, 8]"
            )
