"""Failures on one machine: a run ends with a line, and the next one makes all of it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import send, wait_until, working_in
from projects import LIMIT, ONE_JOB_CONFIG, Project, new_project

TARGET = "scores"


@pytest.fixture
def project(tmp_path) -> Project:
    return new_project(tmp_path / "project", ONE_JOB_CONFIG)


@pytest.fixture(scope="module")
def expected(store) -> dict[str, bytes]:
    """All result files of a run without failures, by path."""
    return store.finished(ONE_JOB_CONFIG, TARGET).results("**/*.*")


def test_a_link_to_no_folder_is_named_and_one_to_a_folder_followed(project, expected):
    results, elsewhere = project.folder / "results", project.folder / "elsewhere"
    results.symlink_to(elsewhere)
    assert_failed(*run(project), "error: results cannot be written: File exists")
    elsewhere.mkdir()
    project.make(TARGET)
    assert results.is_symlink()
    assert project.results("**/*.*") == expected


def run(project: Project) -> tuple[int, str]:
    done = project.snakemake("--cores", "2", TARGET, check=False)
    return done.returncode, done.stdout + done.stderr


def assert_failed(status: int, output: str, line: str) -> None:
    """Assert that a run failed, with the reason in a line and without a traceback."""
    assert status == 1, output
    assert re.search(line, output), output
    assert "Traceback" not in output, output


def assert_right(project: Project, expected: dict[str, bytes]) -> None:
    """Assert that the next run makes all, leaves nothing else, and keeps what is there.

    Times say so of scores, because a file that is trained again has the same bytes.
    """

    scores = [*project.folder.glob("results/repeats/**/*.csv")]
    before = [path.stat().st_mtime_ns for path in scores]
    status, output = run(project)
    assert status == 0, output
    assert project.results("**/*.*") == expected
    assert before == [path.stat().st_mtime_ns for path in scores]
    assert not [*project.folder.glob("results/**/.*")]


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of its own, in memory, whose size `remount` sets."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root mounts file systems, and not everywhere")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "option", "mended", "line"),
    [
        (0.1, "rw", "size=64m", "No space left on device|The disk on which .* is full"),
        (0.9, "rw", "size=64m", "No space left on device|The disk on which .* is full"),
        (9, "ro", "rw", "error: .*results cannot be written: Read-only"),
    ],
    ids=["full", "nearly full", "read-only"],
)
def test_a_disk_that_is(share, option, mended, line, project, expected, disk):
    """A full disk holds the logs, too: a job has no space to report the error."""
    pages = sum(-(-len(data) // 4096) for data in expected.values())
    option += f",size={max(4, int(share * 4 * pages))}k"
    for name in ("results", "logs") if "rw" in option else ("results",):
        (disk / name).mkdir()
        (project.folder / name).symlink_to(disk / name)
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)
    assert_failed(*run(project), line)
    subprocess.run(["mount", "-o", f"remount,{mended}", disk], check=True)
    assert_right(project, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ['it\'s "odd"\n$HOME & *; #\\ %s ü', "/".join(["long" * 50] * 9)],
    ids=["quotes and more", "1,800 characters"],
)
def test_an_odd_path(path, project, expected, tmp_path):
    folder = tmp_path / path
    folder.parent.mkdir(parents=True, exist_ok=True)
    assert_right(Project(project.folder.rename(folder)), expected)


@pytest.mark.slow
def test_a_job_killed_for_its_memory_and_a_second_run_beside_it(project, expected):
    """A signal stands in for a system that is out of memory."""
    project.change("training", "epochs", to=10**6)
    command = project.command("--cores", "1", TARGET)
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=project.folder, **pipe) as process:
        wait_until(lambda: working_in(project.folder, "train"), process)
        project.config = ONE_JOB_CONFIG | {"seed": 2}
        assert_failed(*run(project), "Error: Directory cannot be locked")
        send(signal.SIGKILL, working_in(project.folder, "train"))
        output = process.communicate(timeout=LIMIT)[0]
    line = "error: killed, most likely because memory ran out"
    assert_failed(process.returncode, output, line)
    assert not project.results("repeats/**/*.*")
    project.config = ONE_JOB_CONFIG
    assert_right(project, expected)
