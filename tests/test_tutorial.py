"""The steps of `docs/tutorial.md`, which must print what the page shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from conftest import ROOT, new_project
from thaw.config.resolve import resolve
from thaw.data.make import make_problem
from thaw.errors import ThawError

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
STUDY = ROOT / "studies/your-table"
PROFILE = "profiles/default/profile.yaml"
SHIPPED = (STUDY / "config.yaml").read_text(encoding="utf-8")
# Quotes of results by docs/renew.py are not those of a small run.
QUOTED = re.compile(r"<!-- from .*?<!-- end -->", re.DOTALL)
PAGE = QUOTED.sub("", PAGE)
BLOCKS = re.findall(r"```(sh|yaml|text)\n(.*?)```", PAGE, re.DOTALL)
CONFIG, *PIECES = [text for kind, text in BLOCKS if kind == "yaml"]


def paragraphs(text: str) -> list[str]:
    """Return the output shown, piece by piece; between them, output is left out."""
    return [piece.strip() for piece in re.split(r"\n\n|^…$", text, flags=re.MULTILINE)]


def assert_shown(text: str, output: str, exact: bool) -> None:
    """Assert that the shown output was printed, in this order.

    Lines may break elsewhere. If not exact, numbers are any numbers, and a study's
    findings (`From 5 rows: …`) are left out.
    """

    def plain(words: str) -> str:
        words = " ".join(words.split())
        return words if exact else re.sub(r"\d[\d,]*(\.\d+)?", "#", words)

    output = plain(output)
    for piece in filter(None, paragraphs(text)):
        if exact or not piece.startswith("From "):
            pattern = re.escape(plain(piece)).replace("…", ".*?")
            found = re.search(pattern, output)
            assert found, f"not printed, or not in this order:\n{piece}"
            output = output[found.end() :]


def small(config: str) -> str:
    """Return the config with few and short trainings."""
    for key, number in (("epochs", 1), ("source_models", 3), ("repeats", 2)):
        config, count = re.subn(rf"\b{key}: \d+", f"{key}: {number}", config)
        assert count == 1
    return config


def written() -> str:
    """Return the config with all that the page adds to it."""
    problems, studies = PIECES
    text = CONFIG
    for name, anchor in (("gentoo", "gentoo"), ("from-adelie", "study")):
        assert f"`{name}: &{anchor}`" in PAGE
        text = text.replace(f"  {name}:\n", f"  {name}: &{anchor}\n")
    return text.replace("\nstudies:", f"{problems}\nstudies:") + studies


def test_what_is_written_step_by_step_are_the_studies_that_are_shipped():
    ours, shipped = yaml.safe_load(written()), yaml.safe_load(SHIPPED)
    for problem in ours["problems"].values():
        problem["file"] = "penguins.csv"
    margin = shipped.pop("margin")
    assert {study.pop("margin") for study in ours["studies"].values()} == {margin}
    assert ours == shipped


def test_every_step_prints_what_the_page_shows(tmp_path):
    """In the page's order; its training is made small after the first look."""
    thaw = new_project(tmp_path / "thaw")
    shutil.copy2(ROOT / PROFILE, thaw.folder / PROFILE)
    shutil.copytree(STUDY, thaw.folder / "studies/your-table")
    config = thaw.folder / "penguins/config.yaml"
    steps = BLOCKS[: PAGE[: PAGE.index("## The whole of it")].count("```") // 2]
    output, exact = "", True
    for kind, text in steps:
        if kind == "yaml":
            if text == CONFIG:
                assert config.read_text(encoding="utf-8") == CONFIG
            else:
                # All further pieces at once, because they lie in two places.
                config.write_text(small(written()))
            continue
        if kind == "text" and "dropped" in text:
            logs = (config.parent / "logs/problems").glob("gentoo-*.log")
            output = "\n".join(path.read_text() for path in logs)
        if kind == "text":
            assert_shown(text, output, exact)
            continue
        for line in text.strip().splitlines():
            program, *arguments = line.split()
            assert program in {"thaw", "snakemake"}
            command = [Path(sys.executable).with_name(program), *arguments]
            if program == "snakemake":
                command = thaw.command(*arguments)
            if "--cores" in arguments:
                # All but figures, which tests/test_studies.py draws.
                command += ["answers", "results/from-adelie/study.json"]
                if exact:
                    config.write_text(small(CONFIG))
                    exact = False
            done = subprocess.run(
                command,
                cwd=thaw.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            output = done.stdout
            assert done.returncode == 0, output


def spoilt(column: str, value: str | None):
    """Return a change of a table: another value in its seventh row."""

    def change(table: pd.DataFrame) -> None:
        table.loc[6, column] = value

    return change


# By its name on the page: a change of the table, and of the problem.
MESSAGES = {
    "a name among the features": (None, {"drop": ["island"]}),
    "words among the features": (None, {"categorical": []}),
    "a number with a comma": (spoilt("body_mass_g", "3,625"), {}),
    "a value is missing": (spoilt("body_mass_g", None), {}),
    "a label is missing": (spoilt("sex", None), {}),
    "no such column": (None, {"label": "Sex"}),
    "no such rows": (None, {"rows": {"species": "adelie"}}),
    "a measurement as the label": (
        None,
        {"label": "body_mass_g", "drop": ["bird", "island", "sex"]},
    ),
    "a column that says nothing": (lambda table: table.insert(1, "year", 2007), {}),
    "too few rows": (None, {"train_size": 200}),
    "a typing error in the config": (None, {"catagorical": ["clutch"]}),
    "a column that looks like an identifier": (
        lambda table: table.insert(1, "number", range(1, len(table) + 1)),
        {},
    ),
}


def told(changes: dict) -> str:
    """Return Thaw's messages about the table and the changed problem of penguins."""
    config = yaml.safe_load(SHIPPED)
    problem = config["problems"]["adelie"]
    problem |= changes
    try:
        resolve(config)
        _, description = make_problem(problem, [Path("penguins.csv")])
    except ThawError as error:
        return str(error).replace("the config is wrong:\n  ", "")
    return " ".join(note for note in description.notes if "warning" in note)


def test_the_page_shows_all_messages_and_no_others():
    table = PAGE.partition("| what is wrong |")[2].partition("\n\n")[0]
    shown = re.findall(r"^\| (a .*?|no .*?|w.*?|too .*?) \|", table, re.MULTILINE)
    assert shown == [*MESSAGES]


@pytest.mark.parametrize("case", MESSAGES)
def test_a_message_is_what_the_page_shows(case, tmp_path, monkeypatch):
    change, changes = MESSAGES[case]
    table = pd.read_csv(STUDY / "penguins.csv", dtype=str)
    if change:
        change(table)
    table.to_csv(tmp_path / "penguins.csv", index=False)
    monkeypatch.chdir(tmp_path)
    message = re.search(rf"^\| {case} \| `(.*)` \|$", PAGE, re.MULTILINE).group(1)
    pattern = re.escape(message).replace("…", ".*")
    assert re.fullmatch(pattern, told(changes))
