"""Leftovers in `results/`: files that no study of the config uses any more."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from thaw.output.files import TEMPORARY
from thaw.output.paths import SUFFIXES
from thaw.plan.outputs import (
    ANSWERS,
    FIGURES,
    FREEZE_MAP,
    GATHER,
    GATHERED,
    OF_A_RANKING,
    OF_A_STUDY,
    PAGE,
    PROBLEMS,
    REPORT,
    STUDY_PAGE,
    TABLES,
    files_of,
)
from thaw.plan.plan import Plan

# The files that Thaw makes, with wildcards in braces.
KEYED = (
    "problems/{name}-{key}.npz",
    "networks/{name}-{key}.json",
    "overlaps/{name}-{key}.json",
    "transferability/{name}-{key}.json",
    "source-models/{name}-{key}/{tile}{suffix}",
    "repeats/{name}/{name}-{key}/{tile}{suffix}",
)
KEYED_FOLDERS = ("source-models/", "repeats/")
WILDCARDS = {
    "key": "[0-9a-f]{12}",
    "tile": "[a-z]+-[0-9]+-[0-9]+(?:-[a-z]+-[0-9]+-[0-9]+)?",
    "suffix": "|".join(map(re.escape, SUFFIXES)),
}


def leftovers(plan: Plan, results: Path) -> Iterator[Path]:
    """Yield the files below `results` that Thaw made and that the config does not use.

    Temporary files of killed jobs are leftovers, too. All other files are not Thaw's,
    and are left alone. So are all files of a key of which something is missing: if jobs
    are cut differently now, they may be the only copy.
    """
    pattern, wanted = re.compile("|".join(map(_pattern, made()))), {*used(plan)}
    unfinished = {
        Path(name).parent
        for name in wanted
        if name.startswith(KEYED_FOLDERS) and not (results / name).exists()
    }
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        temporary = TEMPORARY.fullmatch(path.name)
        if temporary:
            name = str(Path(name).with_name("".join(temporary.groups())))
        is_file = path.is_file() or path.is_symlink()
        kept = name in wanted or Path(name).parent in unfinished
        if is_file and pattern.fullmatch(name) and (temporary or not kept):
            yield path


def made() -> Iterator[str]:
    """Yield the files that Thaw made, below `results/`."""
    yield from KEYED
    for folder, names in (
        ("{name}/", [*GATHERED, *files_of([*OF_A_STUDY, *OF_A_RANKING, STUDY_PAGE])]),
        ("maps/{name}/", files_of([FREEZE_MAP])),
        ("problems/", files_of([PROBLEMS])),
        ("", files_of([ANSWERS, REPORT])),
    ):
        stages = (GATHER, TABLES, FIGURES, PAGE)
        records = [f"records/{stage}.json" for stage in stages]
        yield from (f"{folder}{name}" for name in (*names, *records))


def used(plan: Plan) -> Iterator[str]:
    """Yield all files that a config needs, below `results/`."""
    yield from plan.problems.paths
    for one in plan.made.values():
        yield from (*one.files, one.record)
    for study in plan.studies.values():
        yield from (*study.check_file, *study.overlap_file)
        yield from study.transferability_file
        yield from (*study.written, *study.model_files, *study.weights)


def _pattern(path: str) -> str:
    """Return the regular expression of a path with wildcards in braces.

    A wildcard matches anything without a slash, except for the named ones.
    """
    parts = re.split(r"\{(\w+)\}", path)
    return "".join(
        f"(?:{WILDCARDS.get(part, '[^/]+')})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


def by_folder(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return files by their folder."""
    folders: dict[Path, list[Path]] = {}
    for path in sorted(paths):
        folders.setdefault(path.parent, []).append(path)
    return folders
