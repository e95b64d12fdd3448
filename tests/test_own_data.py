"""Users' own files: what depends on them, and on files that another rule makes."""

import copy
import os
import re

import numpy as np
import pandas as pd
import pytest

from configs import recipes
from projects import SMALL_CONFIG, JobError, new_project
from test_module import THAW, outer_project

FILE = {"label": "class", "train_size": 40, "shuffle": 1}
FIRST = FILE | {"file": "data/first.csv", "scale": "standard"}
SECOND = FILE | {"file": "data/second.csv", "scale": {"like": "first"}}
STUDY = SMALL_CONFIG["studies"]["ahead"] | {"source": "first", "target": "second"}
STUDY |= {"variants": ["standalone", "fixed-1"]}
PROBLEMS = {"first": FIRST, "second": SECOND}
CONFIG = SMALL_CONFIG | {"problems": PROBLEMS, "studies": {"ahead": STUDY}}
LEARNED = {"standalone", "fixed-1", "source models"}


def write_data(folder):
    (folder / "data").mkdir()
    for seed, name in enumerate(("first", "second")):
        rng = np.random.default_rng(seed)
        label = rng.permutation(np.repeat(["red", "green", "blue"], 20))
        heat = rng.normal(size=60) + 5 * (label == "red")
        columns = {"heat": heat, "class": label, "mass": rng.permutation(60)}
        pd.DataFrame(columns).to_csv(folder / f"data/{name}.csv", index=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = new_project(tmp_path / "project", CONFIG)
    write_data(project.folder)
    monkeypatch.chdir(project.folder)
    return project


def edit(project, name):
    path = project.folder / f"data/{name}.csv"
    path.write_text(path.read_text().replace("green", "red", 1))


def change_nothing(project):
    """Move a file, write it anew with another time, and spell out a default."""
    path = project.folder / "elsewhere.csv"
    path.write_bytes((project.folder / "data/second.csv").read_bytes())
    os.utime(path, (2e9, 2e9))
    project.change("problems", "second", "file", to="elsewhere.csv")
    project.change("problems", "second", "drop", to=[])


CASES = {
    "nothing": (change_nothing, set()),
    "target": (lambda project: edit(project, "second"), {"standalone", "fixed-1"}),
    "source": (lambda project: edit(project, "first"), LEARNED),
}


@pytest.mark.parametrize("case", CASES)
def test_exactly_what_depends_on_the_data_is_another_result(project, case):
    make_change, expected = CASES[case]
    before = recipes(project.config)
    make_change(project)
    after = recipes(project.config)
    assert {name for name in LEARNED if after[name] != before[name]} == expected


def test_with_joined_categories_the_source_depends_on_the_targets_file(project):
    for name in ("first", "second"):
        project.change("problems", name, "categorical", to=["mass"])
    before = recipes(project.config)["source models"]
    edit(project, "second")
    assert recipes(project.config)["source models"] != before


def test_columns_that_differ_end_the_run_before_anything_learns(project):
    targets = {"pretrain first models-00-00", "make_problem second"}
    assert targets < project.stale("source_models")
    path = project.folder / "data/second.csv"
    path.write_text(path.read_text().replace("mass", "weight"))
    message = (
        "error: data/second.csv: its columns are not those of first (data/second.csv "
        "only: weight; first only: mass)"
    )
    with pytest.raises(JobError, match=re.escape(message)):
        project.make("tables")
    assert not project.results("source-models/**/*.*")


def test_what_another_rule_makes_is_tracked_by_its_time(tmp_path):
    """In a workflow that uses Thaw as a module: its rules stand below a prefix."""
    config = copy.deepcopy(CONFIG)
    for name, problem in config["problems"].items():
        problem |= {"file": f"made/{name}.csv", "made_by_rule": True}
    project = outer_project(tmp_path / "outer", THAW, config)
    with (project.folder / "Snakefile").open("a") as file:
        file.write(
            'rule copy:\n    input: "data/{name}.csv"\n'
            '    output: "made/{name}.csv"\n    shell: "cp {input} {output}"\n'
        )
    write_data(project.folder)
    (project.folder / "made").mkdir()
    for path in (project.folder / "data").iterdir():
        (project.folder / "made" / path.name).write_bytes(path.read_bytes())
    summary = "transfer/results/ahead/summary.csv"
    project.make(summary)
    assert project.stale(summary) == set()

    edit(project, "second")
    stale = project.stale()
    assert {"copy second", "thaw_make_problem second", "conclude"} < stale
    assert "thaw_train second fixed-1 models-00-00-repeats-00-00" in stale
    assert "thaw_check_overlap second" in stale
    assert "thaw_pretrain first models-00-00" not in stale
    # Without their source models, these must be pretrained before repeats train again.
    for path in project.folder.rglob("source-models/**/*.safetensors"):
        path.unlink()
    assert "thaw_pretrain first models-00-00" in project.stale()
