"""Test rows that stand among train rows: counted, named, and refused on request."""

import copy

import numpy as np
import pandas as pd
import pytest

from conftest import SMALL_CONFIG, Project, new_project
from thaw.config.resolve import resolve
from thaw.data.make import make_problem
from thaw.data.problem import digests_of_rows
from thaw.findings.overlap import in_words, overlap
from thaw.plan.plan import Plan

CONFIG = copy.deepcopy(SMALL_CONFIG) | {
    "training": {"epochs": 1, "batch_size": 32, "learning_rate": 0.1},
    "problems": {
        name: {
            **{"file": f"{name}.csv", "label": "class", "train_size": rows},
            "scale": "standard",
        }
        for name, rows in (("first", 350), ("second", 100))
    },
    "variants": {"standalone": {"pretrained": False}, "fixed-0": {"freeze": 0}},
    "studies": {
        name: {
            **{"source": source, "target": target, "repeats": 1},
            "variants": ["standalone", "fixed-0"],
        }
        for name, source, target in (
            ("leaks", "first", "second"),
            ("clean", "second", "first"),
            ("self", "second", "second"),
        )
    },
}
FOUND = (
    "300 of 320 test rows have the same features as train rows of first (rows 101, "
    "102, 103, 104, 105 and 295 more)"
)


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    features = rng.normal(size=(count, 2)) * 10 + 5 * label[:, None]
    return pd.DataFrame(features, columns=["heat", "mass"]).assign(**{"class": label})


def write_data(project: Project) -> None:
    """Write two tables: 300 train rows of the first are test rows of the second."""
    first, own = rows(400, seed=1), rows(120, seed=2)
    first.to_csv(project.folder / "first.csv", index=False)
    second = pd.concat([own[:100], first[:300], own[100:]])
    second.to_csv(project.folder / "second.csv", index=False)


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> Project:
    project = new_project(tmp_path_factory.mktemp("overlap") / "project", CONFIG)
    write_data(project)
    project.snakemake("tables", "--cores", "2")
    return project


def logs(project: Project) -> list[str]:
    found = sorted((project.folder / "logs/overlaps").glob("*.log"))
    return sorted(path.read_text() for path in found)


def answer(project: Project, study: str) -> str:
    text = (project.folder / f"results/{study}/answer.md").read_text()
    return " ".join(text.split())


def test_test_rows_among_the_sources_train_rows_are_counted_and_named(counted):
    """Each table is scaled by its own train rows, so that only their files say it."""
    assert [log for log in logs(counted) if log] == [f"warning: {FOUND}\n"]
    table = pd.read_csv(counted.folder / "results/leaks/overlap.csv")
    assert table[["train_rows_of", "equal", "as_read", "scaled"]].values.tolist() == [
        ["second", 0, 0, 0],
        ["first", 300, 300, 0],
    ]
    assert FOUND in answer(counted, "leaks")


@pytest.mark.parametrize(("study", "compared"), [("clean", 2), ("self", 1)])
def test_of_other_studies_nothing_is_said(counted, study, compared):
    table = pd.read_csv(counted.folder / f"results/{study}/overlap.csv")
    assert len(table) == compared
    assert not table["equal"].any()
    assert "same features" not in answer(counted, study)
    assert len(logs(counted)) == len(CONFIG["studies"])


def test_they_are_refused_before_anything_is_trained(tmp_path):
    project = new_project(tmp_path / "project", CONFIG)
    write_data(project)
    project.change("problems", "second", "overlap", to="error")
    done = project.snakemake("leaks", "--cores", "2", "--keep-going", check=False)
    assert done.returncode
    [log] = logs(project)
    assert log == (
        f"error: problems.second.overlap: {FOUND}; leave these out of the train or of "
        "the test rows, or remove overlap: error, so that they are only counted\n"
    )
    made = {path.name for path in (project.folder / "results").iterdir()}
    assert made == {"problems"}
    project.snakemake("clean", "--cores", "2")


# The rows compared


def plan_of(**problem) -> Plan:
    config = copy.deepcopy(SMALL_CONFIG)
    studies = config["studies"]
    studies["self"] = studies["ahead"] | {"source": "two"}
    studies["alone"] = studies["ahead"] | {"variants": ["standalone"]}
    config["problems"]["two"] |= problem
    return Plan(resolve(config))


