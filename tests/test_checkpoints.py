"""Source models that are files: the accepted, the refused, and the consequences."""

import csv
import json
import shlex
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file, save_model
from torch import nn

from conftest import new_project
from test_network_check import NETWORKS, config
from test_networks import Tied
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
            lambda s: [s.update({f"module.{name}": s.pop(name)}) for name in [*s]],
            "; without module. at their beginning, its names would fit: rename them",
        ),
    ],
)
def test_entries_that_do_not_fit_are_named(change, words):
    state = entries()
    change(state)
    with pytest.raises(ThawError) as caught:
        source_model(ModuleNetwork(Tied), "a", state)
    assert words in str(caught.value)


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


def test_the_way_to_convert_that_is_named_works(tmp_path):
    path = tmp_path / "whole.pt"
    whole = nn.Linear(2, 3)
    whole.weight.data = torch.ones(2, 3).T  # not contiguous, as converted ones are
    torch.save(whole, path)
    with pytest.raises(ThawError) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    command = shlex.split(str(caught.value).partition("can be imported: ")[2])
    subprocess.run([sys.executable, *command[1:]], check=True, cwd=tmp_path)
    assert load_file(tmp_path / "whole.safetensors").keys() == {"weight", "bias"}


def test_other_content_is_named(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"epoch": 3, "state_dict": entries()}, path)
    with pytest.raises(ThawError, match="a dictionary of epoch, state_dict, not th"):
        load_checkpoint(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ThawError, match="or is damaged"):
        load_checkpoint(path)
    other = path.with_suffix(".safetensors")
    other.write_bytes(b"nothing at all")
    with pytest.raises(ThawError, match=r"a\.safetensors is not a safetensors file"):
        load_checkpoint(other)


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
    assert log == (
        "error: moved.safetensors does not fit the network: missing: 0.weight; not in "
        "the network: more\n"
    )
