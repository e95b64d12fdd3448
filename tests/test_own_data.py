"""A study of the user's own files in real Snakemake: from the file to the tables."""

import copy
import json
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import FOUR, ROOT, SMALL_CONFIG, Project, new_project
from test_module import outer_project

CONFIG = copy.deepcopy(SMALL_CONFIG) | {
    "variants": {"standalone": {"pretrained": False}, "fixed-1": {"freeze": 1}},
    "studies": {
        "ahead": {
            **{"source": "first", "target": "second", "repeats": 2},
            "variants": ["standalone", "fixed-1"],
        },
        "blobs": {
            **{"source": "one", "target": "two", "repeats": 1},
            "variants": ["standalone", "fixed-1"],
        },
    },
}
FIRST = {"file": "data/first.csv", "label": "class", "train_size": 40, "shuffle": 1}
SECOND = {"file": "data/second.csv", "label": "class", "train_size": 0.5, "shuffle": 1}
CONFIG["problems"] |= {
    "first": FIRST | {"scale": "standard", "missing": {"drop": "rows"}},
    "second": SECOND | {"scale": {"like": "first"}, "missing": {"fill": "median"}},
}

MADE = ["ahead", "results/blobs/scores.csv", "results/problems/problems.png"]

TARGET = {
    *("ahead", "make_problem second", "check_overlap second", "problems_figure"),
    *(
        f"train second {variant} models-00-00-repeats-{repeat}-{repeat}"
        for variant in ("standalone", "fixed-1")
        for repeat in ("00", "01")
    ),
    *(f"{stage}_ahead" for stage in FOUR),
}
SOURCE = {"make_problem first", "pretrain first models-00-00"}


def rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat(["red", "green", "blue"], 20))
    return pd.DataFrame(
        {
            "heat": rng.normal(size=60) + 5 * (label == "red"),
            "class": label,
            "mass": rng.normal(size=60) + 5 * (label == "blue"),
            "number": rng.permutation(60),
        }
    )


def write_data(folder) -> None:
    (folder / "data").mkdir()
    for seed, name in enumerate(("first", "second"), 1):
        frame = rows(seed)
        frame.loc[[7 * seed, 20], "mass"] = np.nan
        frame[:: 3 - 2 * seed].to_csv(folder / f"data/{name}.csv", index=False)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory) -> Project:
    project = new_project(tmp_path_factory.mktemp("own") / "project", CONFIG)
    write_data(project.folder)
    done = project.snakemake("--cores", "2", *MADE)
    (project.folder / "output.txt").write_text(done.stdout + done.stderr)
    return project