def test_a_source_counts_where_it_is_another_problem_and_something_learns_from_it():
    studies = plan_of().studies
    compared = {
        name: {*study.overlap.recipe["inputs"]} for name, study in studies.items()
    }
    both, own = {"target", "source"}, {"target"}
    assert compared == {"ahead": both, "back": both, "self": own, "alone": own}


def test_all_that_learns_for_a_study_which_refuses_waits_for_its_check():
    """The standalone of three studies is one: it waits for the checks of all three."""
    before, after = plan_of(), plan_of(overlap="error")
    assert not any(before.checks.values())
    ahead, own, alone = (after.studies[n] for n in ("ahead", "self", "alone"))
    assert own.overlap_file == alone.overlap_file
    checks = {*ahead.overlap_file, *own.overlap_file}
    for study in (ahead, own):
        for arm, (made,) in study.arms.items():
            shared = arm == "standalone"
            waits = checks if shared else {*study.overlap_file}
            assert after.checks[made.key] == waits
        [model] = study.source_models
        assert {*study.overlap_file} <= {*after.checked_targets(model.key)}
    for made in after.studies["back"].arms.values():
        assert not after.checks[made[0].key]
    keys = [
        {arm: study.arm_keys for arm, study in plan.studies.items()}
        for plan in (before, after)
    ]
    assert keys[0] == keys[1], "refusing them trained everything again"


# The equal rows


def problem_of(folder, frame, **settings):
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    told = {"file": {}, "label": "class", "train_size": 40} | settings
    return make_problem(told, [path])[0]


@pytest.mark.parametrize(
    ("settings", "as_read", "scaled"),
    [
        ({}, 5, 5),
        ({"scale": "standard"}, 5, 0),
        ({"transforms": [{"noise": 1}]}, 5, 0),
        ({"transforms": [{"invert": 1}]}, 5, 0),
    ],
)
def test_rows_are_equal_as_they_were_read(tmp_path, settings, as_read, scaled):
    source, own = rows(60, seed=1), rows(60, seed=2)
    target = pd.concat([own[:50], source[:5], own[55:]])
    learned = problem_of(tmp_path, source)
    found = overlap("one", learned, problem_of(tmp_path, target, **settings))
    assert (found["as_read"], found["scaled"]) == (as_read, scaled)
    assert (found["equal"], found["test_rows"]) == (5, 20)
    assert found["rows"] == "51, 52, 53, 54, 55"


def test_rows_are_equal_where_networks_get_the_same_numbers(tmp_path):
    """A table in other units, each scaled by its own train rows."""
    source = rows(60, seed=1)
    target = source[["heat", "mass"]].mul(2).assign(**{"class": source["class"]})
    target = pd.concat([target[:40], target[:3], target[43:]])
    learned, ours = (
        problem_of(tmp_path, frame, scale="standard") for frame in (source, target)
    )
    found = overlap("one", learned, ours)
    assert (found["as_read"], found["scaled"], found["equal"]) == (0, 3, 3)
    assert in_words(found) == (
        "3 of 20 test rows have the same features as train rows of one, 3 of them only "
        "once scaled (rows 41, 42, 43)"
    )


def test_rows_of_the_target_itself_are_found(tmp_path):
    """Drawn in another order, they are still named in that of the file."""
    frame = pd.concat([rows(30, seed=1)] * 2)
    problem = problem_of(tmp_path, frame, shuffle=2)
    found = overlap("own", problem, problem)
    among = [
        row for row in problem.test_rows if (row + 29) % 60 + 1 not in problem.test_rows
    ]
    assert found["equal"] == len(among) > 5
    assert found["rows"].startswith(", ".join(map(str, sorted(among)[:5])))


def test_equal_numbers_have_equal_digests_everywhere():
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]])
    digests = digests_of_rows(x)
    assert digests[0] == digests[1] != digests[2]
    assert digests_of_rows(np.asfortranarray(x)).tolist() == digests.tolist()
    assert digests[2] == 16806853427626166859
    assert digests_of_rows(x[:0]).shape == (0,)
