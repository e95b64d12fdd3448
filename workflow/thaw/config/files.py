"""Which file the config is, and whether it can be read.

Snakemake reads the config before a workflow can say a word: where the file does not
parse, it hides the line; of a key that stands twice it takes the last; and where the
file says `__use_yte__: true`, it runs the Python in it, even in a dry run. So these
checks come before Snakemake's `configfile:`.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from thaw.config.messages import shown, wrong

# With this key, Snakemake runs Python from the file.
YTE = "__use_yte__"


def choose_file(folder: Path, default: Path, named: Sequence[Path] = ()) -> Path:
    """Return the config that a run in `folder` takes.

    It is the folder's config.yaml, into which Snakemake merges the files `named` on the
    command line; without one the first of those; and without any `default`.
    Raises `ThawError` if the folder has a config.yml only, which would not be read.
    """
    beside = folder / "config.yaml"
    # A link to nowhere is a config that cannot be read, not one that is not there.
    if os.path.lexists(beside):
        return beside
    if named:
        return named[0]
    other = folder / "config.yml"
    if other.exists():
        raise wrong([f"{other.absolute()} is not read; name it config.yaml"])
    return default


def read(file: Path) -> dict[str, Any]:
    """Return the config in a file.

    Raises `ThawError` if the file cannot be read as a config, or not as it looks.
    """
    try:
        config = _Loader(file.read_text(encoding="utf-8")).get_single_data()
        if not isinstance(config, dict):
            raise yaml.YAMLError("it holds no keys")
    except yaml.MarkedYAMLError as error:
        mark, reason = error.problem_mark, str(error.problem)
        if mark:
            reason = f"line {mark.line + 1}, column {mark.column + 1}: {reason}"
    except (yaml.YAMLError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    except Exception as error:
        # Bytes that are not UTF-8, a date such as 2026-13-01, lists nested too deeply.
        reason = f"a value in it is invalid ({error})"
    else:
        if YTE not in config:
            return config
        reason = f"Thaw runs no Python from it; remove {YTE}, and write values"
    raise wrong([f"{file}: cannot be read as a config: {reason}"])


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in its group.

    YAML readers silently keep the last one, so a copied block whose name was not
    changed would replace the original.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        names = set()
        for key, _ in node.value:
            # A list as a key is refused when values are made.
            name = str(key.value)
            if name in names:
                words = f"{shown(name)} is there twice; remove or rename one"
                raise yaml.MarkedYAMLError(problem=words, problem_mark=key.start_mark)
            names.add(name)
        return super().construct_mapping(node, deep)


def with_numbers(commanded: Any) -> Any:
    """Return settings of the command line, numbers and booleans read as YAML does.

    Snakemake takes all values in a group or list for text.
    """
    match commanded:
        case dict():
            return {key: with_numbers(value) for key, value in commanded.items()}
        case list():
            return [with_numbers(value) for value in commanded]
        case str():
            try:
                value = yaml.safe_load(commanded)
            except yaml.YAMLError:
                return commanded
            return value if isinstance(value, bool | int | float) else commanded
    return commanded
