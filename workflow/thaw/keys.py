"""Keys: digests of everything that decides a result's numbers.

A stage's *recipe* holds the settings it was given, the keys of the results it reads, a
digest of its code, the versions of the libraries it computes with and the number of the
file format. The digest of the recipe is the result's key. The same settings, code,
libraries and data give the same key; any other gives another, so no result can be
mistaken for a different one.

The code is found by following imports from the stage's module and digested as syntax
trees without docstrings, so comments and formatting make nothing stale. For stages that
compute data, source models and scores, only `thaw.data` and `thaw.learning` count: code
that parses options, writes files or shows progress changes no number.

Versions are those of the running process; on a node they must equal those of the
process that planned the job. Where stages run in a conda environment (`CONDA` is set),
the planning process has other libraries, so the environment file stands in for them.
"""

import ast
import functools
import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from thaw.errors import ThawError, refuse

PACKAGE = Path(__file__).parent

# The version of the file format. Raise it when files are written in another way.
FORMAT = 2

# The packages whose code decides numbers, and the stages that compute them.
COMPUTING = ("thaw.data", "thaw.learning")
COMPUTING_STAGES = frozenset(
    {"make_problem", "pretrain", "read_checkpoints", "train", "transferability"}
)

# The module of a stage. In a recipe, the description of an estimator, a network or
# images may name the modules that compute instead, or as well, as `computed_by`, and
# further `libraries`; see `content` in `thaw.config.network`.
STAGE = "thaw.stages.{stage}"
DESCRIPTIONS = ("estimator", "network", "images")

# The stage that makes tables and figures, each in its own module.
MAKE = "thaw.stages.make"

# The variable that is set where stages run in a conda environment, and the files that
# define it: the requirements, and the exact packages they resolved to.
CONDA = "THAW_CONDA"
ENVIRONMENT = ("envs/thaw.yaml", "envs/thaw.*.pin.txt")

# Distributions whose name differs from their module's.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "markdown_it": "markdown-it-py",
    "sklearn": "scikit-learn",
}

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
    found: list[str] = []
    shut: list[str] = []
    walk = os.walk(folder, onerror=lambda e: shut.append(e.filename), followlinks=True)
    for place, folders, names in walk:
        folders[:] = [name for name in folders if name[0] != "."]
        for name in names:
            path = Path(place, name)
            if name[0] == "." or name in LEFT_BY_OTHERS:
                continue
            found.append(path.relative_to(folder).as_posix())
            # To wait for what a pipe says would take forever.
            if not (path.is_file() and os.access(path, os.R_OK)):
                shut.append(str(path))
    refuse(f"{path}: it cannot be read; allow it, or remove it" for path in shut)
    return sorted(found)


