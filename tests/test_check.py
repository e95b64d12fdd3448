"""`thaw check` says at once all that is wrong; `thaw init` writes what it passes."""

import contextlib
import copy
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from configs import change
from projects import ROOT, SMALL_CONFIG
from thaw.cli.main import main

CONFIG = SMALL_CONFIG | {
    "problems": {
        name: {"file": f"{name}.csv", "label": "class", "train_size": 40, "shuffle": 1}
        for name in ("one", "two")
    }
}
TUTORIAL = ROOT / "studies/your-table"
BIRDS = pd.read_csv(TUTORIAL / "penguins.csv")


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def table(**columns):
    """Return sixty rows of two classes."""
    heat, mass = np.random.default_rng(0).normal(size=(2, 60)).round(3)
    classes = ["a", "b"] * 30
    return pd.DataFrame({"heat": heat, "mass": mass, "class": classes} | columns)


def thaw(*arguments):
    with contextlib.chdir("."):  # A check goes into the folder of the config.
        done = CliRunner().invoke(main, [*map(str, arguments)])
    assert not isinstance(done.exception, Exception), done.exception
    return done.exit_code, done.output


def check(text, first, second):
    """Check CONFIG after a change, with these tables beside it."""
    config = copy.deepcopy(CONFIG)
    change(config, text)
    first.to_csv("one.csv", index=False)
    second.to_csv("two.csv", index=False)
    Path("config.yaml").write_text(yaml.safe_dump(config))
    return thaw("check")


def init(rows, *arguments, **options):
    """Return the config that `thaw init` writes for a table, and what it says."""
    rows.to_csv("b.csv", index=False, **options)
    code, output = thaw("init", "b.csv", *arguments)
    assert code == 0, output
    assert "studies: 1, nothing wrong" in thaw("check", "b/config.yaml")[1]
    return yaml.safe_load(Path("b/config.yaml").read_text()), output


# Changes of CONFIG, and the places of their mistakes, which come together.
MISTAKES = [
    (
        """{sed: 1, ~/baseline: gone,
        problems/three: {file: one.csv, label: class, train_size: x},
        problems/four: {file: one.csv, train_size: 40}, variants/odd: {freze: 1}}""",
        "problems.three.train_size problems.four.label variants.odd.freze sed",
    ),
    (
        "{~/baseline: gone, studies/back/baseline: gone}",
        "studies.ahead.baseline studies.back.baseline",
    ),
    ("{}", "problems.two problems.two problems.one"),
]


@pytest.mark.parametrize(("changes", "places"), MISTAKES)
def test_mistakes_of_keys_contradictions_or_data_are_told_together(changes, places):
    gaps = table(mass=[1.5, None] + [2.5, 3.5] * 29)
    _, output = check(changes, gaps, gaps.assign(heat=["hot", *range(59)]))
    lines = output[output.index("error") :].splitlines()[1:]
    named = [line.partition(":")[0].strip() for line in lines]
    assert sorted(named) == sorted(places.split())


CASES = """
{} => 0 => problems: 2, studies: 2, nothing wrong
{} => 0 => problems.one: warning: column bird is another whole number in each
{~/metric: roc_auc, ~/positive: c} => 1 => studies.ahead.positive: 'c' is not a class of
{training/class_weight: {c: 2}, pretraining: {class_weight: {}}} => 1 => .training.class
pretraining: {class_weight: {c: 2}} => 1 => .pretraining.class_weight: 'c' is not a
{problems/two/overlap: error, problems/two/shuffle: 2} => 1 => same features as train
{problems/two/file: x.csv, problems/two/made_by_rule: true} => 0 => two: not checked; a
"""


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_a_config_is_checked_with_its_data_and_nothing_is_written(case):
    text, code, words = case.split(" => ")
    birds = table(bird=range(60))
    status, output = check(text, birds, birds)
    assert (status, words in output) == (int(code), True), output
    assert len([*Path().iterdir()]) == 3


