"""Keys: digests of everything that decides a result's numbers.

A stage's *recipe* holds the settings it was given, the keys of the results it reads, a
digest of the code that computes it, the versions of its libraries and the number of the
file format. The digest of the recipe is the result's key. The same settings, code,
libraries and data give the same key; any other gives another, so no result can be
mistaken for a different one.

Only `thaw.data` and `thaw.learning` compute data, source models and scores: code that
parses options, writes files or shows progress changes no number. Their code counts
without comments and docstrings. Versions are those of the running process; on a node
they must equal those of the process that planned the job.
"""

import ast
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from thaw.errors import ThawError, refuse

PACKAGE = Path(__file__).parent

# The version of the file format. Raise it when files are written in another way.
FORMAT = 3

# Whose code and versions decide the numbers of problems, source models and repeats, and
# whose decide scores of source models without training, and how gathered scores,
# tables, figures and pages look.
COMPUTING = ("data", "learning")
ARRANGING = (*COMPUTING, "external", "output", "stages", "findings", "tables")
CODE = {
    "transferability": (*COMPUTING, "findings"),
    "gather": ARRANGING,
    "tables": ARRANGING,
    "figures": (*ARRANGING, "figures"),
    "page": (*ARRANGING, "figures", "page"),
}
COMPUTE_WITH = ("numpy", "pandas", "scipy", "sklearn", "torch")
DRAW_WITH = (*COMPUTE_WITH, "jinja2", "markdown-it-py", "matplotlib")

# Distributions whose name differs from their module's.
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}

# What a file browser leaves in a folder, beside files whose names begin with a point.
LEFT_BY_OTHERS = ("Thumbs.db", "desktop.ini")


def canonical(value: Any) -> str:
    """Return a value as one JSON text, the same for equal values."""
    return json.dumps(value, sort_keys=True)


def digest(text: str | bytes) -> str:
    """Return the digest of a text: twelve hexadecimal digits."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.blake2b(data, digest_size=6).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=16)
        ).hexdigest()


def files_below(folder: Path) -> list[str]:
    """Return the files below a folder, in order, as paths from there; no hidden ones.

    They have forward slashes on all systems.
    Raises `ThawError` with what cannot be read.
    """
    paths = sorted(_walk(folder, {folder.resolve()}))
    refuse(
        f"{path}: it cannot be read; allow it, or remove it"
        for path in paths
        # To wait for what a pipe says would take forever.
        if not (path.is_file() and os.access(path, os.R_OK))
    )
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _walk(folder: Path, entered: Set[Path]) -> Iterator[Path]:
    """Yield all files below a folder, and the folders that cannot be read.

    A link back to a folder that was `entered` on the way is not followed: two such
    links would lead to 2^40 paths.
    """
    try:
        paths = [*folder.iterdir()]
    except OSError:
        yield folder
        return
    for path in paths:
        if path.name[0] == "." or path.name in LEFT_BY_OTHERS:
            continue
        if not path.is_dir():
            yield path
        elif (real := path.resolve()) not in entered:
            yield from _walk(path, entered | {real})


def known_digest(path: Path) -> str:
    """Return the digest of a file, cached while its size and time stay the same.

    That of a folder follows from the names and digests of the files below it.
    """
    if path.is_dir():
        digests = [(name, known_digest(path / name)) for name in files_below(path)]
        return digest(canonical(digests))
    status = path.stat()
    return _known_digest(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _known_digest(path: Path, size: int, time: int) -> str:
    return digest_of_file(path)


class Result(NamedTuple):
    """A stage's result: its recipe, and the key that follows from it."""

    recipe: dict[str, Any]
    key: str


def recipe(
    stage: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a stage's recipe: all that decides what this process would compute.

    `inputs` are the keys of the results it reads. A description of what users supply,
    in the settings, may name further `libraries`.
    """
    packages = CODE.get(stage, COMPUTING)
    libraries = {*(DRAW_WITH if "tables" in packages else COMPUTE_WITH)}
    for value in settings.values():
        if isinstance(value, Mapping):
            libraries |= {*value.get("libraries", [])}
    return {
        "code": code_of(packages),
        "format": FORMAT,
        "inputs": dict(inputs),
        "settings": dict(settings),
        "stage": stage,
        "versions": {name: version(name) for name in sorted(libraries)},
    }


def key(recipe: Mapping[str, Any]) -> str:
    """Return the key of a recipe's result."""
    return digest(canonical(recipe))


def result(
    stage: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Result:
    """Return the result that follows from these settings and inputs (their keys)."""
    content = recipe(stage, settings, inputs)
    return Result(content, key(content))


def check(stage: str, planned: Mapping[str, Any], planned_key: str) -> None:
    """Raise `ThawError` unless this process would compute the result of that key.

    `planned` is the recipe behind it, as it was when the run began, on the machine that
    runs Snakemake.
    """
    here = recipe(stage, planned.get("settings", {}), planned.get("inputs", {}))
    if key(here) != planned_key:
        reasons = ["the config differs here"]
        if planned:
            reasons = differences(planned, here)
        raise ThawError(
            f"not what the run asked for (result {planned_key}): {'; '.join(reasons)}. "
            "Nothing was written. Start the run again, with the same config, code and "
            "library versions on all machines"
        )


def differences(before: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in words how the versions and code of a result differ from those here."""
    lines = [
        f"{library} is {version} here and was {before['versions'].get(library)}"
        for library, version in here["versions"].items()
        if before["versions"].get(library) != version
    ]
    if before["code"] != here["code"]:
        lines.append("the code was edited since, or is another copy")
    return lines


def check_unchanged(path: Path, now: str, planned: str) -> None:
    """Raise `ThawError` unless a file's digest is the one with which the run began."""
    if now != planned:
        raise ThawError(
            f"{path} was changed since the run began. Nothing was written; run again"
        )


@functools.cache
def code_of(packages: Iterable[str]) -> str:
    """Return the digest of the code of some packages, with templates and the like."""
    files = [file for name in packages for file in (PACKAGE / name).glob("*.*")]
    digests = {
        str(file.relative_to(PACKAGE)): (
            code_of_file(file)[0] if file.suffix == ".py" else digest_of_file(file)
        )
        for file in files
    }
    return digest(canonical(digests))


def code_of_file(path: Path) -> tuple[str, list[str]]:
    """Return the digest of a file's code, and the libraries that it imports.

    Raises `SyntaxError` if it holds no Python.
    """
    tree = ast.parse(path.read_bytes(), str(path))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    libraries = imported - sys.stdlib_module_names - {"", "thaw"}
    return digest(" ".join(_meaning(tree))), sorted(libraries)


@functools.cache
def version(library: str) -> str:
    """Return a library's version, `missing` if it is not installed."""
    try:
        return metadata.version(DISTRIBUTIONS.get(library, library))
    except metadata.PackageNotFoundError:
        # Slow, because it reads the files of every distribution.
        for name in metadata.packages_distributions().get(library, []):
            return metadata.version(name)
        return "missing"


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _meaning(node: Any) -> Iterator[str]:
    """Yield a syntax tree as words: types, fields and values, but no docstrings.

    Not `ast.dump`, whose omissions depend on the version of Python.
    """
    if isinstance(node, ast.AST):
        yield type(node).__name__
        has_text = isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None
        for field, value in ast.iter_fields(node):
            if has_text and field == "body":
                value = value[1:]
            if value is not None and value != []:
                yield f"{field}="
                yield from _meaning(value)
    elif isinstance(node, list):
        yield "["
        for item in node:
            yield from _meaning(item)
        yield "]"
    else:
        yield repr(node)
