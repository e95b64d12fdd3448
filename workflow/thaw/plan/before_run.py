"""Checks before a run: obstacles to it."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from thaw.errors import ThawError
from thaw.plan.plan import Plan


def refuse_files_for_folders(plan: Plan, results: Path) -> None:
    """Raise `ThawError` if a file, or a broken link, stands in the place of a folder.

    Snakemake would fail with a traceback, or without a word.
    """
    folders = {Path(made.record).parent for made in plan.made.values()}
    checks = ("networks", "overlaps", "transferability")
    folders |= {Path("problems"), *map(Path, checks)}
    folders |= {
        Path(stem).parent
        for study in plan.studies.values()
        for _, stem in (*study.training_jobs, *study.pretraining_jobs)
    }
    above = {parent for path in folders for parent in path.parents}
    for path in sorted(folders | above):
        for folder in (results / path, results.with_name("logs") / path):
            if folder.is_symlink() and not folder.exists():
                raise ThawError(
                    f"{folder} is a link to {folder.readlink()}, which is not there: "
                    "make that folder, or remove the link"
                )
            if folder.exists() and not folder.is_dir():
                raise ThawError(
                    f"{folder} is a file, and a folder of that name is needed: move it "
                    "away"
                )


def refuse_read_only(results: Path) -> None:
    """Raise `ThawError` if the results are not writable.

    Snakemake would fail with a traceback when the first job begins.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results).close()
    except OSError as error:
        raise ThawError(f"{results} cannot be written: {error.strerror}") from error


def orphans(executor: str) -> str:
    """Return how to cancel the jobs that an earlier run of this folder left in Slurm.

    A killed run cannot cancel its jobs. They spoil nothing, but work that this run
    starts as well is done twice.
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
