"""Source models that are files: the accepted, the refused, and the consequences."""

import csv
import json
import os
import shlex
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file, save_model
from torch import nn

from conftest import ROOT, new_project
from test_network_check import NETWORKS, config
from test_networks import Tied
from thaw.config.checkpoints import digest_of, mistakes_of_checkpoint, weight_files
from thaw.errors import ThawError
from thaw.external.checkpoints import load_checkpoint
from thaw.learning.checkpoints import check_alike, source_model
from thaw.learning.module import ModuleNetwork
from trained import same


def entries(classes=3) -> dict:
    return {name: values.clone() for name, values in Tied(classes).state_dict().items()}


def test_a_file_is_a_source_model():
    state = entries()
    found = source_model(ModuleNetwork(Tied), "a", state)
    assert same({name: values[0] for name, values in found.items()}, state) == {*state}
    assert found["stem.norm.num_batches_tracked"].dtype == torch.int64


def test_the_output_may_misfit_or_be_missing_and_halves_become_floats():
    network = ModuleNetwork(lambda: Tied(5))
    other = {n: v.half() if v.is_floating_point() else v for n, v in entries().items()}
    found = source_model(network, "a", other)
    assert found["head.weight"].shape == (1, 3, 6)
    assert found["head.weight"].dtype == torch.float32
    headless = {n: v for n, v in entries().items() if not n.startswith("head")}
    assert "head.weight" not in source_model(network, "a", headless)


def test_of_tied_weights_one_name_is_enough(tmp_path):
    """As `safetensors.torch.save_model` leaves the others out."""
    module = Tied()
    save_model(module, str(tmp_path / "tied.safetensors"))
    state = load_checkpoint(tmp_path / "tied.safetensors")
    assert {"first.weight", "second.weight"} - {*state}
    found = source_model(ModuleNetwork(Tied), "a", state)
    assert torch.equal(found["first.weight"][0], module.first.weight)
    assert torch.equal(found["second.weight"][0], module.first.weight)
    del state[({"first.weight", "second.weight"} & {*state}).pop()]
    with pytest.raises(ThawError, match=r"missing: first\.weight, second\.weight"):
        source_model(ModuleNetwork(Tied), "a", state)


def test_the_count_of_batches_may_be_missing():
    """As in files from before PyTorch 0.4.1, which has no such entries."""
    state = {f"module.{name}": values for name, values in entries().items()}
    del state["module.stem.norm.num_batches_tracked"]
    found = source_model(ModuleNetwork(Tied), "a", state)
    assert found["stem.norm.num_batches_tracked"].tolist() == [0]
    assert torch.equal(found["first.bias"][0], state["module.first.bias"])


def without(name):
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("first.bias"), "a does not fit the network: missing: first.bias"),
        (lambda s: s.update(more=s["head.bias"]), "not in the network: more"),
        (
            lambda s: s.update({"first.bias": torch.zeros(4)}),
            "of another shape: first.bias (4 in the file, 6 in the network)",
        ),
        (
            lambda s: s.update({"first.bias": torch.zeros(6, dtype=torch.int64)}),
            "whole numbers where others are expected, or the other way round: first.b",
        ),
        (
            lambda s: s["first.bias"].fill_(float("nan")),
            "nan or infinite: first.bias. Change the entries before you save them",
        ),
        # A prefix of some names only, or one without which others are missing.
        (
            lambda s: s.update({"net.first.bias": s.pop("first.bias")}),
            "missing: first.bias; not in the network: net.first.bias",
        ),
    ],
)
def test_entries_that_do_not_fit_are_named(change, words):
    state = entries()
    change(state)
    with pytest.raises(ThawError) as caught:
        source_model(ModuleNetwork(Tied), "a", state)
    assert words in str(caught.value)


class Around(nn.Module):
    """Holds the network as a part, as wrappers do."""

    def __init__(self):
        super().__init__()
        self.net = Tied()


@pytest.mark.parametrize("kind", [Tied, Around])
@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "module._orig_mod.net."]
)
def test_a_prefix_of_all_names_is_removed_or_added(prefix, kind):
    """And one of each pair of tied names is enough."""
    network, state = ModuleNetwork(kind), entries()
    kept = [name for name in state if name != "second.weight"]
    found = source_model(network, "a", {f"{prefix}{n}": state[n] for n in kept})
    assert [*found] == [*network.shapes]
    own = {name.removeprefix("net."): values[0] for name, values in found.items()}
    assert same(own, state) == {*state}


