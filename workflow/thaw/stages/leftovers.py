"""List, or delete, the files that no study of the config uses any more."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from thaw.config.resolve import resolve
from thaw.plan.leftovers import by_folder, leftovers
from thaw.plan.plan import Plan
from thaw.stages.command import json_object, run

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def main(args: argparse.Namespace) -> None:
    """List the leftovers by folder, or delete them."""
    plan = Plan(resolve(args.config, args.commanded))
    folders = by_folder(leftovers(plan, args.results))
    sizes = {path: path.lstat().st_size for own in folders.values() for path in own}
    for folder, paths in folders.items():
        print(f"{count(sizes[path] for path in paths)}  {folder}")
        if args.delete:
            for path in paths:
                path.unlink()
            delete_if_empty(folder, args.results)
    if not folders:
        print("Nothing is left over: the config uses all results.")
    elif args.delete:
        print(f"{count(sizes.values())} deleted")
    else:
        print(
            f"{count(sizes.values())} that no study uses; "
            "`snakemake delete_leftovers` deletes them"
        )


def delete_if_empty(folder: Path, top: Path) -> None:
    """Delete a folder, and those above it up to `top`, if they are empty."""
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def count(sizes: Iterable[int]) -> str:
    """Return the number of files, and their size together."""
    found = [*sizes]
    size, unit = float(sum(found)), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    files = "1 file" if len(found) == 1 else f"{len(found)} files"
    return f"{files}, {size:.{1 if unit else 0}f} {UNITS[unit]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True, help="the folder")
    parser.add_argument(
        "--config", type=json_object, required=True, help="the config, as JSON"
    )
    parser.add_argument(
        "--commanded", nargs="*", default=[], help="keys that the command line set"
    )
    parser.add_argument("--delete", action="store_true", help="delete, not only list")
    args = parser.parse_args()
    run(lambda: main(args))
