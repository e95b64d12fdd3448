"""Every command in the README and the pages can be run as written."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import renew

import thaw
from conftest import ROOT, new_project
from thaw.cli.main import main
from thaw.plan.outputs import FIGURES, OF_A_STUDY

DOCS = sorted((ROOT / "docs").rglob("*.md"))
# What the tutorial has its reader do is tried in its order, by tests/test_tutorial.py.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *(page for page in DOCS if page.name != "tutorial.md"),
]
PROGRAMS = ("snakemake", "pytest", "python", "thaw")
BIN = Path(sys.executable).parent

# Commands that set up an environment; a fresh clone tries them, not a test.
SETUP = re.compile(r"(python3 -m venv \S+ && )?(\S+/)?pip install [^&]+(?=&|$)")

# What stands for something of the reader's own.
PLACES = {
    "PATH/TO/Snakefile": "Snakefile",
    **dict.fromkeys(("FILE", "SCORES.csv", "NEW.csv"), "config.yaml"),
    **dict.fromkeys(("FOLDER", "RESULTS"), "."),
    "STUDY": "forward",
}

# Commands of `thaw` that only look; the others are parsed.
LOOKS = ("--help", "answer", "check", "plan")


def commands() -> list[str]:
    """Return the commands of all pages, each once."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        text = text.replace("\\\n", " ")  # a command may go on in the next line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            found += re.sub(r"\s+#.*|^#.*", "", block, flags=re.MULTILINE).split("\n")
        found += re.findall(
            r"`((?:\.venv/bin/)?(?:snakemake|python|pytest|thaw) [^`]+)`", text
        )
    return sorted({line.strip().removeprefix(".venv/bin/") for line in found} - {""})


def without_side_effects(words: list[str]) -> list[str]:
    """Return a command that checks whether its options exist, and does nothing else."""
    program, *arguments = words
    if program == "pytest":
        collected = ["--collect-only", "-q", "-n", "0"] if arguments else ["--version"]
        return [program, *arguments, *collected]
    if program == "python" and arguments[0].endswith(".py"):
        return [program, *arguments, "--help"]
    if program == "thaw":
        return [program, *arguments, "--help"]
    if program == "snakemake" and not {"--lint", "--unlock"} & {*arguments}:
        return [program, *arguments, "-n"]
    return [program, *arguments]


def parse(words: list[str]) -> None:
    """Raise an error unless `thaw` knows a command with such arguments.

    Where a page names a command alone, that is all that it must know.
    """
    thaw = click.Context(main, info_name="thaw")
    name, command, arguments = main.resolve_command(thaw, words)
    if arguments:
        command.make_context(name, arguments, parent=thaw)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Path:
    """A copy of the workflow with the config as shipped."""
    project = new_project(tmp_path_factory.mktemp("docs") / "project")
    (project.folder / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    ignored = shutil.ignore_patterns("results", "data", "logs", ".snakemake")
    for folder in ("studies", "examples"):
        shutil.copytree(ROOT / folder, project.folder / folder, ignore=ignored)
    return project.folder


@pytest.mark.parametrize("command", commands())
def test_a_command_can_be_run_as_it_stands(command, shipped, monkeypatch):
    # What follows a pipe, such as Graphviz, is not ours.
    command = SETUP.sub("", command).removeprefix("&& ").partition(" | ")[0]
    if not command:
        return
    words = [PLACES.get(word, word) for word in shlex.split(command)]
    words[0] = words[0].removeprefix(".venv/bin/")
    if words[0] == "sphinx-build":
        return  # tests/test_site.py runs it
    assert words[0] in PROGRAMS, command
    if words[0] == "thaw" and words[1] not in LOOKS:
        monkeypatch.chdir(shipped)
        parse(words[1:])
        return
    program, *arguments = without_side_effects(words)
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=shipped if program in ("snakemake", "thaw") else ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_are_found():
    """The two of the README and that of CONTRIBUTING, and one of a page."""
    assert sum(line.startswith("python3 -m venv .venv &&") for line in commands()) == 3
    assert any("benchmarks/renew.py" in line for line in commands())


def test_pages_quote_their_studies_and_stale_numbers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(renew, "ROOT", tmp_path)
    (tmp_path / "results").mkdir()
    table = "| variant | mean |\n| --- | --: |\n| fixed-0 | 0.812 |"
    (tmp_path / "results/summary.md").write_text(f"200 repeats, 9 % weak\n\n{table}\n")
    (tmp_path / "results/answer.md").write_text("+13.9 K (+12.7 to +15.2)\n")
    page = "{}<!-- from results/summary.md{} -->\n{}<!-- end -->\n"
    prose = "It is 0.812, not 0.811, and 9 %; 13.9 K (12.7 to 15.2 K), not 13.8 K. "
    before = page.format(prose, ", table 1", "old\n")
    now = renew.renewed(before)
    assert now == before.replace("old\n", f"\n{table}\n\n")
    assert renew.renewed(now) == now
    dated = renew.renewed("On <!-- date -->1 May 2000<!-- end -->.")
    assert re.fullmatch(r"On <!-- date -->\d+ [A-Z]\w+ 20[2-9]\d<!-- end -->\.", dated)
    whole = renew.renewed(page.format("", "", ""))
    assert f"```text\n200 repeats, 9 % weak\n\n{table}\n```" in whole
    first, second = renew.unfounded(now, ["."])
    assert first.startswith("0.811: …")
    assert second.startswith("13.8: …")


def test_every_picture_is_made_by_the_command_beside_it():
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS)
    shown = {*re.findall(r"\(pictures/(.*?)\.png\)", pages)}
    assert shown == {
        name for study in renew.STUDIES.values() for name in study.pictures
    }
    assert shown == {path.stem for path in (ROOT / "docs/pictures").iterdir()}
    gallery = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    for output in OF_A_STUDY:
        assert output.stage != FIGURES or f"`{output.name}`" in gallery


def test_ci_runs_the_readmes_test_command():
    (line,) = re.findall(
        "^python3 -m venv .*pytest$", (ROOT / ".ci/run").read_text(), re.MULTILINE
    )
    assert line in (ROOT / "README.md").read_text()


def test_every_column_of_a_table_is_on_its_page(finished_once):
    page = (ROOT / "docs/files.md").read_text(encoding="utf-8")
    described = {}
    for section in page.split("\n### ")[1:]:
        cells = re.findall(r"^\| ([^|]*`) \|", section, re.MULTILINE)
        names = re.findall(r"`(\w+)`", " ".join(cells))
        described[section.split("`")[1]] = {*names}
    # Those of numbers are there as well.
    described["source-models.csv"] = described["scores.csv"]
    variants = {*finished_once.config["variants"]}
    tables = sorted((finished_once.folder / "results").glob("*/*.csv"))
    assert {path.name for path in tables} > {"summary.csv", "rows.csv", "scores.csv"}
    for path in tables:
        columns = {*path.read_text(encoding="utf-8").partition("\n")[0].split(",")}
        told = described[path.name]
        assert columns - variants <= told, path.name
        if told is not described["scores.csv"]:
            assert told <= columns, path.name
    results = thaw.open(finished_once.folder / "results/ahead")
    assert {*results.histories} == described["histories"]
    classes = {f"p_{number}" for number in range(3)} | {"p_NAME"}
    assert {*results.predictions} - classes == described["predictions"] - classes
