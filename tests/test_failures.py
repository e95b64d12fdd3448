"""What goes wrong on one machine ends with one line, and the next run is right."""

import os
import subprocess
import time

import psutil
import pytest

from conftest import ONE_JOB_CONFIG, Project, new_project


@pytest.fixture
def project(tmp_path) -> Project:
    return new_project(tmp_path / "project", ONE_JOB_CONFIG)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes]:
    """All that a run makes where nothing goes wrong."""
    project = new_project(tmp_path_factory.mktemp("right") / "project", ONE_JOB_CONFIG)
    project.snakemake("--cores", "2", "scores")
    return project.results("**/*.*")


def ends_with(project: Project, line: str) -> None:
    """Check that a run fails, and says why in a line and without a traceback."""
    done = project.snakemake("--cores", "2", "scores", check=False)
    assert done.returncode == 1
    assert any(said.startswith(line) for said in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def is_right(project: Project, expected: dict[str, bytes]) -> None:
    """Check that the next run makes all, byte for byte, and leaves nothing else."""
    project.snakemake("--cores", "2", "scores")
    assert project.results("**/*.*") == expected
    assert not [*project.folder.glob("results/**/.*")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_full_disk(project, expected, size, tmp_path):
    """The results lie on a disk of their own, of so many KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (project.folder / "results").symlink_to(disk)
    options = ("-t", "tmpfs", "-o", f"size={size}k", "tmpfs")
    if subprocess.run(["mount", *options, disk]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        done = project.snakemake("--cores", "2", "scores", check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert "No space left on device" in said
        assert "Traceback" not in said
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        is_right(project, expected)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("folder", ["results", "results/repeats", "logs"])
def test_a_file_in_the_place_of_a_folder(project, folder):
    path = project.folder / folder
    path.parent.mkdir(exist_ok=True)
    path.touch()
    ends_with(project, f"{folder} is a file, and a folder of that name is needed")


def test_a_path_with_braces(tmp_path):
    project = new_project(tmp_path / "{braces}", ONE_JOB_CONFIG)
    ends_with(project, "Snakemake runs no workflow from a folder with braces")


@pytest.mark.parametrize(
    "path",
    ['it\'s "odd"\n$HOME & *; #\\ %s ü', "/".join(["long" * 50] * 8)],
    ids=["odd", "long"],
)
def test_odd_paths(path, expected, tmp_path):
    project = new_project(tmp_path / path, ONE_JOB_CONFIG)
    is_right(project, expected)


@pytest.mark.parametrize("stage", ["train", "pretrain"])
def test_a_job_killed_for_its_memory(project, stage):
    """A signal stands in for a system that has no more memory."""
    project.change("training", "epochs", to=10**6)
    if stage == "pretrain":
        project.change("studies", "ahead", "variants", to=["fixed-0"])
    process = subprocess.Popen(
        project.command("--cores", "1", "scores"),
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        while not (jobs := training(project, stage)):
            assert process.poll() is None
            time.sleep(0.1)
        jobs[0].kill()
        said = process.stdout.read()
    assert process.returncode == 1
    assert "\nerror: killed, as a rule by the system for want of memory" in said
    assert not project.results("repeats/**/*.*")


def training(project: Project, stage: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cwd", "cmdline"])
        if process.info["cwd"] == str(project.folder.resolve())
        and f"thaw.stages.{stage}" in process.info["cmdline"]
    ]
