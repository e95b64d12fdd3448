"""Failures on one machine: cause each, look at how it ends, and go on from there.

    python tests/failures.py --rounds 3 --seed 1

Each round goes through all of FAILURES with a fresh folder for each; the variable parts
(the full disk, the file in the wrong place, the time of a kill) are drawn anew. A run
that fails must end with status 1, the line that names the failure, and no traceback;
and once the failure is mended, the next run must make every file, byte for byte as
without any failure, and leave nothing else. Then, as in the drill, the config is
changed at random, twice, and each time the run must again make every file as a fresh
folder would, train nothing that is there, and say what it trains again because a
study's end had cut its job. Failures that cannot be caused here, such as a full disk
without the right to mount one, are visibly skipped.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil
import yaml

from conftest import (
    ONE_JOB_CONFIG,
    Project,
    new_project,
    told_again,
    trained_again,
)
from random_config import changed

PATIENCE = 600  # seconds
CHANGES = 2  # of the config, after the failure is mended


class SkippedError(Exception):
    """A failure that cannot be caused on this machine."""


def expected(target: str, config: dict = ONE_JOB_CONFIG) -> dict[str, bytes]:
    """Return all files of a run without failures, by path."""
    return _expected(target, yaml.safe_dump(config, sort_keys=False))


@cache
def _expected(target: str, config: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(Path(folder, "project"), yaml.safe_load(config))
        project.snakemake("--cores", "2", target)
        return project.results("**/*.*")


class Case:
    """A project that is to fail, its target, and the random choices.

    So many `changes` of the config follow after the failure is mended.
    """

    def __init__(
        self,
        folder: Path,
        rng: random.Random,
        target: str = "scores",
        changes: int = 0,
    ):
        self.rng, self.target, self.parent, self.changes = rng, target, folder, changes
        self.project = new_project(folder / "project", ONE_JOB_CONFIG)

    @property
    def results(self) -> Path:
        return self.project.folder / "results"

    def run(self):
        return self.project.snakemake("--cores", "2", self.target, check=False)

    def ends_with(self, line: str) -> None:
        """Check that a run fails, and says why in a line and without a traceback."""
        done = self.run()
        check_end(done.returncode, done.stdout + done.stderr, line)

    def is_right(self, keeps: bool = True) -> None:
        """Check that the next run makes all, byte for byte, and leaves nothing else.

        Then check the same, except for files of other configs, after the config
        changes.
        keeps: whether it must train nothing again that lies there.
        """
        found = self.goes_on(keeps)
        left = [*(found.keys() - expected(self.target).keys())]
        assert not left, f"left over: {left}"
        for _ in range(self.changes):
            self.project.config, _ = changed(self.project.config, self.rng)
            self.goes_on()

    def goes_on(self, keeps: bool = True) -> dict[str, bytes]:
        """Check that a run makes all and trains nothing again; return its files."""
        before = self.trained()
        done = self.run()
        assert done.returncode == 0, done.stdout + done.stderr
        found = self.project.results("**/*.*")
        right = expected(self.target, self.project.config)
        wrong = {path for path in right if found.get(path) != right[path]}
        assert not wrong, f"missing or wrong: {sorted(wrong)}"
        after = self.trained()
        again = [path for path, when in before.items() if after.get(path) != when]
        assert not (again and keeps), f"lost or trained again: {again}"
        unsaid = trained_again({*before}, {*after}) - told_again(done.stderr)
        assert unsaid <= 0, f"{unsaid} trained again unsaid: {done.stderr}"
        hidden = [*self.results.glob("**/.*")]
        assert not hidden, f"left over: {hidden}"
        return found

    def trained(self) -> dict[str, int]:
        """Return all scores, and when they were written."""
        return {
            str(path.relative_to(self.results)): path.stat().st_mtime_ns
            for kind in ("repeats", "source-models")
            for path in (self.results / kind).rglob("*.csv")
        }

    def start(self) -> subprocess.Popen:
        """Start a run and return at once."""
        return subprocess.Popen(
            self.project.command("--cores", "1", self.target),
            cwd=self.project.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def jobs(self, stage: str) -> list[psutil.Process]:
        """Return the processes of this project that are at a stage."""
        return [
            process
            for process in psutil.process_iter(["cwd", "cmdline"])
            if process.info["cwd"] == str(self.project.folder.resolve())
            and f"thaw.stages.{stage}" in process.info["cmdline"]
        ]

    def wait_for_job(self, stage: str, run: subprocess.Popen) -> psutil.Process:
        """Return a job of a stage as soon as there is one."""
        end = time.monotonic() + PATIENCE
        while not (jobs := self.jobs(stage)):
            assert run.poll() is None, run.stdout.read()
            assert time.monotonic() < end, f"no job {stage}"
            time.sleep(0.02)
        return jobs[0]


def check_end(status: int, said: str, line: str) -> None:
    """Check that a run failed, with the reason in a line and without a traceback."""
    assert status == 1, said
    lines = [one.strip() for one in said.splitlines()]
    assert any(one.startswith((line, f"error: {line}")) for one in lines), said
    assert "Traceback" not in said, said


@contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Yield a folder that is a small disk of its own."""
    if os.geteuid() != 0:
        raise SkippedError("only root mounts file systems")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        raise SkippedError("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder: Path, options: str) -> None:
    command = ["mount", "-o", f"remount,{options}", folder]
    subprocess.run(command, check=True, capture_output=True)


def full_disk(case: Case) -> str:
    """The results lie on a disk that is too small for them, by a random amount.

    The logs may lie there, too, so that a job has no space to report the error.
    """
    pages = sum(-(-len(data) // 4096) for data in expected(case.target).values())
    size = 4 * case.rng.randrange(1, pages)
    folders = case.rng.choice([["results"], ["results", "logs"]])
    with disk(case.parent / "disk", size) as small:
        for name in folders:
            (small / name).mkdir()
            (case.project.folder / name).symlink_to(small / name)
        done = case.run()
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert re.search("No space left on device|The disk on which .* is full", said)
        assert "Traceback" not in said, said
        remount(small, "size=64m")
        case.is_right()
    return f"{' and '.join(folders)} in {size} KB; results are {4 * pages}"


def read_only(case: Case) -> str:
    """The results are read-only, from the beginning or once some are made."""
    begun = case.rng.random() < 0.5
    with disk(case.parent / "disk", 65536) as small:
        case.results.symlink_to(small)
        if begun:
            case.project.snakemake(
                "--cores", "2", case.target, "--until", "make_problem"
            )
        remount(small, "ro")
        where = "results" if begun else "results/"
        case.ends_with(where)
        remount(small, "rw")
        case.is_right()
    return "when begun" if begun else "from the beginning"


def linked(case: Case) -> str:
    """The results are a link to a folder elsewhere, missing at first."""
    elsewhere = case.parent / "elsewhere"
    case.results.symlink_to(elsewhere)
    case.ends_with("results is a link to")
    elsewhere.mkdir()
    case.is_right()
    assert case.results.is_symlink()
    return ""


def file_for_folder(case: Case) -> str:
    """A file lies in the place of a folder, in one place after the other."""
    paths = map(Path, expected(case.target))
    folders = {parent for path in paths for parent in path.parents}
    of_logs = {f for f in folders if f.name != "records"}
    places = {"results" / f for f in folders} | {"logs" / f for f in of_logs}
    # Outer ones first, because an inner one has them made as folders.
    some = sorted(case.rng.sample(sorted(places), 3))
    for place in some:
        path = case.project.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        case.ends_with(f"{place} is a file, and a folder of that name is needed")
        path.unlink()
    case.is_right()
    return ", ".join(map(str, some))


PATHS = {
    "quotes and more": 'it\'s "odd"\n$HOME & *; #\\ %s ü',
    "1,800 characters": "/".join(["long" * 50] * 9),
}


def odd_path(case: Case) -> str:
    """The folder has a path that shells, or some programs, do not like."""
    name = case.rng.choice([*PATHS])
    in_path(case, PATHS[name])
    return name


def in_path(case: Case, path: str) -> None:
    folder = case.parent / path
    folder.parent.mkdir(parents=True, exist_ok=True)
    case.project.folder.rename(folder)
    case.project = Project(folder)
    case.is_right()


def braces(case: Case) -> str:
    """The folder has braces in its path, which Snakemake cannot handle."""
    plain, odd = case.project.folder, case.parent / "{braces}"
    plain.rename(odd)
    case.project = Project(odd)
    case.ends_with("Snakemake runs no workflow from a folder with braces")
    odd.rename(plain)
    case.project = Project(plain)
    case.is_right()
    return ""


def two_runs(case: Case) -> str:
    """A second run, of another config, starts while the first one goes on."""
    with case.start() as first:
        job = case.wait_for_job(case.rng.choice(["make_problem", "train"]), first)
        job.suspend()
        case.project.config = ONE_JOB_CONFIG | {"seed": 2, "margin": 0.5}
        done = case.run()
        case.project.config = ONE_JOB_CONFIG
        said = done.stdout + done.stderr
        check_end(done.returncode, said, "Error: Directory cannot be locked")
        job.resume()
        said = first.communicate(timeout=PATIENCE)[0]
        assert first.returncode == 0, said
    case.is_right()
    return ""


def clock(case: Case) -> str:
    """The clock jumps while a job runs: existing files have other times by then."""
    hours = case.rng.choice([-10_000, -2, 2, 10_000])
    stage = case.rng.choice(["train", "gather"])
    with case.start() as run:
        job = case.wait_for_job(stage, run)
        job.suspend()
        now = time.time() + 3600 * hours
        for path in case.results.rglob("*"):
            os.utime(path, (now, now))
        job.resume()
        said = run.communicate(timeout=PATIENCE)[0]
    if run.returncode:
        check_end(run.returncode, said, "Output results/")
        assert "clock skew problem" in said, said
    # A job whose output seemed to have another time has failed, and runs again.
    case.is_right(keeps=not run.returncode)
    assert not case.project.stale(case.target)
    return f"{hours} h at {stage}, status {run.returncode}"


def killed(case: Case) -> str:
    """A job is killed, as by a system that is out of memory."""
    stage, delay = case.rng.choice(["train", "train", "gather"]), case.rng.random()
    with case.start() as run:
        job = case.wait_for_job(stage, run)
        time.sleep(delay / 2)
        with suppress(psutil.NoSuchProcess):
            job.kill()
        said = run.communicate(timeout=PATIENCE)[0]
    if run.returncode:  # Otherwise it had ended before it was killed.
        line = "error: killed, most likely because memory ran out"
        check_end(run.returncode, said, line)
    case.is_right()
    return stage


FAILURES: dict[str, Callable[[Case], str]] = {
    "full disk": full_disk,
    "read-only results": read_only,
    "results linked elsewhere": linked,
    "file for a folder": file_for_folder,
    "odd path": odd_path,
    "braces in the path": braces,
    "two runs at once": two_runs,
    "clock that jumps": clock,
    "job killed": killed,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", choices=[*FAILURES], action="append", help="this failure, not all"
    )
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong = 0
    for number in range(args.rounds):
        for name in args.only or FAILURES:
            rng = random.Random(f"{args.seed} {number} {name}")
            folder = Path(tempfile.mkdtemp(prefix="thaw-failure-"))
            target = rng.choice(["scores", "tables", "all"])
            began = time.monotonic()
            try:
                how = FAILURES[name](Case(folder, rng, target, CHANGES))
            except SkippedError as reason:
                how = f"SKIPPED: {reason}"
                counts["skipped"] += 1
            except (AssertionError, subprocess.SubprocessError) as error:
                how = f"WRONG, see {folder}\n{error}"
                wrong += 1
            else:
                counts[name] += 1
                shutil.rmtree(folder)
            seconds = time.monotonic() - began
            print(f"{number}: {name} ({target}) {how} | {seconds:.0f} s", flush=True)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{wrong} wrong; ended with one line and went on right: {told}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
