"""`thaw check`: all mistakes of a config and its data, told at once."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from conftest import ROOT, SMALL_CONFIG, new_project
from thaw.cli.main import main
from thaw.config.contradictions import RESERVED
from thaw.config.resolve import examine


@pytest.fixture
def frame() -> pd.DataFrame:
    """Sixty rows of two classes."""
    rng = np.random.default_rng(0)
    numbers = {name: rng.normal(size=60).round(3) for name in ("heat", "mass")}
    return pd.DataFrame(numbers | {"class": ["a", "b"] * 30})


CONFIG = SMALL_CONFIG | {
    "problems": {
        name: {"file": f"{name}.csv", "label": "class", "train_size": 40, "shuffle": 1}
        for name in ("one", "two")
    }
}


def write(folder, config, **frames):
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def check(folder):
    done = CliRunner().invoke(main, ["check", str(folder / "config.yaml")])
    assert not isinstance(done.exception, Exception), done.exception
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """Let no test stay in the folder of a config."""
    monkeypatch.chdir(tmp_path)


def test_what_is_well_is_one_line(tmp_path, frame):
    write(tmp_path, CONFIG, one=frame, two=frame)
    assert check(tmp_path) == (0, "2 problems, 2 studies: nothing wrong\n")
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.yaml",
        "one.csv",
        "two.csv",
    }


def test_doubts_are_said_with_their_problem(tmp_path, frame):
    numbered = frame.assign(bird=range(60))
    write(tmp_path, CONFIG, one=numbered, two=numbered)
    code, said = check(tmp_path)
    assert code == 0
    assert "problems.one: warning: column bird is another whole number in each" in said
    assert "problems.two: warning: " in said


def test_mistakes_of_keys_contradictions_and_data_are_told_at_once(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    config["sed"] = 1
    config["problems"]["three"] = config["problems"]["one"] | {"train_size": "x"}
    config["problems"]["four"] = {"file": "one.csv", "train_size": 40}
    config["variants"]["odd"] = {"freze": 1}
    config["studies"]["ahead"]["baseline"] = "gone"
    config["studies"]["third"] = config["studies"]["back"] | {"target": "three"}
    config["studies"]["fourth"] = config["studies"]["back"] | {"repeats": 10**6}
    frame.loc[[3, 9], "mass"] = np.nan
    spoilt = frame.assign(heat=frame["heat"].astype(object))
    spoilt.loc[7, "heat"] = "hot"
    write(tmp_path, config, one=frame, two=spoilt)
    code, said = check(tmp_path)
    assert code == 1
    places = [line.split(": ")[:2] for line in said.splitlines()]
    assert places == [
        ["error", "the config is wrong:"],
        ["  problems.three.train_size", "'x' is not allowed. Allowed"],
        ["  variants.odd.freze", "unknown key (did you mean 'freeze'?). Allowed"],
        ["  sed", "unknown key (did you mean 'seed'?). Allowed"],
        ["  problems.four.label", "this key is missing"],
        ["  studies.ahead.baseline", "'gone' is not a variant of this study. Allowed"],
        [
            "  studies.fourth.repeats_per_job",
            "4 makes more than 100000 jobs that train. Allowed",
        ],
        ["error", "the data are wrong:"],
        *([["  problems.two", "two.csv"]] * 2),
        ["  problems.one", "one.csv"],
    ]


def test_a_target_of_a_wrong_source_is_checked_by_itself(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    config["problems"]["two"]["scale"] = {"like": "one"}
    other = frame.rename(columns={"heat": "warmth"}).assign(site=1)
    write(tmp_path, config, one=frame.assign(site=1), two=other)
    _, said = check(tmp_path)
    assert "problems.one: one.csv: column site is 1 in every row" in said
    assert "problems.two: two.csv: column site is 1 in every row" in said
    # Which columns the source has is known once it is right.
    assert "warmth" not in said


def test_what_a_study_asks_of_classes_is_checked(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    config["studies"]["ahead"] |= {"metric": ["roc_auc"], "positive": "c"}
    write(tmp_path, config, one=frame, two=frame)
    code, said = check(tmp_path)
    assert code == 1
    assert "  studies.ahead.positive: 'c' is not a class of the target." in said


def test_rows_that_overlap_error_refuses_are_told(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    config["problems"]["two"] |= {"overlap": "error", "shuffle": 2}
    write(tmp_path, config, one=frame, two=frame)
    code, said = check(tmp_path)
    assert code == 1
    assert "  problems.two.overlap: " in said
    assert "test rows have the same features as train rows of one" in said


def test_names_of_rules_are_no_names_of_studies(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    for name in ("Tables", "gather_back", "report"):
        config["studies"][name] = config["studies"]["ahead"]
    write(tmp_path, config, one=frame, two=frame)
    code, said = check(tmp_path)
    assert code == 1
    assert "  studies.Tables: 'Tables' is reserved; choose another name" in said
    for name in ("gather_back", "report"):
        assert f"  studies.{name}: {name!r} is the name of a target; choose an" in said


def test_all_rules_have_names_that_are_reserved():
    files = [ROOT / "Snakefile", *ROOT.glob("workflow/**/*.smk")]
    text = "".join(path.read_text("utf-8") for path in files)
    text += (ROOT / "workflow/Snakefile").read_text("utf-8")
    rules = re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE)
    assert {"all", "train", "train_and_save"} <= {*rules} <= RESERVED["studies"]


def test_what_a_rule_is_to_make_is_not_looked_at(tmp_path, frame):
    config = copy.deepcopy(CONFIG)
    config["problems"]["two"]["made_by_rule"] = True
    write(tmp_path, config, one=frame)
    code, said = check(tmp_path)
    assert (code, said.splitlines()[-1]) == (0, "2 problems, 2 studies: nothing wrong")
    assert "problems.two: not checked; a rule is to make two.csv" in said


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"problems": 5, "studies": []},
        {"network": 3, "studies": {"a": None}, 1: 2},
        CONFIG | {"training": {"epochs": "x"}, "maps": {"m": ["ahead"]}},
        CONFIG | {"problems": {}, "seed": -1},
        CONFIG | {"variants": {"a b": {}}},
    ],
)
def test_any_config_gets_all_its_mistakes_and_an_end(config):
    found, mistakes = examine(config)
    assert mistakes
    assert found is None or not found.studies


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: [1\n")
    code, said = check(tmp_path)
    assert code == 1
    assert "cannot be read as a config: line 2, column 1: " in said


def test_a_job_tells_all_mistakes_of_a_file(tmp_path, frame):
    project = new_project(tmp_path / "project", CONFIG)
    spoilt = frame.assign(site=1)
    spoilt.loc[[3, 9], "mass"] = np.nan
    write(project.folder, CONFIG, one=spoilt, two=frame)
    done = project.snakemake("ahead", "--logger", "thaw", check=False)
    said = done.stdout + done.stderr
    assert "failed: make_problem one: 2 mistakes (logs/problems/one-" in said
    assert "\n  one.csv: column mass: 2 of 60 missing, first in row 4; give" in said
    assert "\n  one.csv: column site is 1 in every row, and says nothing" in said
