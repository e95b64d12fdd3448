"""Before a run: settings files brought up to date, and what stands in its way."""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from thaw.errors import ThawError
from thaw.leftovers import in_folder, leftovers
from thaw.output.files import end_future
from thaw.output.settings import settle, tell
from thaw.plan import Plan


def refuse_files_for_folders(results: Path, studies: Iterable[str]) -> None:
    """Raise `ThawError` for a file that is in the place of a folder.

    Snakemake would fail without a word.
    """
    names = ("problems", "networks", "source-models", "repeats", *studies)
    for folder in (results, results.with_name("logs"), *map(results.joinpath, names)):
        if folder.exists() and not folder.is_dir():
            raise ThawError(
                f"{folder} is a file, and a folder of that name is needed: move it away"
            )


def settle_all(
    plan: Plan, results: Path, outputs: Callable[[str], Iterable[str]]
) -> None:
    """Bring file times and the settings files of all tables and figures up to date.

    `outputs` returns what a stage makes below `results`, with wildcards in braces.
    Raises `OSError` where they cannot be written.
    """
    end_future(results)
    for (stage, folder), made in plan.tables.items():
        settle(
            results / folder / "settings" / f"{stage}.json",
            results / folder / "records" / f"{stage}.json",
            made.recipe,
            [results / path for path in in_folder(outputs(stage), folder)],
        )
    recipe = leftovers(plan, outputs).recipe
    tell(results / "settings" / "leftovers.json", recipe)


def orphans(executor: str) -> str:
    """Return how to cancel what an earlier run of this folder left in Slurm's queue.

    A run that was killed cannot cancel its jobs. They spoil nothing, but what this run
    starts as well is made twice.
    """
    if executor != "slurm" or not shutil.which("squeue"):
        return ""
    # Snakemake names all jobs of a run by the run, and comments each with its rule.
    command = ["squeue", "--me", "--noheader", "--format=%j|%k|%Z"]
    queue = subprocess.run(command, capture_output=True, text=True).stdout
    jobs = [line.split("|", 2) for line in queue.splitlines()]
    runs = {
        name
        for name, comment, folder in jobs
        if comment.startswith("rule_") and Path(folder) == Path.cwd()
    }
    if not runs:
        return ""
    return (
        "Jobs of an earlier run of this folder are still in Slurm's queue. To "
        f"cancel them: scancel --name={','.join(sorted(runs))}"
    )
