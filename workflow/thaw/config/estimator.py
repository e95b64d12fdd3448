"""Reference estimators: variants that are no network, named by their class.

Stages read this too, so it imports neither pydantic nor an estimator's package.
"""

import ast
import importlib.util
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.config.messages import did_you_mean, shown

# The keys of a variant that is one.
OWN_KEYS = frozenset({"estimator", "arguments"})

# The module whose `fit` takes the place of the stage, and what computes in its place.
TRAINED_BY = "thaw.external.estimators"
COMPUTED_BY = "thaw.learning.estimators"


def content(variant: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides what an estimator does, as recipes have it.

    `computed_by` and `libraries` are as for a network (see `thaw.config.network`).
    """
    arguments = {"arguments": variant["arguments"]} if variant["arguments"] else {}
    package = variant["estimator"].partition(".")[0]
    return {
        "class": variant["estimator"],
        **arguments,
        "computed_by": [COMPUTED_BY],
        # SciPy solves for scikit-learn, and for most of what is made like it.
        "libraries": sorted({package, "scipy"}),
    }


def mistakes(
    path: str, variant: Mapping[str, Any], written: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with a variant's estimator, a line each.

    `written` are the keys that the config has of the variant.
    """
    if variant["estimator"] is None:
        if "arguments" in written:
            yield f"{path}.arguments: only allowed together with estimator; remove it"
        return
    for key in sorted({*written} - OWN_KEYS):
        yield (
            f"{path}.{key}: not allowed together with estimator, which is no network; "
            "remove it"
        )
    for name, why in (
        ("n_jobs", "several cores give other bytes than one"),
        ("random_state", "Thaw sets it from each repeat's own seed"),
    ):
        arguments = variant["arguments"] or {}
        if name in arguments and (name, arguments[name]) != ("n_jobs", 1):
            yield f"{path}.arguments.{name}: {why}; remove it"
    yield from _mistakes_of_class(f"{path}.estimator", variant["estimator"])


def _mistakes_of_class(path: str, name: str) -> Iterator[str]:
    """Yield whether a class is not there, as far as that shows without importing it."""
    module, _, own = name.rpartition(".")
    package, *parts = module.split(".")
    such = "such as sklearn.ensemble.RandomForestClassifier"
    if not all(part.isidentifier() for part in (package, *parts, own)):
        yield f"{path}: {shown(name)} is not a class with its package, {such}"
        return
    if keys.version(package) == "missing":
        yield (
            f"{path}: {package} is not an installed package. Allowed: a class of an "
            f"installed one, {such}"
        )
        return
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or []
    places = [Path(folder, *parts) for folder in folders]
    files = [f for p in places for f in (p / "__init__.py", p.with_suffix(".py"))]
    file = next(filter(Path.is_file, files), None)
    if file is None:
        # It may be compiled.
        if places and not any([*p.parent.glob(f"{p.name}.*")] for p in places):
            yield f"{path}: {package} has no module {module}"
        return
    known = _names(ast.parse(file.read_bytes()))
    # A module may also make its names when it is asked for them.
    if own not in known and not known & {"*", "__getattr__"}:
        public = sorted(name for name in known if name[0].isupper())
        yield f"{path}: {module} has no {own}{did_you_mean(own, public)}"


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines or imports, wherever in its text."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name.asname or name.name for name in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found
