"""The same numbers everywhere: job sizes, cores, kills, and additions to the config."""

import copy

import pytest

from projects import SMALL_CONFIG

STUDY = {
    "source": "one",
    "target": "two",
    "variants": ["standalone", "fixed-1"],
    "repeats": 3,
    "source_models": 2,
}


def config_of(**studies):
    return copy.deepcopy(SMALL_CONFIG) | {"studies": studies}


@pytest.fixture(scope="module")
def expected(store):
    """The bytes of what a study gathers, with one job for each repeat."""
    project = store.finished(config_of(study=STUDY), "scores")
    return project.results("study/*.*")


@pytest.mark.parametrize("size", [4, "auto"])
def test_the_size_of_jobs_changes_nothing(store, expected, size):
    config = config_of(study=STUDY) | {"repeats_per_job": size}
    assert store.finished(config, "scores").results("study/*.*") == expected


def test_a_study_that_grew_has_the_numbers_of_one_that_began_as_large(store, tmp_path):
    """In each direction, beside a study that cuts the same jobs differently."""
    study = STUDY | {"source_models": 4, "repeats_per_job": 3}
    begun = config_of(study=study)
    project = store.copy(tmp_path / "project", begun, "scores")
    before, results = project.results("**/*.*"), project.folder / "results"
    times = {name: (results / name).stat().st_mtime_ns for name in before}

    study |= {"variants": ["fixed-0", "standalone", "fixed-1"]}
    study |= {"source_models": 5, "repeats": 4}
    added = study | {"repeats_per_job": 2, "source_models": 2, "repeats": 2}
    project.change("studies", to={"added": added, "study": study})
    project.make("scores")
    after = project.results("**/*.*")

    # Earlier networks are used, and untouched. Of 4 × 3, a tile of source model
    # 0 and three of the others; three files of each, four of a tile of source models.
    kept = [name for name in before if name.startswith(("repeats", "source-models"))]
    assert len(kept) == 2 * 4 * 3 + 2 * 4
    for name in kept:
        assert after[name] == before[name]
        assert (results / name).stat().st_mtime_ns == times[name]
    assert not project.stale("scores")

    large = config_of(study=study | {"repeats_per_job": "auto"})
    begun_as_large = store.finished(large, "scores")
    assert begun_as_large.results("study/*.*") == project.results("study/*.*")

    # The studies share keys, and each finds the files of its own source models.
    part, whole = (
        after[f"{name}/scores.csv"].decode().replace(f"{name},", "").splitlines()
        for name in ("added", "study")
    )
    assert len(part) == 1 + 3 * 2 * 2 and {*part[1:]} < {*whole}