@pytest.fixture
def made(made_once, tmp_path) -> Project:
    """A project with studies that have run; each test has a copy to spoil."""
    shutil.copytree(made_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def test_from_the_file_to_the_tables(made_once):
    text = made_once.results("ahead/summary.csv")["ahead/summary.csv"].decode()
    firsts = [line.split(",")[0] for line in text.splitlines()]
    assert firsts == ["variant", "standalone", "fixed-1"]
    study = json.loads((made_once.folder / "results/ahead/study.json").read_text())
    assert study["problems"]["first"]["scale"] == "standard"
    assert study["problems"]["second"]["file"]["format"] == ".csv"
    words = (made_once.folder / "results/ahead/answer.md").read_text()
    for line in (
        "first: left out because of missing values: 2 of 60 rows (mass 2).",
        "second: missing values in 2 of 60 rows (mass 2); each is filled with the",
    ):
        assert line in " ".join(words.split())
    assert "pandas" in study["versions"]
    [log] = (made_once.folder / "logs/problems").glob("first-*.log")
    assert "scaled by the mean and standard deviation" in log.read_text()
    assert "features: 3; train rows: 40 (1" in log.read_text()
    output = (made_once.folder / "output.txt").read_text()
    for name in ("first", "second"):
        assert f"{name}: warning: column number is another whole number" in output
    assert (made_once.folder / "results/problems/problems.png").stat().st_size


def edit(path):
    path.write_text(path.read_text().replace("\n1", "\n2", 1))


def edited(name):
    return lambda project: edit(project.folder / f"data/{name}.csv")


def move(project):
    (project.folder / "data").rename(project.folder / "elsewhere")
    for name in ("first", "second"):
        project.change("problems", name, "file", to=f"elsewhere/{name}.csv")


def copied_anew(project):
    for path in (project.folder / "data").iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.utime(path, (2e9, 2e9))


def change(*path, to):
    return lambda project: project.change(*path, to=to)


CASES = {
    "nothing": (lambda project: None, set()),
    "files moved": (move, set()),
    "files written anew": (copied_anew, set()),
    "the target's file": (edited("second"), TARGET),
    "the source's file": (edited("first"), SOURCE | TARGET),
    "the target's split": (change("problems", "second", "shuffle", to=2), TARGET),
    "its scale": (change("problems", "second", "scale", to="standard"), TARGET),
    "a default spelt out": (change("problems", "second", "drop", to=[]), set()),
    "a problem that no study asks for": (
        change("problems", "third", to=FIRST),
        {"make_problem third", "problems_figure"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_exactly_what_depends_on_the_data_reruns(made, case):
    make_change, expected = CASES[case]
    shutil.rmtree(made.folder / ".snakemake")
    make_change(made)
    assert made.stale(*MADE) == expected


def test_with_joined_categories_the_source_depends_on_the_targets_file(tmp_path):
    config = copy.deepcopy(CONFIG)
    for name in ("first", "second"):
        config["problems"][name]["categorical"] = ["solvent"]
    project = new_project(tmp_path / "project", config)
    write_data(project.folder)
    for name, solvents in (("first", ["oil", "water"]), ("second", ["water", "acid"])):
        path = project.folder / f"data/{name}.csv"
        frame = pd.read_csv(path).assign(solvent=solvents * 30)
        frame.to_csv(path, index=False)
    project.snakemake("--cores", "2", "results/ahead/scores.csv")
    [log] = (project.folder / "logs/problems").glob("second-*.log")
    assert "one-hot encoded: solvent, 3 categories" in log.read_text()
    edit(project.folder / "data/second.csv")
    assert project.stale("results/ahead/scores.csv") >= SOURCE


def test_columns_that_differ_end_the_run_before_anything_learns(made):
    path = made.folder / "data/second.csv"
    frame = pd.read_csv(path).rename(columns={"mass": "weight"})
    frame.to_csv(path, index=False)
    edit(made.folder / "data/first.csv")
    done = made.snakemake("--cores", "2", "ahead", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert (
        "error: data/second.csv: its columns are not those of first (data/second.csv "
        "only: weight; first only: mass)" in " ".join(output.split())
    )
    assert "Traceback" not in output
    assert "rule pretrain" not in output
    assert "rule train" not in output


@pytest.mark.parametrize("arguments", [["-n"], ["--cores", "2"]])
def test_a_file_that_is_not_there_ends_the_run_before_any_job(made, arguments):
    (made.folder / "data/second.csv").unlink()
    done = made.snakemake(*arguments, check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "problems.second.file: 'data/second.csv': No such file or direc" in output
    assert "Traceback" not in output
    assert "rule " not in output


def test_what_another_rule_makes_is_tracked_by_its_time(tmp_path):
    config = copy.deepcopy(CONFIG)
    del config["studies"]["blobs"]
    for name in ("first", "second"):
        config["problems"][name] |= {"file": f"made/{name}.csv", "made_by_rule": True}
    address = f'"{ROOT}/workflow/Snakefile"'
    project = outer_project(tmp_path / "outer", address, config)
    write_data(project.folder)
    snakefile = project.folder / "Snakefile"
    snakefile.write_text(
        snakefile.read_text() + "\nrule copy:\n"
        '    input: "data/{name}.csv"\n'
        '    output: "made/{name}.csv"\n'
        '    shell: "cp {input} {output}"\n'
    )
    project.snakemake("--cores", "2")
    assert project.stale() == set()

    edit(project.folder / "data/second.csv")
    stale = project.stale()
    assert {"copy second", "thaw_make_problem second", "conclude"} < stale
    assert "thaw_train second fixed-1 models-00-00-repeats-00-00" in stale
    assert "thaw_check_overlap second" in stale
    assert "thaw_pretrain first models-00-00" not in stale
    scores = project.folder / "transfer/results/ahead/scores.csv"
    before = scores.read_bytes()
    project.snakemake("--cores", "2")
    assert scores.read_bytes() != before
    assert project.stale() == set()


def test_the_example_of_the_page(tmp_path):
    text = (ROOT / "docs/your-data.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    config = yaml.safe_load(example)
    assert config["training"].pop("epochs") == 100
    config["training"]["epochs"] = 2
    study = config["studies"]["from-boiling"]
    assert (study.pop("repeats"), study.pop("source_models")) == (2, 150)
    study |= {"repeats": 1, "source_models": 2}
    project = new_project(tmp_path / "project", config)
    (project.folder / "data").mkdir()
    for seed, problem in enumerate(config["problems"].values()):
        frame = pd.concat([rows(seed)] * 9).assign(cas="1-2", solvent="oil")
        frame.to_csv(project.folder / problem["file"], index=False)
    project.snakemake("tables", "--cores", "2")
    said = (project.folder / "results/from-boiling/summary.md").read_text()
    assert "**from-boiling**: boiling-point → flash-point" in said
