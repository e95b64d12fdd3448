"""The steps of `docs/tutorial.md`, which must print what the page shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from configs import message_of
from projects import ROOT, Project, new_project
from thaw.data.make import make_problem
from thaw.errors import ThawError

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
STUDY = ROOT / "studies/your-table"
PROFILE = "profiles/default/profile.yaml"
SHIPPED = (STUDY / "config.yaml").read_text(encoding="utf-8")
# Quotes of results by docs/renew.py are not those of a small run.
PAGE = re.sub(r"<!-- from .*?<!-- end -->", "", PAGE, flags=re.DOTALL)
BLOCKS = re.findall(r"```(sh|yaml|text)\n(.*?)```", PAGE, re.DOTALL)
STEPS = BLOCKS[: PAGE[: PAGE.index("## The whole of it")].count("```") // 2]
CONFIG, PROBLEMS, STUDIES = [text for kind, text in BLOCKS if kind == "yaml"]


def written() -> str:
    """Return the config with all that the page adds to it."""
    text = CONFIG
    for name, anchor in (("gentoo", "gentoo"), ("from-adelie", "study")):
        assert f"`{name}: &{anchor}`" in PAGE
        text = text.replace(f"  {name}:\n", f"  {name}: &{anchor}\n")
    return text.replace("\nvariants:", f"\n{PROBLEMS}variants:") + STUDIES


def small(config: str) -> str:
    """Return the config with few and short trainings."""
    # As many source models as allow verdicts: the page shows no warning.
    few = {"epochs": 1, "source_models": 10, "repeats": 2}
    sizes = few | {"target_sizes": "[5, all]"}
    for key, value in sizes.items():
        pattern = rf"\b{key}: (\d+|\[.*?\])"
        config, count = re.subn(pattern, f"{key}: {value}", config)
        assert count == 1
    return config


def test_what_is_written_step_by_step_are_the_studies_that_are_shipped():
    page, shipped = yaml.safe_load(written()), yaml.safe_load(SHIPPED)
    for problem in page["problems"].values():
        problem["file"] = "penguins.csv"
    margin = shipped.pop("margin")
    assert {study.pop("margin") for study in page["studies"].values()} == {margin}
    assert page == shipped


def assert_shown(text: str, output: str, exact: bool) -> None:
    """Assert that the shown output was printed, piece by piece, in this order.

    Between pieces output is left out, and lines may break elsewhere. If not exact,
    numbers are any numbers.
    """

    def plain(words: str) -> str:
        words = " ".join(words.split())
        return words if exact else re.sub(r"\d[\d,]*(\.\d+)?", "#", words)

    output = plain(output)
    for piece in filter(None, map(str.strip, re.split(r"\n\n|(?m:^…$)", text))):
        place = re.search(re.escape(plain(piece)).replace("…", ".*?"), output)
        assert place, f"not printed, or not in this order:\n{piece}"
        output = output[place.end() :]


@pytest.mark.slow
def test_every_step_prints_what_the_page_shows(tmp_path):
    """In the page's order; its training is made small after the first look.

    The page shows no output of a run, so runs are made in this process.
    """
    thaw = new_project(tmp_path / "thaw")
    shutil.copy2(ROOT / PROFILE, thaw.folder / PROFILE)
    shutil.copytree(STUDY, thaw.folder / "studies/your-table")
    penguins = Project(thaw.folder / "penguins")
    config = penguins.folder / "config.yaml"
    output, exact = "", True
    for kind, text in STEPS:
        if kind == "yaml" and text == CONFIG:
            assert config.read_text(encoding="utf-8") == CONFIG
        elif kind == "yaml":
            # All further pieces at once, because they lie in two places.
            config.write_text(small(written()))
        elif kind == "text":
            if "dropped" in text:
                logs = penguins.folder.glob("logs/problems/gentoo-*.log")
                output = "\n".join(path.read_text() for path in logs)
            assert_shown(text, output, exact)
        elif "--cores" in text:
            if exact:
                config.write_text(small(CONFIG))
                exact = False
            (penguins.folder / "Snakefile").write_text('include: "../Snakefile"\n')
            penguins.make("answers", "tables")
        else:
            program, *arguments = text.split()
            command = [Path(sys.executable).with_name(program), *arguments]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            done = subprocess.run(command, cwd=thaw.folder, text=True, **pipes)
            output = done.stdout
            assert done.returncode == 0, output
    assert "# own-scale: " in (penguins.folder / "results/answers.md").read_text()


# By its name on the page: values in the table's seventh row, or of a new column, and a
# change of the problem.
LABEL = {"label": "body_mass_g", "drop": ["bird", "island", "sex"]}
MESSAGES = {
    "a name among the features": ({}, {"drop": ["island"]}),
    "words among the features": ({}, {"categorical": []}),
    "a number with a comma": ({"body_mass_g": "3,625"}, {}),
    "a value is missing": ({"body_mass_g": None}, {}),
    "a label is missing": ({"sex": None}, {}),
    "no such column": ({}, {"label": "Sex"}),
    "no such rows": ({}, {"rows": {"species": "adelie"}}),
    "a measurement as the label": ({}, LABEL),
    "a column that says nothing": ({"year": 2007}, {}),
    "too few rows": ({}, {"train_size": 200}),
    "a typing error in the config": ({}, {"catagorical": ["clutch"]}),
    "a column that looks like an identifier": ({"number": range(1, 334)}, {}),
}


# The messages in the page's last table.
TABLE = PAGE.partition("| what is wrong |")[2].partition("\n\n")[0]
SHOWN = dict(re.findall(r"^\| (\w.*?) \| `(.*)` \|$", TABLE, re.MULTILINE))


def message(changes: dict) -> str:
    """Return Thaw's messages about the table and the changed problem of penguins."""
    config = yaml.safe_load(SHIPPED)
    problem = config["problems"]["adelie"]
    problem |= changes
    if mistakes := message_of(config):
        return mistakes.replace("the config is wrong:\n  ", "")
    try:
        _, description = make_problem(problem, [Path("penguins.csv")])
    except ThawError as error:
        return str(error)
    return " ".join(note for note in description.notes if "warning" in note)


@pytest.mark.parametrize("case", MESSAGES | SHOWN)
def test_a_message_is_what_the_page_shows(case, tmp_path, monkeypatch):
    columns, changes = MESSAGES[case]
    table = pd.read_csv(STUDY / "penguins.csv", dtype=str)
    for column, value in columns.items():
        table.loc[6 if column in table else slice(None), column] = value
    table.to_csv(tmp_path / "penguins.csv", index=False)
    monkeypatch.chdir(tmp_path)
    pattern = re.escape(SHOWN[case]).replace("…", ".*")
    assert re.fullmatch(pattern, message(changes))