def known_digest(path: Path) -> str:
    """Return the digest of a file, cached while its size and time stay the same.

    That of a folder follows from the names and digests of the files below it.
    """
    if path.is_dir():
        files = [(name, known_digest(path / name)) for name in files_below(path)]
        return digest(canonical(files))
    status = path.stat()
    return _known_digest(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _known_digest(path: Path, size: int, time: int) -> str:
    return digest_of_file(path)


def recipe(
    stage: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a stage's recipe: all that decides what this process would compute.

    `inputs` are the keys of the results it reads.
    """
    told: Mapping[str, Any] = {}
    for name in DESCRIPTIONS:
        told = told or settings.get(name, {})
    code, libraries = _code(stage, tuple(told.get("computed_by", [STAGE])))
    libraries = sorted({*libraries, *told.get("libraries", [])})
    return {
        "code": code,
        "format": FORMAT,
        "inputs": dict(inputs),
        "settings": dict(settings),
        "stage": stage,
        "versions": _versions(libraries),
    }


def key(recipe: Mapping[str, Any]) -> str:
    """Return the key of a recipe's result."""
    return digest(canonical(recipe))


class Result(NamedTuple):
    """A stage's result: its recipe, and the key that follows from it."""

    recipe: dict[str, Any]
    key: str


def result(
    stage: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Result:
    """Return the result that follows from these settings and inputs (their keys)."""
    found = recipe(stage, settings, inputs)
    return Result(found, key(found))


def check(stage: str, told: Mapping[str, Any], asked: str) -> None:
    """Raise `ThawError` unless this process would compute the result `asked`.

    `told` is the recipe behind that key, as it was when the run began, on the machine
    that runs Snakemake.
    """
    here = recipe(stage, told.get("settings", {}), told.get("inputs", {}))
    if key(here) == asked:
        return
    if key(told) == asked:
        reasons = differences(told, here)
    else:
        versions = [
            f"{library} {version}" for library, version in here["versions"].items()
        ]
        reasons = [f"config, code or libraries differ here ({', '.join(versions)})"]
    raise ThawError(
        f"not what the run asked for (result {asked}): {'; '.join(reasons)}. Nothing "
        "was written. Start the run again, with the same config, code and library "
        "versions on all machines"
    )


def differences(told: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in words how the versions and code of a result differ from those here."""
    found = [
        f"{library} is {version} here and was {told['versions'].get(library)}"
        for library, version in here["versions"].items()
        if told["versions"].get(library) != version
    ]
    if told["code"] != here["code"]:
        found.append("the code was edited since, or is another copy")
    return found


def check_unchanged(path: Path, found: str, told: str) -> None:
    """Raise `ThawError` unless a file's digest is the one with which the run began."""
    if found != told:
        raise ThawError(
            f"{path} was changed since the run began. Nothing was written; run again"
        )


class Source(NamedTuple):
    """A module's digest and its imports."""

    digest: str
    modules: frozenset[str]
    libraries: frozenset[str]


def modules(stage: str, computed_by: Iterable[str] = (STAGE,)) -> frozenset[str]:
    """Return `computed_by` and all modules of this package that they import.

    A table or figure is made by its own module, in the package named like the stage.
    """
    found: set[str] = set()
    waiting = {module.format(stage=stage) for module in computed_by}
    if (PACKAGE / stage).is_dir():
        makers = (PACKAGE / stage).glob("[!_]*.py")
        waiting = {MAKE, *(f"thaw.{stage}.{path.stem}" for path in makers)}
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= source(module).modules - found
    return frozenset(found)


@functools.cache
def source(module: str) -> Source:
    """Read a module of this package.

    As in Python, a package's `__init__` counts as imported by every module in it;
    except `thaw/__init__.py`, whose imports only notebooks need.
    """
    tree = ast.parse(_path(module).read_bytes())
    ours, libraries = set(), set()
    for name in _imported(tree):
        top = name.partition(".")[0]
        if top != "thaw":
            libraries.add(top)
            continue
        # A name within a module; if the package was just deleted, not even that.
        while name != "thaw" and not _path(name).exists():
            name = name.rpartition(".")[0]
        ours.add(name)
    for name in {module, *ours}:
        parents = name.split(".")[:-1]
        ours |= {".".join(parents[: n + 1]) for n in range(len(parents))}
    return Source(
        digest(" ".join(_meaning(tree))),
        frozenset(ours - {module, "thaw"}),
        frozenset(libraries - sys.stdlib_module_names),
    )


@functools.cache
def _code(stage: str, computed_by: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the digest of a stage's code and the libraries that it imports."""
    found = sorted(modules(stage, computed_by))
    if stage in COMPUTING_STAGES:
        found = [module for module in found if module.startswith(COMPUTING)]
    parts = [(module, source(module).digest) for module in found]
    # Templates and the like, which are not imported.
    for path in sorted((PACKAGE / stage).glob("*")):
        if path.suffix in (".html", ".css", ".js"):
            parts.append((path.name, digest_of_file(path)))
    code = digest(canonical(parts))
    libraries = set().union(*(source(module).libraries for module in found))
    return code, sorted(libraries)


def code_of_file(path: Path) -> tuple[str, list[str]]:
    """Return the digest of a file's code, and the libraries that it imports.

    Raises `SyntaxError` if it holds no Python.
    """
    tree = ast.parse(path.read_bytes(), str(path))
    imported = {name.partition(".")[0] for name in _imported(tree)}
    libraries = sorted(imported - sys.stdlib_module_names)
    return digest(" ".join(_meaning(tree))), libraries


def _versions(libraries: Collection[str]) -> dict[str, str]:
    if os.environ.get(CONDA):
        return {"conda's environment": _environment()}
    return {library: version(library) for library in libraries}


@functools.cache
def _environment() -> str:
    """Return the digest of the files of the environment, without their comments."""
    home = PACKAGE.parent
    files = [file for name in ENVIRONMENT for file in sorted(home.glob(name))]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return digest("\n".join(line for line in lines if line[:1] not in ("", "#")))


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


def _path(module: str) -> Path:
    """Return the file of a module or, for a package, of its `__init__`."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the names a module imports, anywhere in its text.

    Imports under `if TYPE_CHECKING:` never run, so they are left out.
    """
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a syntax tree that run."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        test = node.test if isinstance(node, ast.If) else None
        if not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
            yield from _walk(node)


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