def test_a_prefix_may_be_that_of_a_body_without_head():
    body = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4))
    network = ModuleNetwork(
        lambda: nn.ModuleDict({"body": body, "head": nn.Linear(4, 3)})
    )
    found = source_model(network, "a", body.state_dict())
    assert [*found] == [f"body.{name}" for name in body.state_dict()]
    # One entry whose name has no prefix.
    with pytest.raises(ThawError, match="not in the network: weight"):
        source_model(network, "a", {"weight": torch.zeros(4, 2)})


def test_files_must_be_alike():
    check_alike({"a": entries(3), "b": entries(3)})
    with pytest.raises(ThawError, match=r"b and a differ in shape: head\.weight, he"):
        check_alike({"a": entries(3), "b": entries(4)})


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_all_kinds_of_files_hold_the_same(tmp_path, name):
    state = {n: v for n, v in entries().items() if n != "second.weight"}
    path = tmp_path / name
    (save_file if path.suffix == ".safetensors" else torch.save)(state, path)
    found = load_checkpoint(path)
    assert same(found, state) == {*state}


def test_what_could_run_code_is_refused_and_not_run(tmp_path):
    class Bad:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"a": Bad()}, tmp_path / "bad.pt")
    with pytest.raises(ThawError, match=r"bad\.pt holds more than weights.*save_file"):
        load_checkpoint(tmp_path / "bad.pt")
    assert not (tmp_path / "ran").exists()
    torch.save(nn.Linear(2, 3), tmp_path / "whole.pth")
    words = r"whole\.pth holds more than weights \(torch\.nn\..*Linear\)"
    with pytest.raises(ThawError, match=words):
        load_checkpoint(tmp_path / "whole.pth")


def whole():
    found = Tied()
    found.head.weight.data = torch.ones(6, 3).T  # not contiguous, as converted ones are
    return found


def lightning(state):
    """Return what Lightning saves, as far as PyTorch's own types go."""
    return {
        "epoch": 3,
        "global_step": 60,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {f"model.{name}": values for name, values in state.items()},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'mode': 'min'}": {"best_model_path": "a"}},
        "optimizer_states": [torch.optim.Adam(Tied().parameters()).state_dict()],
        "lr_schedulers": [],
    }


@pytest.mark.parametrize(
    "held",
    [
        lambda module: module,
        lambda module: {"epoch": 3, "model": module, "optimizer": None},
        lambda module: {"model": module.state_dict(), "args": Namespace(width=6)},
        lambda module: dict(module.state_dict()) | {"head.bias": module.head.bias},
        lambda module: (
            lightning(module.state_dict()) | {"hyper_parameters": Namespace(width=6)}
        ),
    ],
)
def test_the_way_to_convert_that_is_named_works(held, tmp_path):
    """Also for tied weights, which safetensors saves only as copies."""
    path, module = tmp_path / "it's whole.ckpt", whole()
    torch.save(held(module), path)
    try:
        state = load_checkpoint(path)
    except ThawError as error:
        assert "holds more than weights" in str(error)
        run_command(str(error).partition("can be imported: ")[2], tmp_path)
        state = load_checkpoint(tmp_path / "it's whole.safetensors")
    found = source_model(ModuleNetwork(Tied), "a", state)
    own = {name: values[0] for name, values in found.items()}
    assert same(own, module.state_dict()) == {*own} == {*module.state_dict()}


def test_the_way_to_convert_in_the_docs_works(tmp_path):
    text = (ROOT / "docs/networks.md").read_text("utf-8")
    (code,) = (part for part in text.split("```") if "save_file(" in part)
    torch.save(whole(), tmp_path / "whole.pt")
    code = code.removeprefix("python\n")
    seen = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=seen)
    assert {*load_checkpoint(tmp_path / "whole.safetensors")} == {*entries()}


def run_command(command, folder):
    """Run the command of a message, which is one line."""
    assert "\n" not in command
    words = shlex.split(command)
    assert words[0] == "python"
    seen = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, *words[1:]], check=True, cwd=folder, env=seen)


@pytest.mark.parametrize(
    "held",
    [
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: {"model": state, "optimizer": {"state": {}, "param_groups": []}},
        lambda state: {"model_state_dict": state, "loss": torch.zeros(1)},
        lightning,
    ],
)
@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "a.pth.tar", "pytorch_model.bin"])
def test_a_dictionary_around_the_weights_is_opened(held, name, tmp_path):
    torch.save(held(entries()), tmp_path / name)
    found = load_checkpoint(tmp_path / name)
    assert [n.removeprefix("model.") for n in found] == [*entries()]


