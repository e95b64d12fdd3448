"""`thaw init`: from a table to a config that runs as it is."""

import shlex

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from conftest import ROOT, Project
from thaw.cli.main import main

PENGUINS = ROOT / "studies/your-table/penguins.csv"
OF_ADELIE = ("--label", "sex", "--where", "species=Adelie")


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """Let no test stay in the folder of a config."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def penguins() -> pd.DataFrame:
    return pd.read_csv(PENGUINS)


def thaw(*arguments):
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert not isinstance(done.exception, Exception), done.exception
    return done.exit_code, done.output


def is_well(folder):
    code, said = thaw("check", f"{folder}/config.yaml")
    return code == 0 and said.endswith("2 problems, 1 study: nothing wrong\n")


def test_the_penguins_become_the_tutorials_study(tmp_path):
    penguins = tmp_path / "penguins.csv"
    penguins.write_bytes(PENGUINS.read_bytes())
    code, said = thaw("init", "penguins.csv", *OF_ADELIE)
    assert code == 0, said
    assert "the target is Gentoo, the largest of Gentoo, Chinstrap" in said
    assert "it has 119 categories in 119 rows, such as 'Gentoo-1', as an iden" in said
    made = yaml.safe_load((tmp_path / "penguins/config.yaml").read_text())
    tutorial = yaml.safe_load((PENGUINS.parent / "config.yaml").read_text())
    for name in ("adelie", "gentoo"):
        meant = tutorial["problems"][name] | {"file": "../penguins.csv"}
        assert made["problems"][name] == meant
    meant = tutorial["studies"]["from-adelie"] | {"margin": tutorial["margin"]}
    assert made["studies"] == {"from-adelie": meant}
    for key in ("seed", "network", "training"):
        assert made[key] == tutorial[key]
    assert is_well("penguins")


def test_the_command_that_it_prints_runs(tmp_path):
    (tmp_path / "my birds.csv").write_bytes(PENGUINS.read_bytes())
    _, said = thaw("init", "my birds.csv", *OF_ADELIE)
    _, *arguments = shlex.split(said.splitlines()[-1])
    few = "studies={from-adelie: {source_models: 1, repeats: 2, target_sizes: [all]}}"
    Project(tmp_path).snakemake(*arguments[:-1], "2", "--config", few)
    assert (tmp_path / "my birds/results/report.html").exists()


def test_two_files_with_numbers_as_labels(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)).round(4), columns=[*"abc"])
    frame["boils at"] = (frame["a"] * 50 + 300).round(2)
    frame.assign(cas=range(200)).to_csv("first.csv", index=False)
    frame[::2].assign(only=1.5).to_csv("second.csv", index=False)
    code, said = thaw(
        *("init", "second.csv", "--label", "boils at", "--source", "first.csv"),
        *("--folder", "deep/folder"),
    )
    assert code == 0, said
    made = yaml.safe_load((tmp_path / "deep/folder/config.yaml").read_text())
    assert made["problems"]["first"]["file"] == "../../first.csv"
    assert made["problems"]["first"]["drop"] == ["cas"]
    assert made["problems"]["second"]["drop"] == ["only"]
    assert made["problems"]["second"]["task"] == "regression"
    # A twentieth of the label's standard deviation, with one digit.
    margin = float(f"{frame[::2]['boils at'].std() / 20:.0e}")
    assert made["studies"]["from-first"]["margin"] == margin
    assert is_well("deep/folder")


def test_frequent_whole_numbers_are_classes_as_in_a_check():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(480, 3)).round(4), columns=[*"abc"])
    frame["kind"] = [*range(12)] * 40
    frame[:240].to_csv("first.csv", index=False)
    frame[240:].to_csv("second.csv", index=False)
    of = ("--label", "kind", "--source", "first.csv")
    code, said = thaw("init", "second.csv", *of)
    assert code == 0, said
    assert "kind is a class" in said
    assert is_well("second")


def test_without_one_source_groups_are_named_and_nothing_is_written(tmp_path):
    for more in ([], ["--source", PENGUINS, "--where", "species=Adelie"]):
        code, said = thaw("init", PENGUINS, "--label", "sex", *more)
        assert code == 1
        assert "--source FILE, or --where COLUMN=VALUE" in said
        assert "species (Adelie 146, Gentoo 119, Chinstrap 68)" in said
        assert "body_mass_g" not in said
    assert not [*tmp_path.iterdir()]


def test_rows_with_missing_values_are_left_out_and_empty_columns_dropped(
    tmp_path, penguins
):
    penguins.loc[[3, 4, 200], "body_mass_g"] = np.nan
    penguins.loc[:60, "bill_depth_mm"] = np.nan
    penguins.to_csv("birds.csv", index=False)
    code, said = thaw("init", "birds.csv", *OF_ADELIE)
    assert code == 0, said
    config = yaml.safe_load((tmp_path / "birds/config.yaml").read_text())
    for name in ("adelie", "gentoo"):
        assert config["problems"][name]["missing"] == {"drop": "rows"}
    assert "bill_depth_mm is no feature: it is missing in 61 of 146 rows of one" in said
    assert "missing values: 2 of 146 rows (body_mass_g 2)" in said
    assert is_well("birds")


def test_a_slip_of_the_pen_and_a_missing_label_are_told(tmp_path, penguins):
    penguins.loc[[3, 4], "sex"] = np.nan
    penguins["bill_depth_mm"] = penguins["bill_depth_mm"].astype(object)
    penguins.loc[20, "bill_depth_mm"] = "deep"
    penguins.to_csv("birds.csv", index=False)
    code, said = thaw("init", "birds.csv", *OF_ADELIE)
    assert code == 1
    assert "column sex: 2 of 146 missing, first in row 4; give them, or leave " in said
    assert "column bill_depth_mm: 1 of 146 not numbers, first 'deep' in row 21" in said
    assert "nothing was written; mend this in the files" in said
    assert [path.name for path in tmp_path.iterdir()] == ["birds.csv"]


@pytest.mark.parametrize(
    ("value", "other", "name"),
    [("yes", "no", "yes"), ("2007", "2008", "2007"), ("x" * 120, "off", "x" * 90)],
)
def test_any_value_makes_a_name(tmp_path, penguins, value, other, name):
    penguins["kind"] = np.where(penguins["species"] == "Adelie", value, other)
    penguins.drop(columns=["species", "bird", "island"]).to_csv("b.csv", index=False)
    code, said = thaw("init", "b.csv", "--label", "sex", "--where", f"kind={value}")
    assert code == 0, said
    made = yaml.safe_load((tmp_path / "b/config.yaml").read_text())
    assert [*made["problems"]] == [name, other]
    assert made["problems"][name]["rows"] == {"kind": value}
    assert is_well("b")


def test_a_mistake_of_the_draft_itself_is_not_blamed_on_the_files(penguins):
    # A problem of this name would stand in the way of files with weights.
    penguins.replace("Adelie", "checkpoints").to_csv("birds.csv", index=False)
    of = ("--label", "sex", "--where", "species=checkpoints")
    code, said = thaw("init", "birds.csv", *of)
    assert code == 1
    assert "problems.checkpoints: 'checkpoints' is reserved" in said
    assert "wrong in what Thaw would write" in said and "in the files" not in said


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "penguins").mkdir()
    (tmp_path / "penguins/config.yaml").write_text("mine")
    code, said = thaw("init", PENGUINS, *OF_ADELIE)
    assert code == 1
    assert "penguins/config.yaml is there already; name another --folder" in said
    assert (tmp_path / "penguins/config.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("label", "source", "expected"),
    [
        ("sexx", ["--where", "species=Adelie"], "there is no column 'sexx'"),
        ("sex", ["--where", "species=Emu"], "no row has 'Emu' in the column species"),
        ("sex", ["--where", "kind=Emu"], "there is no column 'kind'"),
        ("sex", ["--where", "species"], "write COLUMN=VALUE"),
        ("sex", ["--source", "gone.csv"], "gone.csv: cannot be read as csv: "),
        (
            "sex",
            ["--source", "gone.npz"],
            "it is no table with named columns",
        ),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, label, source, expected):
    code, said = thaw("init", PENGUINS, "--label", label, *source)
    assert (code, said.count("error: ")) == (1, 1)
    assert expected in said
    assert not [*tmp_path.iterdir()]


def test_how_a_file_is_written_is_seen_and_said(tmp_path, penguins):
    penguins.to_csv("birds.csv", sep=";", decimal=",", index=False)
    code, said = thaw("init", "birds.csv", *OF_ADELIE)
    assert code == 0, said
    config = yaml.safe_load((tmp_path / "birds/config.yaml").read_text())
    problems = config["problems"].values()
    assert [(own["separator"], own["decimal"]) for own in problems] == [(";", ",")] * 2
    assert "birds.csv is read with separator ';', decimal ','" in said
    assert is_well("birds")
