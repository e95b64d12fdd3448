"""Which file the config is, and whether it can be read.

Snakemake reads the config before a workflow can say a word: where the file does not
parse, it hides the line; of a key that stands twice it takes the last; and where the
file says `__use_yte__: true`, it runs the Python in it, even in a dry run. So these
checks come before Snakemake's `configfile:`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from thaw.config.messages import path, wrong
from thaw.errors import ThawError

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
        loader = yaml.SafeLoader(file.read_text(encoding="utf-8"))
        document = loader.get_single_node()
        if not isinstance(document, yaml.MappingNode):
            raise yaml.YAMLError("it holds no keys")
        mistakes = list(_twice(document, (), file))
        config = loader.construct_document(document)
    except yaml.YAMLError as error:
        raise _unreadable(file, _with_line(error)) from None
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from None
    except Exception as error:
        # Bytes that are not UTF-8, a date such as 2026-13-01, lists nested too deeply.
        reason = f"a value in it is invalid ({error})"
        raise _unreadable(file, reason) from None
    if YTE in config:
        mistakes.append(
            f"{YTE}: Thaw runs no Python from {file}; remove this key, and write values"
        )
    if mistakes:
        raise wrong(mistakes)
    return config


def with_values_read(value: Any, commanded: Any) -> Any:
    """Return a config, or a part of it, as the command line set it.

    `commanded` is what it set. Snakemake reads a number or boolean by itself as one,
    and takes all values in a group or list for text, which is read again here.
    """
    match commanded:
        case dict():
            return {k: with_values_read(v, commanded.get(k)) for k, v in value.items()}
        case list():
            return [with_values_read(entry, entry) for entry in value]
        case str():
            try:
                number = yaml.safe_load(commanded)
            except yaml.YAMLError:
                return value
            return number if isinstance(number, bool | int | float) else value
    return value


def _unreadable(file: Path, reason: str) -> ThawError:
    return wrong([f"{file}: cannot be read as a config: {reason}"])


def _with_line(error: yaml.YAMLError) -> str:
    """Return the line, the column and what is wrong there."""
    match error:
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark() as mark):
            return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(error)


def _twice(node: yaml.Node, place: tuple[str | int, ...], file: Path) -> Iterator[str]:
    """Yield keys that stand twice in their group.

    YAML readers silently keep the last one, so a copied block whose name was not
    changed would replace the original.
    """
    match node:
        case yaml.SequenceNode():
            for number, entry in enumerate(node.value):
                yield from _twice(entry, (*place, number), file)
        case yaml.MappingNode():
            names = set()
            for key, value in node.value:
                # A list as a key is refused when values are made.
                name = str(key.value)
                here = (*place, name)
                if name in names:
                    line = key.start_mark.line + 1
                    yield (
                        f"{path(here)}: is there twice, again in line {line} of "
                        f"{file}; remove or rename one"
                    )
                names.add(name)
                yield from _twice(value, here, file)