def test_of_several_networks_one_is_kept(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"model": entries(), "model_ema": entries()}, path)
    words = "holds several networks .model, model_ema.; keep one: "
    with pytest.raises(ThawError, match=words) as caught:
        load_checkpoint(path)
    run_command(str(caught.value).partition("keep one: ")[2], tmp_path)
    assert {*load_checkpoint(tmp_path / "a-model.pt")} == {*entries()}


def test_other_content_is_named(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"epoch": 3, "loss": 0.5}, path)
    with pytest.raises(ThawError, match="a dictionary of epoch, loss, not the entries"):
        load_checkpoint(path)
    weights = entries() | {"first.bias": torch.zeros(6).to_sparse()}
    torch.save(weights, path)
    with pytest.raises(ThawError, match=r"sparse or without .*: first\.bias; save pl"):
        load_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(
        ThawError, match=r"holds list, not .* torch\.save\(module\.state"
    ):
        load_checkpoint(path)
    for held in (b"nothing", b""):
        path.write_bytes(held)
        with pytest.raises(ThawError, match=r"a\.pt is damaged, or torch\.save di"):
            load_checkpoint(path)
    other = path.with_suffix(".safetensors")
    for file in (path, other):
        file.write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 3\n")
        with pytest.raises(ThawError, match="is a pointer of Git LFS, not the weights"):
            load_checkpoint(file)
    other.write_bytes(b"nothing at all")
    with pytest.raises(ThawError, match=r"a\.safetensors is not a safetensors file"):
        load_checkpoint(other)


def save_in_parts(folder, state):
    """Save weights as Hugging Face's `save_pretrained` does where they are large."""
    folder.mkdir()
    names, weight_map = [*state], {}
    for number, half in enumerate((names[:3], names[3:]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: state[name].contiguous() for name in half}, folder / file)
        weight_map |= dict.fromkeys(half, file)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")


