"""SECURITY.md's promises: a config's values and a file's content run nothing."""

import csv
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

from configs import message_of
from projects import LIMIT, ONE_JOB_CONFIG, ROOT, SMALL_CONFIG, new_project, planned
from samples import DESCRIPTION
from thaw.api.predictor import of_files
from thaw.data.tables import read_table
from thaw.errors import ThawError
from thaw.external.checkpoints import load_checkpoint
from thaw.output.histories import Histories
from thaw.output.problems import load_described
from thaw.output.scores import load_scores
from thaw.output.tiles import Tile
from thaw.output.weights import load_source_models, save_networks

CALL, WILDCARDS = "{open('pwned', 'w')}", "{wildcards.key} {} %s %(x)d"
MARKUP, CODES = "| a | [b](javascript:alert(1)) |", "\x1b[31m\x07\x9b2J\u202e"
# Texts that shells, Snakemake, Python, YAML, spreadsheets, browsers, TeX and terminals
# may take for a command. Each makes the file `pwned` if it is obeyed.
HOSTILE = [
    "$(touch pwned)",
    "'; touch pwned; '",
    "a\ntouch pwned\n",
    CALL,
    WILDCARDS,
    "!!python/object/apply:os.system ['touch pwned']",
    "=HYPERLINK(\"http://127.0.0.1\")|cmd|' /C touch pwned'!A0",
    "<script>alert(1)</script>&<b>",
    MARKUP,
    r"$\frac$ \input{x}",
    CODES,
    "../../../pwned",
]
FILE = 'data\'s "$(touch pwned)" ; %s & #/`touch pwned` \\.csv'
PROBLEM = {
    "file": FILE,
    "label": HOSTILE[0],
    "drop": [CALL],
    "rows": {WILDCARDS: "=1+1"},
    "train_size": 0.5,
    "shuffle": 1,
    "scale": "standard",
}
# Hostile wherever data and config may hold any text.
CONFIG = ONE_JOB_CONFIG | {
    "problems": {"one": PROBLEM, "two": PROBLEM | {"classes": HOSTILE}}
}


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    label = np.repeat(HOSTILE, 8)
    columns = {
        MARKUP: rng.normal(size=len(label)),
        "$\\alpha$ \x1b[31m<i>": rng.normal(size=len(label)),
        HOSTILE[0]: label,
        CALL: rng.permuted(label),
        WILDCARDS: "=1+1",
    }
    (folder / FILE).parent.mkdir(parents=True)
    pd.DataFrame(columns).to_csv(folder / FILE, index=False)


def test_shells_obey_no_text_of_jobs(tmp_path):
    """Bash runs each job's command, with a Python that only notes its arguments."""
    project = new_project(tmp_path / "project", CONFIG)
    write(project.folder)
    stub = tmp_path / "bin" / "python"
    stub.parent.mkdir()
    arguments = tmp_path / "arguments"
    stub.write_text(f'#!/bin/bash\nprintf "%s\\0" "$@" >>"{arguments}"\n')
    stub.chmod(0o755)
    environment = {"PATH": f"{stub.parent}:{os.environ['PATH']}"}
    options = {"cwd": project.folder, "env": environment, "timeout": LIMIT}
    with planned(project.folder, ()) as dag:
        jobs = [job for job in dag.needrun_jobs() if job.shellcmd]
    for job in jobs:
        for log in job.log:
            (project.folder / log).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["bash", "-euc", job.shellcmd], check=True, **options)
    words = arguments.read_text().split("\0")
    assert words.count("-m") == len(jobs) > 5
    inputs = [json.loads(word)["inputs"] for word in words if word.startswith("{")]
    assert [FILE] in [files.get("files") for files in inputs]
    assert not [*tmp_path.rglob("pwned*")]


def test_nothing_in_data_or_config_is_obeyed_or_shown_as_it_is(store):
    """No formula in tables, no markup in figures and texts, no control in logs."""
    attacked = store.finished(CONFIG, write=write).folder
    assert not [*attacked.rglob("pwned*")]
    names = {"Snakefile", "config.yaml", "workflow", "profiles", Path(FILE).parts[0]}
    names |= {"results", "logs", ".snakemake"}
    assert {path.name for path in attacked.iterdir()} <= names
    cells = [
        cell
        for path in attacked.glob("results/**/*.csv")
        for line in csv.reader(path.open(newline=""))
        for cell in line
    ]
    assert len(cells) > 100
    formula = re.compile(r"(?![-+][\d.]+(e[-+]?\d+)?$)[-=+@\t\r]")
    assert not [cell for cell in cells if formula.match(cell)]
    texts = {}
    for figure in attacked.glob("results/**/*.svg"):
        root = ElementTree.parse(figure).getroot()
        tags = {part.tag.split("}")[1] for part in root.iter()}
        assert not tags & {"script", "a", "foreignObject", "b", "i"}
        texts[figure.stem] = "".join(root.itertext())
    (text,) = (text for name, text in texts.items() if "problems" in name)
    assert "<script>alert(1)</script>" in text
    assert r"$\frac$ \input{x}" in text
    for path in attacked.glob("results/**/*.md"):
        assert not re.search(r"<script|(?<!\\)\]\(javascript:|\x1b", path.read_text())
    logs = "".join(path.read_text() for path in attacked.glob("logs/**/*.log"))
    assert "touch pwned" in logs
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", logs)


