"""What several keys of a problem show together, and files that are not there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thaw.config.extents import GENERATED, extent, function_of
from thaw.config.models import Transform
from thaw.config.words import choice, did_you_mean, shown

# Keys that only a file can have, and of those the ones for named columns.
OF_COLUMNS = ("label", "categorical", "rows", "group")
OF_FILES = ("test_file", "made_by_rule", *OF_COLUMNS)

Problems = Mapping[str, Mapping[str, Any]]


def contradictions_of(name: str, problems: Problems) -> Iterator[str]:
    """Yield each mistake of a problem in a line of its own."""
    path, problem = f"problems.{name}", problems[name]
    sources = [key for key in ("file", *GENERATED) if key in problem]
    if len(sources) != 1:
        yield (
            f"{path}: {' and '.join(sources) or 'nothing'} says where its data come "
            f"from. Allowed: one of file, {', '.join(GENERATED)}"
        )
        return
    yield from _of_source(path, problem)
    texts = [str(label) for label in problem["classes"]]
    if len(set(texts)) < len(texts):
        yield f"{path}.classes: {shown(problem['classes'])} names a class twice"
    yield from _of_split(path, problem)
    yield from _of_scale(path, name, problems)
    yield from _of_transforms(path, problem)


def _of_source(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    function = function_of(problem)
    if function:
        for key in OF_FILES:
            if problem.get(key):
                yield f"{path}.{key}: it is said of files, and {function} is none"
        if function.startswith("make_") and not isinstance(
            problem[function].get("random_state"), int
        ):
            yield (
                f"{path}.{function}.random_state: this key is missing; without a seed "
                "the data would be others each time"
            )
        return
    columns = [key for key in OF_COLUMNS if problem.get(key)]
    if problem["file"].endswith(".npz"):
        for key in columns:
            yield f"{path}.{key}: an .npz holds X and y, and no columns with names"
    elif "label" not in problem:
        yield f"{path}.label: this key is missing"
    for key in ("file", "test_file"):
        if key in problem and not problem["made_by_rule"]:
            yield from file_is_there(f"{path}.{key}", Path(problem[key]))
    roles: dict[str, str] = {}
    for key in ("label", "group", "rows", "categorical", "drop"):
        named = problem.get(key, [])
        for column in [named] if isinstance(named, str) else named:
            if column in roles:
                yield f"{path}.{key}: {column!r} is its {roles[column]} already"
            roles[column] = key


def file_is_there(path: str, file: Path) -> Iterator[str]:
    """Yield what keeps a file from being read."""
    try:
        with file.open("rb"):
            return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield f"{path}: {str(file)!r}: {reason} (from {shown(str(Path.cwd()))})"


def _of_split(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    train, test = problem.get("train_size"), problem.get("test_size")
    if "test_file" in problem:
        if "group" in problem:
            yield f"{path}.group: test_file gives the split; name the column under drop"
        return
    if train is None and test is None:
        yield f"{path}.train_size: this key is missing"
    if "group" in problem and "shuffle" not in problem:
        yield f"{path}.shuffle: this key is missing; whole groups are drawn at random"
    if isinstance(train, float) and isinstance(test, float) and train + test > 1:
        yield f"{path}.test_size: {train} and {test} are together more than all rows"
    if function_of(problem) and not problem["classes"]:
        rows = extent(problem).rows
        if isinstance(train, int) and train >= rows:
            yield (
                f"{path}.train_size: {train} leaves no row to test on. "
                f"Allowed: 1 to {rows - 1}, less than all rows"
            )


def _of_scale(path: str, name: str, problems: Problems) -> Iterator[str]:
    scale = problems[name].get("scale")
    if not isinstance(scale, dict):
        return
    like = scale["like"]
    others = [other for other in problems if other != name]
    if like not in others:
        yield (
            f"{path}.scale.like: {shown(like)} is not another problem of this config"
            f"{did_you_mean(like, others)}. Allowed: {choice(others)}"
        )
    elif isinstance(problems[like].get("scale"), dict):
        yield (
            f"{path}.scale.like: {like!r} is itself scaled like "
            f"{problems[like]['scale']['like']!r}; name a problem that is not"
        )


def _of_transforms(path: str, problem: Mapping[str, Any]) -> Iterator[str]:
    for number, step in enumerate(problem["transforms"]):
        place = f"{path}.transforms[{number}]"
        if len(step) != 1:
            yield (
                f"{place}: an entry is one change. "
                f"Allowed: {', '.join(Transform.model_fields)}"
            )
        if "rotate" in step and len(problem["shape"]) < 2:
            yield f"{place}.rotate: it turns images; say their shape, such as [1, 8, 8]"