def test_a_folder_stands_for_the_weights_in_it(tmp_path):
    """Its digest is that of these files alone, and of one file the file's own."""
    parts, one = tmp_path / "parts", tmp_path / "one"
    save_in_parts(parts, {n: v for n, v in entries().items() if n != "second.weight"})
    assert [path.name for path in weight_files(parts)] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    digest = digest_of(weight_files(parts))
    (parts / "README.md").write_text("")
    assert digest_of(weight_files(parts)) == digest
    save_file({"a": torch.ones(1)}, weight_files(parts)[1])
    assert digest_of(weight_files(parts)) != digest
    one.mkdir()
    save_file({"a": torch.ones(1)}, one / "model.safetensors")
    file = one / "model.safetensors"
    assert digest_of(weight_files(one)) == digest_of(weight_files(file))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("[]", "is damaged: it has no weight_map of files"),
        ("{", "is damaged: Expecting property name"),
        (
            '{"weight_map": {"a": "../a.safetensors"}}',
            "names something else than files",
        ),
        ('{"weight_map": {"a": "a.safetensors"}}', "a.safetensors': No such file"),
    ],
)
def test_a_damaged_folder_is_named(index, words, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(index)
    (line,) = mistakes_of_checkpoint("here", str(tmp_path))
    assert line.startswith("here: ")
    assert words in line
    (tmp_path / "empty").mkdir()
    (line,) = mistakes_of_checkpoint("here", str(tmp_path / "empty"))
    assert "is a folder without model.safetensors. Allowed: " in line


# Through the workflow.

NAMES = ("answer.md", "scores.csv", "source-models.csv", "source-spread.png")
MADE = [f"results/files/{name}" for name in NAMES]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A study whose source models are pretrained, and files with the same."""
    told = config()
    told["studies"]["ahead"] |= {"variants": ["standalone", "fixed-0", "fixed-2"]}
    told["studies"]["ahead"]["target_sizes"] = ["all"]
    told["variants"] = {
        "standalone": {"pretrained": False},
        "fixed-0": {},
        "fixed-2": {"freeze": 2},
    }
    project = new_project(tmp_path_factory.mktemp("files") / "project", told)
    (project.folder / "networks.py").write_text(NETWORKS)
    project.snakemake("scores", "--cores", "2")
    files = sorted((project.folder / "results").glob("source-models/*/*.safetensors"))
    for number, file in enumerate(files):
        state = {name: values[0].clone() for name, values in load_file(file).items()}
        save_file(state, project.folder / f"{number}.safetensors")
    told["studies"]["files"] = told["studies"]["ahead"] | {
        "source_models": {"files": ["0.safetensors", "1.safetensors"]}
    }
    del told["studies"]["files"]["source"]
    project.config = told
    project.snakemake("--cores", "2", *MADE)
    return project


def test_files_give_the_scores_of_the_source_models_that_they_hold(project):
    def rows(study):
        text = (project.folder / "results" / study / "scores.csv").read_text()
        return [{**row, "study": ""} for row in csv.DictReader(text.splitlines())]

    assert rows("files") == rows("ahead")


def test_a_folder_and_a_ckpt_give_the_scores_of_the_file_with_the_same(project):
    """`1.safetensors` becomes a .ckpt, and `0.safetensors` a folder of parts."""
    folder, names = project.folder, ["parts", "1.ckpt"]
    before = (folder / "results/files/scores.csv").read_text()
    save_in_parts(folder / "parts", load_file(folder / "0.safetensors"))
    torch.save(lightning(load_file(folder / "1.safetensors")), folder / "1.ckpt")
    told = project.config
    project.change("studies", "files", "source_models", "files", to=names)
    project.snakemake("--cores", "2", MADE[1])
    assert (folder / "results/files/scores.csv").read_text() == before
    assert project.stale(MADE[1]) == set()
    (folder / "parts/config.json").write_text("{}\n")
    assert project.stale(MADE[1]) == set()
    project.config = told
    project.snakemake("--cores", "2", *MADE)


def test_nothing_is_said_of_where_files_come_from(project):
    folder = project.folder / "results/files"
    figures = {path.stem for path in folder.glob("*.png")}
    assert "source-spread" in figures
    assert not {"source-models", "source-accuracy"} & figures
    assert len((folder / "source-models.csv").read_text().splitlines()) == 1
    described = json.loads((folder / "study.json").read_text())
    assert {*described["problems"]} == {"two"}
    files = described["settings"]["checkpoints"]
    assert files == ["0.safetensors", "1.safetensors"]
    assert "cover the luck of 2 checkpoints" in (folder / "answer.md").read_text()


STARTING = ("fixed-0", "fixed-2")


def test_one_more_file_trains_only_what_starts_from_it(project):
    folder = project.folder
    state = {n: v + 0.01 for n, v in load_file(folder / "0.safetensors").items()}
    save_file(state, folder / "more.safetensors")
    names = ("0.safetensors", "1.safetensors", "more.safetensors")
    before = project.config
    project.change("studies", "files", "source_models", "files", to=[*names])
    stale, said = project.stale("files"), project.snakemake("-n", "files").stdout
    project.config = before
    assert {job for job in stale if "train" in job or "read" in job} == {
        "read_checkpoints models-02-02",
        *(f"train two {name} models-02-02-repeats-00-01" for name in STARTING),
        # From no source model, so its repeats lie in tiles of several.
        *(f"train two standalone models-01-02-repeats-{n}-{n}" for n in ("00", "01")),
    }
    assert "2 → 3 source models" in said
    assert "8 repeats to train, 2 of them again (in jobs that are cut" in said


def test_another_content_is_read_and_trained_anew_and_a_move_is_not(project):
    assert project.stale(*MADE) == set()
    folder = project.folder
    moved = folder / "moved.safetensors"
    (folder / "0.safetensors").rename(moved)
    files = ["moved.safetensors", "1.safetensors"]
    project.change("studies", "files", "source_models", "files", to=files)
    learn = ("train", "pretrain", "read_checkpoints")
    assert not [job for job in project.stale("files") if job.startswith(learn)]
    moved.write_bytes((folder / "1.safetensors").read_bytes())
    said = project.snakemake("-n", "files", check=False)
    said = " ".join((said.stdout + said.stderr).split())
    assert "some have the same content, and a source model counts once" in said
    state = load_file(folder / "1.safetensors")
    save_file({name: values + 1 for name, values in state.items()}, moved)
    stale = project.stale("files")
    assert {job for job in stale if job.startswith(learn)} == {
        "read_checkpoints models-00-00",
        *(f"train two {name} models-00-00-repeats-00-01" for name in STARTING),
    }
    # An entry that does not fit ends it, with the file and the entries.
    state = load_file(folder / "1.safetensors")
    state["more"] = state.pop("0.weight")
    save_file(state, moved)
    done = project.snakemake("--cores", "2", "files", check=False)
    assert done.returncode
    # Findings of an earlier run are not reported again, as if this one had made them.
    assert "**files**" not in done.stdout
    logs = folder.glob("logs/source-models/checkpoints-*/*.log")
    log = max(logs, key=lambda path: path.stat().st_mtime_ns).read_text()
    assert log.startswith(
        "error: moved.safetensors does not fit the network: missing: 0.weight; not in "
        "the network: more. "
    )
    assert log.count("\n") == 1
