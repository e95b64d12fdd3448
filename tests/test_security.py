"""SECURITY.md's promises: a config's values and a file's content run nothing."""

import ast
import csv
import os
import pickle
import re
import shlex
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import (
    DESCRIPTION,
    ONE_JOB_CONFIG,
    ROOT,
    SMALL_CONFIG,
    Project,
    new_project,
)
from thaw.api.predictor import of_files
from thaw.config.resolve import resolve
from thaw.data.files import read_table
from thaw.errors import ThawError
from thaw.external.checkpoints import load_checkpoint
from thaw.output.histories import Histories
from thaw.output.problems import load_described
from thaw.output.scores import load_scores
from thaw.output.tiles import Tile
from thaw.output.weights import About, load_source_models, save_networks

# Texts that shells, Snakemake, Python, YAML, spreadsheets, browsers, TeX and terminals
# may take for a command. Each makes the file `pwned` if it is obeyed.
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "\\'; touch pwned #",
    "a\ntouch pwned\n",
    "{open('pwned', 'w')}",
    "{wildcards.key} {} %s %(x)d",
    "!!python/object/apply:os.system ['touch pwned']",
    "=HYPERLINK(\"http://127.0.0.1\")|cmd|' /C touch pwned'!A0",
    "<script>alert(1)</script>&<b>",
    "| a | [b](javascript:alert(1)) |",
    r"$\frac$ \input{x}",
    "\x1b[31m\x07\x9b2J\u202e",
    "../../../pwned",
    "--output=pwned",
]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory) -> Project:
    """A project whose data and config are hostile wherever they may hold any text.

    It has run; anything written outside of it would be in folders beside it.
    """
    top = tmp_path_factory.mktemp("attacked")
    project = new_project(top / "project", ONE_JOB_CONFIG)
    work = Project(top / "work")
    data = work.folder / 'data\'s "$(touch pwned)" ; %s & #'
    data.mkdir(parents=True)
    rng = np.random.default_rng(0)
    label = np.repeat(HOSTILE, 8)
    frame = pd.DataFrame(
        {
            HOSTILE[11]: rng.normal(size=len(label)),
            "$\\alpha$ \x1b[31m<i>": rng.normal(size=len(label)),
            HOSTILE[0]: label,
            HOSTILE[6]: rng.permuted(label),
            HOSTILE[7]: "=1+1",
        }
    )
    frame.to_csv(data / "`touch pwned` \\.csv", index=False)
    problem = {
        "file": str((data / "`touch pwned` \\.csv").relative_to(work.folder)),
        "label": HOSTILE[0],
        "drop": [HOSTILE[6]],
        "rows": {HOSTILE[7]: "=1+1"},
        "train_size": 0.5,
        "shuffle": 1,
        "scale": "standard",
    }
    work.config = ONE_JOB_CONFIG | {
        "problems": {"one": problem, "two": problem | {"classes": HOSTILE}}
    }
    for name in ("home", "temporary"):
        (top / name).mkdir()
    before = files(project.folder)
    done = work.snakemake(
        *("--snakefile", str(project.folder / "Snakefile"), "--cores", "2"),
        env=os.environ
        | {
            "HOME": str(top / "home"),
            "TMPDIR": str(top / "temporary"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    (top / "output.txt").write_text(done.stdout + done.stderr)
    (top / "written.txt").write_text("\n".join(files(project.folder) - before))
    return work


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }


def test_nothing_in_data_or_config_is_obeyed(attacked):
    assert not [*attacked.folder.parent.rglob("pwned*")]


def test_nothing_is_written_outside_results_and_logs(attacked):
    """Except Snakemake's own files, and Matplotlib's list of fonts."""
    top = attacked.folder.parent
    inside = {Path(path).parts[0] for path in files(attacked.folder)}
    data = next(attacked.folder.glob("data*")).name
    assert inside == {"results", "logs", ".snakemake", "config.yaml", data}
    assert (top / "written.txt").read_text() == ""
    assert not files(top / "temporary")
    caches = {"/".join(Path(path).parts[:2]) for path in files(top / "home")}
    assert caches <= {".cache/snakemake", ".cache/matplotlib", ".config/matplotlib"}


def test_no_cell_of_a_table_is_a_formula(attacked):
    cells = [
        cell
        for path in attacked.folder.glob("results/**/*.csv")
        for line in csv.reader(path.open(newline=""))
        for cell in line
    ]
    number = re.compile(r"[-+][\d.]+(e[-+]?\d+)?")
    assert len(cells) > 100
    begun = [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert [cell for cell in begun if not number.fullmatch(cell)] == []


def test_no_figure_or_text_holds_markup_of_others(attacked):
    figures = [*attacked.folder.glob("results/**/*.svg")]
    texts = [ElementTree.parse(figure).getroot() for figure in figures]
    found = {element.tag.split("}")[1] for text in texts for element in text.iter()}
    assert not found & {"script", "a", "foreignObject", "b", "i"}
    (problems,) = (
        t for f, t in zip(figures, texts, strict=True) if "problems" in f.stem
    )
    said = "".join(problems.itertext())
    assert "<script>alert(1)</script>" in said
    assert r"$\frac$ \input{x}" in said
    for path in attacked.folder.glob("results/**/*.md"):
        assert not re.search(r"<script|(?<!\\)\]\(javascript:|\x1b", path.read_text())


def test_nothing_reaches_the_terminal_that_it_would_obey(attacked):
    logs = [*attacked.folder.glob("logs/**/*.log")]
    said = [path.read_text() for path in logs]
    output = (attacked.folder.parent / "output.txt").read_text()
    assert "touch pwned" in "".join(said)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", "".join([*said, output])
    )


def test_an_error_is_one_line_that_a_terminal_shows(tmp_path):
    table = pd.DataFrame(
        {"x\x1b[31m\ny": [1, None, 2, 3], "class": ["a", "a", "b", "b"]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    config = ONE_JOB_CONFIG | {
        "problems": {
            name: {"file": "t.csv", "label": "class", "train_size": 0.5}
            for name in ("one", "two")
        }
    }
    project = new_project(tmp_path / "project", config)
    (tmp_path / "t.csv").rename(project.folder / "t.csv")
    project.snakemake("--cores", "1", "problems", check=False)
    for log in project.folder.glob("logs/problems/*.log"):
        (line,) = log.read_text().splitlines()
        assert line.startswith(r"error: t.csv: column x\x1b[31m\ny: 1 of 4 missing")


NAMES = [
    *HOSTILE,
    *("", ".", "..", "a/b", "a b", "a.b", "a\n", "a\0", "-a", "_a", "ä", "a" * 101),
    *("/etc", "~root", "a:b", "{study}", "con*", "a,b", "@a", "+1"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["problems", "variants", "studies", "maps"])
def test_a_name_that_is_more_than_a_name_is_refused(kind, name):
    value = {"maps": ["ahead"]} | {
        group: next(iter(SMALL_CONFIG[group].values()))
        for group in ("problems", "variants", "studies")
    }
    group = {**SMALL_CONFIG.get(kind, {}), name: value[kind]}
    with pytest.raises(ThawError) as caught:
        resolve(SMALL_CONFIG | {kind: group})
    _, *lines = str(caught.value).split("\n")
    assert any("is not allowed. Allowed: letters, digits" in line for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "file",
    ["--key=0.csv", "-x.npz", "{key}.csv", "a\nb.csv", "a\0.csv", "a/.csv", "x.pkl"],
)
def test_a_file_that_is_more_than_a_path_is_refused(file):
    problem = {"file": file, "label": "class", "train_size": 10}
    config = SMALL_CONFIG | {"problems": {"one": problem, "two": problem}}
    with pytest.raises(ThawError, match=r"problems\.one\.file: .* is not allowed"):
        resolve(config)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


@pytest.fixture
def bomb(tmp_path):
    """The bytes of a pickle; the test fails if they were obeyed."""
    marker = tmp_path / "pwned"
    yield pickle.dumps(Bomb(marker))
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["a pickle", "a pickle as .npy", "object arrays"])
def test_no_pickle_is_read(kind, bomb, tmp_path):
    """Neither as a user's own file nor as one of Thaw's results."""
    path = tmp_path / "file.npz"
    if kind == "a pickle":
        path.write_bytes(bomb)
    elif kind == "a pickle as .npy":
        objects = np.array([Bomb(tmp_path / "pwned")], dtype=object)
        with path.open("wb") as file:
            np.save(file, objects, allow_pickle=True)
    else:
        objects = np.array([Bomb(tmp_path / "pwned")], dtype=object)
        names = ("X", "y", "record", "description", "accuracy")
        np.savez(path, **dict.fromkeys(names, objects))
    with pytest.raises(ThawError, match=r"file\.npz: (it is no|X or y holds)"):
        read_table(path, {"label": "y"})
    with pytest.raises(ThawError, match=r"file\.npz is not the problem it should be"):
        load_described(path, "0" * 12)
    with pytest.raises(ThawError, match=r"file\.npz is not the histories it should be"):
        Histories(path, "0" * 12)
    with pytest.raises(ThawError, match=r"file\.npz is not the histories it should be"):
        load_scores(path.with_suffix(".csv"), path, Tile(range(1), range(1)), "0" * 12)


def test_weights_that_are_a_pickle_are_refused(bomb, tmp_path):
    path = tmp_path / "models-00-00.safetensors"
    archive = tmp_path / "torch.safetensors"
    path.write_bytes(bomb)
    with zipfile.ZipFile(archive, "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", bomb)
    for file in (path, archive):
        with pytest.raises(ThawError, match="is not the source models it should be"):
            load_source_models([file], "0" * 12, [0])


@pytest.mark.parametrize("module", [None, "os:getcwd", "os"])
def test_a_function_that_networks_name_is_not_called(module, tmp_path):
    network = {
        "module": {"function": "mkdir", "import": "os"},
        "arguments": {"path": str(tmp_path / "pwned")},
    }
    gift = tmp_path / "models-00-00-repeats-00-00.safetensors"
    save_networks(
        gift,
        {"output.bias": torch.zeros(1, 3)},
        Tile(range(1), range(1)),
        {"settings": {"network": network}},
        {},
        About("classification", DESCRIPTION, []),
    )
    with pytest.raises(ThawError, match=r"its networks are built by .*os:mkdir"):
        of_files([gift], module=module).predict([[1, 2]])
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["a.pt", "$(touch pwned).pth"])
def test_of_a_checkpoint_only_weights_are_read(name, bomb, tmp_path):
    archive = tmp_path / name
    with zipfile.ZipFile(archive, "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", bomb)
        file.writestr("archive/version", "3")
    with pytest.raises(ThawError, match="holds more than weights") as caught:
        load_checkpoint(archive)
    (*_, told, new) = shlex.split(str(caught.value))
    assert (told, new) == (str(archive), f"{archive.stem}.safetensors")
    plain = tmp_path / f"plain-{name}"
    plain.write_bytes(bomb)
    with pytest.raises(ThawError, match="is damaged, or torch"):
        load_checkpoint(plain)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("file", ["--key=0.pt", "{key}.safetensors", "a\nb.pth"])
def test_a_checkpoint_that_is_more_than_a_path_is_refused(file):
    study = SMALL_CONFIG["studies"]["ahead"] | {"source_models": {"files": [file]}}
    with pytest.raises(ThawError, match=r"files\[0\]: .* for more than a path"):
        resolve(SMALL_CONFIG | {"studies": {"ahead": study}})


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "file", "s3"])
def test_no_address_is_fetched(scheme):
    problem = {"file": f"{scheme}://127.0.0.1/x.csv", "label": "y", "train_size": 10}
    config = SMALL_CONFIG | {"problems": {"one": problem, "two": problem}}
    with pytest.raises(ThawError, match=r"/x\.csv.*: No such file"):
        resolve(config)


# Names that run or unpickle their arguments. subprocess runs words as they are, unless
# it is told shell=True.
RUNS = {"eval", "exec", "compile", "system", "popen", "__import__"}
ALLOWED = {("eval", True), ("compile", True)}
UNPICKLES = {
    "pickle",
    "joblib",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "read_pickle",
}


def test_the_package_neither_evaluates_nor_unpickles():
    found = set()
    for path in (ROOT / "workflow/thaw").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                    module = getattr(getattr(node.func, "value", None), "id", "")
                    # A module of torch has a method `eval`, and `re` compiles, too.
                    method = isinstance(node.func, ast.Attribute)
                    if name in RUNS and (name, method) not in ALLOWED:
                        found.add((path.name, name))
                    if (module, name) == ("torch", "load"):
                        (safe,) = (k for k in node.keywords if k.arg == "weights_only")
                        assert safe.value.value is True
                    if (module, name) == ("yaml", "load"):
                        found.add((path.name, f"{module}.{name}"))
                    for keyword in node.keywords:
                        if keyword.arg in ("shell", "allow_pickle") and not (
                            isinstance(keyword.value, ast.Constant)
                            and keyword.value.value is False
                        ):
                            found.add((path.name, keyword.arg))
                case ast.Import() | ast.ImportFrom():
                    names = {alias.name.split(".")[0] for alias in node.names}
                    names.add((getattr(node, "module", "") or "").split(".")[0])
                    found |= {(path.name, name) for name in names & UNPICKLES}
    assert found == set()