# One of each kind: no more of them than a message shows.
NAMES = [*HOSTILE[:2], *HOSTILE[-8:]]
NAMES += ["", "..", "a b", "a\n", "a\0", "-a", "ä", "a" * 101, "con*", "@a"]


@pytest.mark.parametrize("kind", ["problems", "variants", "studies", "maps"])
def test_names_that_are_more_than_names_are_refused(kind):
    value = next(iter(SMALL_CONFIG.get(kind, {"first": ["ahead"]}).values()))
    group = SMALL_CONFIG.get(kind, {}) | dict.fromkeys(NAMES, value)
    lines = message_of(SMALL_CONFIG | {kind: group}).split("\n")
    refusals = [line for line in lines if "is not allowed. Allowed: letters" in line]
    assert len(refusals) == len(NAMES)
    assert all(line.isprintable() for line in lines)


PATHS = (
    "--key=0.csv",
    "{key}.csv",
    "<key>.csv",
    "a\nb.csv",
    "a\0.csv",
    "a/.csv",
    "x.pkl",
)
ADDRESSES = ("https://127.0.0.1/x.csv", "file:///x.csv", "s3://127.0.0.1/x.csv")


@pytest.mark.parametrize("file", PATHS + ADDRESSES)
def test_a_file_that_is_more_than_a_path_is_refused(file):
    """And no address is fetched."""
    problem = {"file": file, "label": "class", "train_size": 10}
    message = message_of(SMALL_CONFIG | {"problems": {"one": problem, "two": problem}})
    refusal = r"/x\.csv.*: No such file" if "//" in file else r"file: .* is not allowed"
    assert re.search(refusal, message)
    checkpoints = {"source_models": {"files": [file.replace(".csv", ".pt")]}}
    study = SMALL_CONFIG["studies"]["ahead"] | checkpoints
    del study["source"]
    message = message_of(SMALL_CONFIG | {"studies": {"ahead": study}})
    assert re.search(r"source_models.*: .*(No such file|is not )", message)


@pytest.fixture
def bomb(tmp_path):
    """An object that makes a file when it is unpickled, as it must not be."""

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "pwned",))

    yield Bomb()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("kind", ["a pickle", "object arrays"])
def test_no_pickle_is_read(kind, bomb, tmp_path):
    """Neither as a user's own file nor as one of Thaw's results."""
    path, objects = tmp_path / "file.npz", np.array([bomb], dtype=object)
    with path.open("wb") as file:
        if kind == "a pickle":
            pickle.dump(bomb, file)
        else:
            names = ("X", "y", "record", "description", "accuracy")
            np.savez(file, **dict.fromkeys(names, objects))
    tile = Tile(range(1), range(1))
    for words, read in (
        ("cannot be read as npz", lambda: read_table(path, {"label": "y"})),
        ("is not the result", lambda: load_described(path, "0" * 12)),
        ("is not the result", lambda: Histories(path, "0" * 12)),
        ("is not the result", lambda: load_scores(path, path, tile, "0" * 12)),
    ):
        with pytest.raises(ThawError, match=rf"file\.npz:? {words}"):
            read()


def test_of_weights_no_pickle_is_read(bomb, tmp_path):
    plain, archive = tmp_path / "plain.pt", tmp_path / "archive.pth"
    plain.write_bytes(pickle.dumps(bomb))
    with zipfile.ZipFile(archive, "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", pickle.dumps(bomb))
        file.writestr("archive/version", "3")
    with pytest.raises(ThawError, match="holds more than weights"):
        load_checkpoint(archive)
    with pytest.raises(ThawError, match="is damaged, or torch"):
        load_checkpoint(plain)
    for path in (plain, archive):
        with pytest.raises(ThawError, match="is not the result it should be"):
            load_source_models(path.rename(f"{path}.safetensors"), "0" * 12, [0])


def test_a_function_that_networks_name_is_not_called(tmp_path):
    arguments = {"path": str(tmp_path / "pwned")}
    network = {"module": {"function": "mkdir", "import": "os"}, "arguments": arguments}
    gift = tmp_path / "models-00-00-repeats-00-00.safetensors"
    state, tile = {"output.bias": torch.zeros(1, 3)}, Tile(range(1), range(1))
    about = {"task": "classification", "described": DESCRIPTION._asdict()}
    about |= {"failed": []}
    save_networks(gift, state, tile, {"settings": {"network": network}}, {}, about)
    for module in (None, "os:getcwd", "os"):
        with pytest.raises(ThawError, match=r"its networks are built by .*os:mkdir"):
            of_files([gift], module=module).predict([[1, 2]])
    assert not (tmp_path / "pwned").exists()


def test_the_package_neither_evaluates_nor_unpickles():
    package = ROOT / "workflow" / "thaw"
    # Of ruff's: what evaluates text, unpickles, or starts a shell.
    rules = "S102,S301,S302,S307,S403,S506,S602,S604,S605,S609"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--ignore-noqa"]
    command += ["--preview", "--select", rules, str(package)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    risks = r"allow_pickle=(?!False)|__import__\(|\bjoblib\b|cloudpickle|"
    risks += r"= torch\.load\((?!.*weights_only=True)"
    for path in package.rglob("*.py"):
        assert not re.search(risks, path.read_text())
