"""The README, the pages and the site: commands as they stand, quotes, pictures."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import reference
import renew
from snakemake.cli import parse_args

import thaw
from projects import ROOT, new_project, planned
from thaw.cli.main import main

DOCS = sorted((ROOT / "docs").rglob("*.md"))
# The tutorial's commands are tried in their order, by tests/test_tutorial.py.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *(page for page in DOCS if page.name != "tutorial.md"),
]
README = PAGES[0].read_text(encoding="utf-8")

# Commands that set up an environment; a fresh clone tries them, not a test.
SETUP = re.compile(r"(python3 -m venv \S+ && )?(\S+/)?pip install [^&]+(?=&|$)")

# Stand-ins for what is the reader's.
PLACES = {
    "PATH/TO/Snakefile": "Snakefile",
    **dict.fromkeys(("FILE", "SCORES.csv", "NEW.csv"), "config.yaml"),
    **dict.fromkeys(("FOLDER", "RESULTS"), "."),
    "STUDY": "forward",
}


def commands() -> list[list[str]]:
    """Return the words of all pages' commands, each once, without options' order."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    text = text.replace("\\\n", " ")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = re.sub(r"\s+#.*|^#.*", "", blocks, flags=re.MULTILINE).split("\n")
    quoted = r"`((?:\.venv/bin/)?(?:snakemake|python|pytest|thaw) [^`]+)`"
    lines += re.findall(quoted, text)
    # What follows a pipe, such as Graphviz, is not ours.
    parts = {
        part.partition(" | ")[0].strip().removeprefix(".venv/bin/")
        for line in lines
        for part in SETUP.sub("", line).split("&& ")
    }
    return [shlex.split(part) for part in sorted(parts - {""})]


COMMANDS = commands()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_is_understood(words, monkeypatch):
    """By the program's own parser, or its program has its options."""
    monkeypatch.chdir(ROOT)
    program, *arguments = [PLACES.get(word, word) for word in words]
    match program, arguments:
        case "snakemake", _:
            parse_args(arguments)
        case "thaw", _:
            group = click.Context(main, info_name="thaw")
            if arguments != ["--help"]:
                name, command, rest = main.resolve_command(group, arguments)
                # A command named alone is no example of its arguments.
                if rest:
                    command.make_context(name, rest, parent=group)
        case "python", ["-m", module, *options]:
            path = Path("workflow", *module.split("."))
            assert (path / "__main__.py").exists() or path.with_suffix(".py").exists()
            assert {*options} <= {"JOB"}
        case "python", [path, *options]:
            text = Path(path).read_text(encoding="utf-8")
            for option in options:
                assert not option.startswith("-") or f'"{option}"' in text
        case "pytest", ["-k", pattern, path]:
            assert re.search(rf"def test_.*{pattern}", Path(path).read_text())
        case "pytest", paths:
            options = {"--everything"}
            assert all(path in options or Path(path).exists() for path in paths)
        case _:
            assert program == "sphinx-build"


def test_the_targets_of_commands_are_there():
    """For each folder and Snakefile that commands name, together."""
    targets: dict[tuple[Path, str], set[str]] = {}
    for program, *arguments in COMMANDS:
        if program == "snakemake":
            _, options = parse_args([PLACES.get(word, word) for word in arguments])
            place = Path(options.directory or "."), options.snakefile or "Snakefile"
            targets.setdefault(place, set()).update(options.targets)
    assert {"forward", "many-sources"} < targets[Path(), "Snakefile"]
    for (folder, snakefile), names in targets.items():
        if names:
            with planned(ROOT / folder, sorted(names), ROOT / snakefile) as dag:
                assert list(dag.jobs)


@pytest.mark.slow
def test_commands_that_train_nothing_run(tmp_path):
    """Those that look at the shipped config, and those on the example's scores."""
    folder = new_project(tmp_path / "thaw").folder
    shutil.copy(ROOT / "config.yaml", folder)
    shutil.copytree(ROOT / "examples", folder / "examples")
    looks = {"plan", "-n", "--rulegraph", "--dag", "--list-rules", "compare"}
    elsewhere = {*PLACES, "--directory"}
    quick = [w for w in COMMANDS if looks & {*w} and not elsewhere & {*w}]
    assert len(quick) > 7
    for program, *arguments in quick:
        command = [Path(sys.executable).with_name(program), *arguments]
        subprocess.run(command, cwd=folder, check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    ["calibration.py selection --trials 1", "sources.py --trials 1 --models 20"],
)
def test_a_calibration_runs_to_its_end(words, tmp_path):
    for name in ("research", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "config.yaml", tmp_path)
    page = tmp_path / "docs/calibration.md"
    before = page.read_text(encoding="utf-8")
    program, *options = words.split()
    command = [sys.executable, tmp_path / "research" / program, *options]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert f"{program} {' '.join(options)}" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") != before