MODULES = """
from torch import nn

class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.output = nn.GRU(8, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.output(self.rows(x)[0][:, -1])

class Images(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 8), nn.Flatten(), nn.Linear(4, 2))
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Rows", "nothing wrong"),
        ("Images", "studies.ahead: network: net.py: RuntimeError: Given groups=1"),
        ("Images", "it got 2 by 8 by 8 numbers, 2 rows of two; shape in the prob"),
    ],
)
def test_a_module_is_checked_with_rows_as_their_array_has_them(name, words):
    images = np.random.default_rng(0).normal(size=(60, 8, 8))
    np.savez("images.npz", X=images, y=np.arange(60) % 2)
    Path("net.py").write_text(MODULES)
    config = copy.deepcopy(CONFIG)
    for problem in config["problems"].values():
        problem["file"] = "images.npz"
        del problem["label"]
    groups = ["rows", "output"] if name == "Rows" else ["0", "2"]
    study = {"source": "one", "target": "two", "variants": ["standalone"]}
    config["studies"] = {"ahead": study | {"repeats": 1}}
    config["network"] = {"module": f"net.py:{name}", "groups": groups}
    Path("config.yaml").write_text(yaml.safe_dump(config))
    assert words in thaw("check")[1]


def test_names_of_rules_are_no_names_of_studies():
    files = [*(ROOT / "workflow").rglob("*.smk"), ROOT / "workflow/Snakefile"]
    text = "".join(path.read_text("utf-8") for path in files)
    names = {*re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", text, re.M)}
    assert {"all", "train"} <= names
    study = "{source: one, target: two, variants: [fixed-1], repeats: 1}"
    studies = ", ".join(f"studies/{name}: {study}" for name in names)
    _, output = check(f"{{{studies}}}", table(), table())
    assert {*re.findall(r"studies\.(\w+): '\w+' is (?:res|the n)", output)} == names


def test_the_penguins_become_the_tutorials_study():
    config, output = init(BIRDS, "--label", "sex", "--where", "species=Adelie")
    assert "the target is Gentoo, the largest of Gentoo, Chinstrap" in output
    assert "it has 119 categories in 119 rows, such as 'Gentoo-1', as an iden" in output
    tutorial = yaml.safe_load((TUTORIAL / "config.yaml").read_text())
    for name, problem in config["problems"].items():
        assert problem == tutorial["problems"][name] | {"file": "../b.csv"}
    study = tutorial["studies"]["from-adelie"] | {"margin": tutorial["margin"]}
    assert config["studies"] == {"from-adelie": study}
    for key in ("seed", "network", "training", "variants"):
        assert config[key] == tutorial[key]
    assert "with the source models' output layer, too" in output


def test_two_files_with_numbers_as_labels():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(480, 3)).round(4))
    rows = rows.assign(boils=(rows[0] * 50 + 300).round(2), kind=[*range(12)] * 40)
    source = rows.rename(columns={"boils": "melts"}).assign(cas=range(480), id=rows[1])
    source.to_csv("first.csv", index=False)
    target = rows[::2].assign(only=1.5, patient_id=[*range(48)] * 5)
    from_first = "--source", "first.csv"
    names = "--label", "boils", "--source-label", "melts"
    config, output = init(target, *names, *from_first)
    first, second = config["problems"]["first"], config["problems"]["b"]
    assert (first["file"], first["drop"]) == ("../first.csv", ["cas", "id"])
    assert (second["task"], second["drop"]) == ("regression", ["only"])
    assert (first["label"], second["label"]) == ("melts", "boils")
    assert ("group" in first, second["group"]) == (False, "patient_id")
    assert "output layer anew, because the labels differ" in output
    assert "patient_id repeats" in output and re.search(r"fits, about \d+ min", output)
    ridge = "sklearn.linear_model.RidgeCV"
    assert config["variants"]["ridge"]["estimator"] == ridge
    # A twentieth of the label's standard deviation, with one digit.
    margin = float(f"{target['boils'].std() / 20:.0e}")
    assert config["studies"]["from-first"]["margin"] == margin
    assert "beware" not in output
    # Frequent whole numbers are classes. Both files hold rows of the same patients.
    Path("b/config.yaml").unlink()
    source.assign(patient_id=range(40, 520)).to_csv("first.csv", index=False)
    _, output = init(target, "--label", "kind", *from_first)
    assert "kind is a class" in output
    assert "beware: 40 rows of b have a patient_id that first has, too:" in output


def test_missing_values_and_how_a_file_is_written_are_seen():
    birds = BIRDS.assign(kind=np.where(BIRDS["species"] == "Adelie", "yes", "x" * 120))
    birds.loc[[3, 4, 200], "body_mass_g"] = np.nan
    birds.loc[:60, "bill_depth_mm"] = np.nan
    birds = birds.drop(columns=["species", "bird", "island"])
    arguments = ("--label", "sex", "--where", "kind=yes")
    config, output = init(birds, *arguments, sep=";", decimal=",")
    # Any value makes a name.
    assert [*config["problems"]] == ["yes", "x" * 90]
    assert config["problems"]["yes"]["rows"] == {"kind": "yes"}
    for problem in config["problems"].values():
        assert problem["missing"] == {"drop": "rows"}
        assert (problem["separator"], problem["decimal"]) == (";", ",")
    assert "bill_depth_mm is no feature: it is missing in 61 of 146 rows of o" in output
    assert "missing values are left out: 2 of 146 rows (body_mass_g" in output
    assert "b.csv is read with separator ';', decimal ','" in output


REFUSED = """
--label sexx --where species=Adelie => there is no column 'sexx'
--label sex --where a=b --source b.csv => --source FILE and --where COLUMN=VALUE
--label sex --where species=Emu => no row has 'Emu' in the column species
--label sex --where species => write COLUMN=VALUE
--label sex --source gone.csv => gone.csv cannot be read: No such file
--label sex --source gone.npz => it is no table with named columns
--label kind --where sex=checkpoints => mend this in the files
--label island --where species=Adelie => mend this in the files
--label sex --where species=Adelie --folder here => is there already; name another
"""


@pytest.mark.parametrize("case", REFUSED.strip().splitlines())
def test_what_cannot_be_is_said_and_nothing_is_written(case):
    arguments, words = case.split(" => ")
    # A problem of this name would stand in the way of files with weights.
    birds = BIRDS.assign(kind=BIRDS["sex"]).replace({"sex": {"male": "checkpoints"}})
    birds.loc[[3, 4], "island"] = np.nan
    birds.to_csv("b.csv", index=False)
    Path("here").mkdir()
    Path("here/config.yaml").touch()
    code, output = thaw("init", "b.csv", *arguments.split())
    assert (code, words in output) == (1, True), output
    assert len([*Path().iterdir()]) == 2
    assert not Path("here/config.yaml").read_text()
