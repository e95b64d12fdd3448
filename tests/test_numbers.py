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
            "repeats": 3,
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
    """Results gathered with one job for each repeat on two cores."""
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
    """Return the scores of a variant by address: source model, then repeat."""
    text = project.results(f"{study}/scores.csv").popitem()[1].decode()
    table = [line.split(",")[1:] for line in text.splitlines()]
    return {(*row[2:4],): row for row in table if row[0] == variant}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A study grown in each direction, beside one that cuts the same jobs differently.

    Before it grew, its results and when each was written.
    """
    study = CONFIG["studies"]["study"] | {"source_models": 4, "repeats_per_job": 3}
    folder = tmp_path_factory.mktemp("grown") / "project"
    project = new_project(folder, CONFIG | {"studies": {"study": study}})
    project.snakemake("scores", "--cores", "2")
    before = project.results("**/*.*")
    results = project.folder / "results"
    times = {name: (results / name).stat().st_mtime_ns for name in before}
    study |= {"variants": ["fixed-0", "standalone", "fixed-1"]}
    study |= {"source_models": 5, "repeats": 4}
    added = study | {"variants": ["fixed-0", "fixed-1"], "repeats_per_job": 2}
    added |= {"source_models": 2, "repeats": 2}
    project.change("studies", to={"added": added, "study": study})
    project.snakemake("scores", "--cores", "2")
    return project, before, times


def test_what_was_trained_before_it_grew_is_used_and_untouched(grown):
    project, before, times = grown
    kept = [name for name in before if name.startswith(("repeats", "source-models"))]
    # Of 4 × 3, a tile of source model 0 and three of the others; of each, three files,
    # and of a tile of source models four.
    assert len(kept) == 2 * 4 * 3 + 2 * 4
    after, results = project.results("**/*.*"), project.folder / "results"
    for name in kept:
        assert after[name] == before[name]
        assert (results / name).stat().st_mtime_ns == times[name]
    assert not project.stale("scores")


def test_it_has_the_numbers_of_one_that_began_as_large(grown, tmp_path):
    project, _, _ = grown
    alone = CONFIG | {"studies": {"study": project.config["studies"]["study"]}}
    fresh = new_project(tmp_path / "fresh", alone)
    options = ("--config", "repeats_per_job=auto", "--cores", "2")
    made = gathered(fresh, *options)
    assert made == project.results("study/*.*")


def test_studies_that_cut_their_jobs_differently_have_the_same_scores(grown):
    """They share keys, and each finds the files of its own source models."""
    project, _, _ = grown
    ours, theirs = (rows(project, study, "fixed-1") for study in ("added", "study"))
    assert ours == {address: theirs[address] for address in ours}
    assert {*ours} == {(model, repeat) for model in "01" for repeat in "01"}
    assert theirs.items().isdisjoint(rows(project, "study", "standalone").items())
    assert len(project.results("repeats/two/fixed-1-*/*.csv")) == 4 + 4 + 2
