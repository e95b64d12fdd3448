"""List, or delete, what no study of the config uses any more.

The settings say which paths are `made` by Thaw, with wildcards in braces, and which of
them are `used`; of what is `trained`, where the files begin, how many networks they
hold and how these are shared out among jobs. Temporary files of killed jobs are left
over, too. Whatever else lies in the folder is not Thaw's, and is left alone.
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thaw import keys
from thaw.output.files import TEMPORARY
from thaw.output.paths import jobs
from thaw.output.settings import load_settings
from thaw.stages.command import run, stage_parser

# What stands for a wildcard; anything without a slash but for these.
WILDCARDS = {"key": "[0-9a-f]{12}", "first": "[0-9]+", "last": "[0-9]+"}

# The files of a job that trains.
SUFFIXES = (".csv", ".history.npz", ".safetensors")

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def main(args: argparse.Namespace) -> None:
    """List the leftovers by folder; delete them if asked to."""
    recipe = load_settings(args.results / "settings" / "leftovers.json", args.key)
    keys.check("leftovers", recipe, args.key)
    folders: dict[Path, list[int]] = {}
    for path in sorted(leftovers(args.results, recipe["settings"])):
        size = path.lstat().st_size
        if args.delete:
            path.unlink()
        folders.setdefault(path.parent, []).append(size)
    for folder, sizes in folders.items():
        print(f"{_count(sizes)}  {folder}")
        if args.delete:
            _delete_if_empty(folder, args.results)
    total = _count([size for sizes in folders.values() for size in sizes])
    if not folders:
        print("Nothing is left over: the config uses all results.")
    elif args.delete:
        print(f"{total} deleted")
    else:
        print(f"{total} that no study uses; `snakemake delete_leftovers` deletes them")


def leftovers(results: Path, settings: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the files below `results` that Thaw made and that are not used."""
    made = re.compile("|".join(map(_pattern, settings["made"])))
    used = {*settings["used"]}
    for begin, total, repeats_per_job in settings["trained"]:
        for job in jobs(total, repeats_per_job):
            used.update(f"{begin}{job.stem}{suffix}" for suffix in SUFFIXES)
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        temporary = TEMPORARY.fullmatch(path.name)
        if temporary:
            name = str(Path(name).with_name("".join(temporary.groups())))
        is_file = path.is_file() or path.is_symlink()
        if is_file and made.fullmatch(name) and (temporary or name not in used):
            yield path


def _delete_if_empty(folder: Path, top: Path) -> None:
    """Delete a folder, and those above it up to `top`, as far as nothing is in them."""
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _pattern(path: str) -> str:
    """Return the regular expression of a path with wildcards in braces."""
    parts = re.split(r"\{(\w+)\}", path)
    return "".join(
        f"(?:{WILDCARDS.get(part, '[^/]+')})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


def _count(sizes: list[int]) -> str:
    """Return how many files there are, and how large they are together."""
    size, unit = float(sum(sizes)), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    files = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
    return f"{files}, {size:.{1 if unit else 0}f} {UNITS[unit]}"


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="the folder")
    parser.add_argument("--delete", action="store_true", help="delete, not only list")
    args = parser.parse_args()
    run(lambda: main(args))
