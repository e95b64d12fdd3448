"""Every command in the README and the pages can be run as written."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import renew

from conftest import ROOT, new_project

# The tutorial's commands are tried in order, by tests/test_tutorial.py.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *sorted({*(ROOT / "docs").rglob("*.md")} - {ROOT / "docs/tutorial.md"}),
]
PROGRAMS = ("snakemake", "pytest", "python")
BIN = Path(sys.executable).parent

# Commands that set up an environment; a fresh clone tries them, not a test.
SETUP = re.compile(r"(python3 -m venv \S+ && )?\S+/pip install [^&]+(?=&|$)")

# Placeholders for the reader's own names.
PLACES = {"PATH/TO/Snakefile": "Snakefile", "FOLDER": ".", "FILE": "config.yaml"}


def commands() -> list[str]:
    """Return the commands of all pages, each once."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        text = text.replace("\\\n", " ")  # a command may go on in the next line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            found += re.sub(r"\s+#.*|^#.*", "", block, flags=re.MULTILINE).split("\n")
        found += re.findall(
            r"`((?:\.venv/bin/)?(?:snakemake|python|pytest) [^`]+)`", text
        )
    return sorted({line.strip() for line in found} - {""})


def without_side_effects(words: list[str]) -> list[str]:
    """Return a command that checks whether its options exist, and does nothing else."""
    program, *arguments = words
    if program == "pytest":
        collected = ["--collect-only", "-q", "-n", "0"] if arguments else ["--version"]
        return [program, *arguments, *collected]
    if program == "python" and arguments[0].endswith(".py"):
        return [program, *arguments, "--help"]
    if program == "snakemake" and not {"--lint", "--unlock"} & {*arguments}:
        return [program, *arguments, "-n"]
    return [program, *arguments]


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
def test_a_command_can_be_run_as_it_stands(command, shipped):
    # Programs after a pipe, such as Graphviz, are not ours.
    command = SETUP.sub("", command).removeprefix("&& ").partition(" | ")[0]
    if not command:
        return
    words = [PLACES.get(word, word) for word in shlex.split(command)]
    words[0] = words[0].removeprefix(".venv/bin/")
    assert words[0] in PROGRAMS, command
    program, *arguments = without_side_effects(words)
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=shipped if program == "snakemake" else ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_are_found():
    """The three of the README, and one of a page."""
    assert sum(line.startswith("python3 -m venv .venv &&") for line in commands()) == 4
    assert any("benchmarks/dag.py" in line for line in commands())


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
    whole = renew.renewed(page.format("", "", ""))
    assert f"```text\n200 repeats, 9 % weak\n\n{table}\n```" in whole
    first, second = renew.unfounded(now, ["."])
    assert first.startswith("0.811: …")
    assert second.startswith("13.8: …")


def test_ci_runs_the_readmes_test_command():
    (line,) = re.findall(
        "^python3 -m venv .*pytest$", (ROOT / ".ci/run").read_text(), re.MULTILINE
    )
    assert line in (ROOT / "README.md").read_text()
