"""The same numbers everywhere: job sizes, cores, kills, and additions to the config."""

import copy

import pytest

from conftest import SMALL_CONFIG, new_project

CONFIG = copy.deepcopy(SMALL_CONFIG) | {
    "studies": {
        "study": {
            "source": "one",
            "target": "two",
            "variants": ["standalone", "fixed-1"],
            "repeats": 6,
            "source_models": 2,
        }
    }
}


def gathered(project, *arguments):
    """Gather the study and return the bytes of all that lies in its folder."""
    project.snakemake("scores", *arguments)
    return project.results("study/*.*")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What is gathered with one job a repeat on two cores."""
    project = new_project(tmp_path_factory.mktemp("numbers") / "project", CONFIG)
    return gathered(project, "--cores", "2")


@pytest.mark.parametrize(("size", "cores"), [("4", "1"), ("auto", "2")])
def test_job_size_and_cores_change_nothing(tmp_path, expected, size, cores):
    project = new_project(tmp_path / "project", CONFIG)
    options = ("--cores", cores, "--config", f"repeats_per_job={size}")
    assert gathered(project, *options) == expected


def test_a_run_that_was_killed_goes_on(tmp_path, expected):
    project = new_project(tmp_path / "project", CONFIG)
    project.start_and_kill("repeats/**/*.csv", "scores", "--cores", "2")
    done = len(project.results("repeats/**/*.csv"))
    assert 0 < done < 12
    assert not project.results("study/scores.csv")
    project.snakemake("--unlock")
    planned = [job for job in project.stale("scores") if job.startswith("train")]
    assert len(planned) <= 12 - done + 2  # at most two were cut off while recorded
    assert gathered(project, "--cores", "2") == expected


def rows(project, study, variant):
    """Return the scores of a variant without the study's name."""
    text = project.results(f"{study}/scores.csv").popitem()[1].decode()
    table = [line.split(",")[1:] for line in text.splitlines()]
    return [row for row in table if row[0] == variant]


def test_additions_change_no_existing_score(tmp_path):
    project = new_project(tmp_path / "project", CONFIG | {"repeats_per_job": 30})
    project.snakemake("scores", "--cores", "2")
    before = {name: rows(project, "study", name) for name in ("standalone", "fixed-1")}
    study = CONFIG["studies"]["study"]
    added = study | {"variants": ["fixed-0", "fixed-1"], "repeats": 4}
    grown = study | {"variants": ["fixed-0", "standalone", "fixed-1"], "repeats": 8}
    project.change("studies", to={"added": added, "study": grown})
    project.snakemake("scores", "--cores", "2")
    for name, scores in before.items():
        assert rows(project, "study", name)[:6] == scores
        assert len(rows(project, "study", name)) == 8
    assert rows(project, "added", "fixed-1") == before["fixed-1"][:4]
    assert before["fixed-1"] != before["standalone"]