def test_ci_runs_the_readmes_commands():
    assert ["snakemake", "--cores", "8"] in COMMANDS
    ci = (ROOT / ".ci/run").read_text()
    (line,) = re.findall("^python3 -m venv .*pytest$", ci, re.MULTILINE)
    assert line in README


def test_pages_quote_their_studies_and_stale_numbers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(renew, "ROOT", tmp_path)
    (tmp_path / "results").mkdir()
    table = "| variant | mean |\n| --- | --: |\n| fixed-0 | 0.812 |"
    (tmp_path / "results/summary.md").write_text(f"200 repeats, 9 % weak\n\n{table}\n")
    (tmp_path / "results/answer.md").write_text("+13.9 K (+12.7 to +15.2)\n")
    block = "<!-- from results/summary.md{} -->\n{}<!-- end -->\n"
    prose = "It is 0.812, not 0.811, and 9 %; 13.9 K (12.7 to 15.2 K), not 13.8 K. "
    page = renew.renew(prose + block.format(", table 1", "old\n"))
    assert page == prose + block.format(", table 1", f"\n{table}\n\n")
    text = f"```text\n200 repeats, 9 % weak\n\n{table}\n```"
    assert text in renew.renew(block.format("", ""))
    assert [line[:7] for line in renew.find_unfounded(page, ["."])] == [
        "0.811: ",
        "13.8: …",
    ]
    dated = renew.renew("<!-- date -->1 May 2000<!-- end -->")
    assert re.fullmatch(r"<!-- date -->\d+ [A-Z]\w+ 20[2-9]\d<!-- end -->", dated)


def test_every_picture_is_made_by_the_command_beside_it(finished_once):
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS)
    shown = {*re.findall(r"\(pictures/(.*?)\.png\)", pages)}
    assert shown == {n for study in renew.STUDIES.values() for n in study.pictures}
    assert shown == {path.stem for path in (ROOT / "docs/pictures").iterdir()}
    gallery = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    figures = {path.stem for path in finished_once.folder.glob("results/ahead/*.png")}
    assert "boxplot" in figures
    assert not [name for name in figures if f"`{name}`" not in gallery]


def test_every_column_of_a_table_is_on_its_page(finished_once):
    page = (ROOT / "docs/files.md").read_text(encoding="utf-8")
    described = {}
    for section in page.split("\n### ")[1:]:
        cells = " ".join(re.findall(r"^\| ([^|]*`) \|", section, re.MULTILINE))
        described[section.split("`")[1]] = {*re.findall(r"`(\w+)`", cells)}
    # Those of numbers are there as well.
    described["source-models.csv"] = described["scores.csv"]
    variants = {*finished_once.config["variants"]}
    tables = sorted((finished_once.folder / "results").glob("*/*.csv"))
    assert {path.name for path in tables} > {"summary.csv", "scores.csv"}
    for path in tables:
        columns = {*path.read_text(encoding="utf-8").partition("\n")[0].split(",")}
        names = described[path.name]
        assert columns - variants <= names, path.name
        assert names is described["scores.csv"] or names <= columns, path.name
    results = thaw.open(finished_once.folder / "results/ahead")
    assert {*results.histories} == described["histories"]
    classes = {f"p_{number}" for number in range(3)} | {"p_NAME"}
    assert {*results.predictions} - classes == described["predictions"] - classes


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_describes_the_package(tmp_path):
    (options,) = re.findall(r"\.venv/bin/sphinx-build (.*) site\n", README)
    build = Path(sys.executable).with_name("sphinx-build")
    command = [build, *options.split(), "--keep-going", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "command.html").read_text(encoding="utf-8")
    for name in main.commands:
        assert f'id="thaw-{name}"' in page and f"Usage: thaw {name} " in page
    page = (tmp_path / "python.html").read_text(encoding="utf-8")
    for name, value in vars(thaw).items():
        if getattr(value, "__module__", "") == "thaw":
            assert f'id="thaw.{name}"' in page


def test_what_follows_from_the_configs_models_is_up_to_date():
    for file, text in reference.generated().items():
        mends = "this mends it: .venv/bin/python docs/reference.py"
        assert file.read_text("utf-8") == text, mends
