"""Stages in conda environments; a stand-in makes them here."""

import os
from pathlib import Path

import pytest

import conda_stand_in
from conftest import ONE_JOB_CONFIG, Project, copy_project, new_project

STALE = {
    *("make_problem two", "gather_ahead"),
    "train two standalone models-00-00-repeats-00-00",
}


class CondaProject(Project):
    """A project that is run with `--sdm conda`."""

    def __init__(self, folder: Path, conda: Path):
        super().__init__(folder)
        self.conda = conda

    def snakemake(self, *arguments: str, **options):
        path = f"{self.conda / 'bin'}:{os.environ['PATH']}"
        arguments = ("scores", *arguments, "--sdm", "conda")
        return super().snakemake(*arguments, env=os.environ | {"PATH": path}, **options)


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> CondaProject:
    """A project that ran once."""
    folder = tmp_path_factory.mktemp("conda")
    conda_stand_in.install(folder / "conda")
    project = new_project(folder / "my project", ONE_JOB_CONFIG)
    found = CondaProject(project.folder, folder / "conda")
    found.snakemake("--cores", "2")
    return found


@pytest.fixture
def project(ran, tmp_path) -> CondaProject:
    copy_project(ran.folder, tmp_path / "my project")
    return CondaProject(tmp_path / "my project", ran.conda)


def test_stages_run_in_the_environment_and_make_the_same(ran, tmp_path):
    (note,) = ran.folder.glob(".snakemake/conda/*/ran")
    stages = {"make_problem", "train", "gather"}
    assert {*note.read_text().splitlines()} == {f"-m thaw.stages.{s}" for s in stages}
    plain = new_project(tmp_path / "plain", ONE_JOB_CONFIG)
    plain.snakemake("--cores", "2", "scores")
    assert ran.results("*/scores.csv") == plain.results("*/scores.csv") != {}


def test_nothing_is_stale_afterwards(project):
    with (project.folder / "workflow/envs/thaw.yaml").open("a") as file:
        file.write("\n# A remark.\n")
    assert not project.planned()


@pytest.mark.parametrize("name", ["thaw.yaml", "thaw.linux-64.pin.txt"])
def test_another_environment_makes_all_stale(name, project):
    with (project.folder / "workflow/envs" / name).open("a") as file:
        file.write("\n  - another\n")
    assert {*project.planned()} >= STALE


def test_what_was_made_without_conda_is_not_taken_for_the_same(project):
    assert Project(project.folder).stale("scores") >= STALE
