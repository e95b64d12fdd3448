"""Files of weights, the accepted and the refused, and modules and weights in runs."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file, save_model
from torch import nn

from projects import SMALL_CONFIG, JobError, Project
from test_networks import Tied
from thaw.errors import ThawError
from thaw.external.checkpoints import load_checkpoint
from thaw.learning.checkpoints import check_alike, source_model
from thaw.learning.module import ModuleNetwork
from thaw.output.tiles import Tile
from thaw.output.weights import save_networks
from trained import same


def entries(classes=3) -> dict:
    return {name: values.clone() for name, values in Tied(classes).state_dict().items()}


class Around(nn.Module):
    """Holds the network as a part, as wrappers do."""

    def __init__(self):
        super().__init__()
        self.net = Tied()


@pytest.mark.parametrize("kind", [Tied, Around])
def test_a_file_is_a_source_model_whatever_prefix_its_names_have(kind):
    """And one of each pair of tied names is enough."""
    network, state = ModuleNetwork(kind), entries()
    names = [name for name in state if name != "second.weight"]
    for prefix in ("", "module.", "module._orig_mod.net."):
        model = source_model(network, "a", {f"{prefix}{n}": state[n] for n in names})
        assert [*model] == [*network.shapes]
        model = {n.removeprefix("net."): values[0] for n, values in model.items()}
        assert same(model, state) == {*state}


def test_the_output_may_misfit_or_be_missing_and_halves_become_floats():
    network = ModuleNetwork(lambda: Tied(5))
    halves = {n: v.half() if v.is_floating_point() else v for n, v in entries().items()}
    model = source_model(network, "a", halves)
    assert model["head.weight"].shape == (1, 3, 6)
    assert model["head.weight"].dtype == torch.float32
    headless = {n: v for n, v in entries().items() if not n.startswith("head")}
    # Files from before PyTorch 0.4.1 do not count batches.
    del headless["stem.norm.num_batches_tracked"]
    model = source_model(network, "a", headless)
    assert "head.weight" not in model
    assert model["stem.norm.num_batches_tracked"].dtype == torch.int64
    body = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4))
    whole = nn.ModuleDict({"body": body, "head": nn.Linear(4, 3)})
    model = source_model(ModuleNetwork(lambda: whole), "a", body.state_dict())
    assert [*model] == [f"body.{name}" for name in body.state_dict()]
    check_alike({"a": entries(3), "b": entries(3)})
    with pytest.raises(ThawError, match=r"b and a differ in shape: head\.weight, he"):
        check_alike({"a": entries(3), "b": entries(4)})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"first.bias": None}, "a does not fit the network: missing: first.bias"),
        ({"more": torch.zeros(3)}, "not in the network: more"),
        ({"first.bias": torch.zeros(4)}, "of another shape: first.bias (4 in the file"),
        ({"first.bias": torch.zeros(6).long()}, "whole numbers where others are expec"),
        ({"first.bias": torch.zeros(6) / 0}, "nan or infinite: first.bias"),
    ],
)
def test_entries_that_do_not_fit_are_named(changed, words):
    state = {n: v for n, v in (entries() | changed).items() if v is not None}
    with pytest.raises(ThawError) as caught:
        source_model(ModuleNetwork(Tied), "a", state)
    assert words in str(caught.value)


def lightning(state):
    """Return what Lightning saves, as far as PyTorch's own types go."""
    return {
        "epoch": 3,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {f"model.{name}": values for name, values in state.items()},
        "loops": {"fit_loop": {"state_dict": {}}},
        "optimizer_states": [torch.optim.Adam(Tied().parameters()).state_dict()],
    }


def test_files_of_all_kinds_hold_the_same(tmp_path):
    module = Tied()
    state = module.state_dict()
    for name, content in (
        ("a.pt", state),
        ("a.ckpt", lightning(state)),
        ("a.pth.tar", {"epoch": 3, "state_dict": state}),
        ("pytorch_model.bin", {"model": state, "loss": torch.zeros(1)}),
    ):
        torch.save(content, tmp_path / name)
    # Of tied entries the library writes one.
    save_model(module, str(tmp_path / "a.safetensors"))
    for path in tmp_path.iterdir():
        model = source_model(ModuleNetwork(Tied), "a", load_checkpoint(path))
        assert same({n: values[0] for n, values in model.items()}, state) == {*state}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pt", {"epoch": 3, "loss": 0.5}, "a dictionary of epoch, loss, not the en"),
        ("a.pt", {"net": Tied()}, r"more than weights \(test_networks.Tied\), or is"),
        ("a.pt", {"net": entries(), "ema": entries()}, r"networks \(net, ema\); sa"),
        ("a.pt", b"nothing", r"a\.pt is damaged, or torch\.save di"),
        ("a.safetensors", b"nothing at all", r"a\.safetensors is not a safetensors fi"),
    ],
)
def test_other_content_is_named(name, content, words, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ThawError, match=words):
        load_checkpoint(path)


def test_views_are_written_in_their_own_order(tmp_path):
    """Not in that of their memory, as the library would."""
    values, path = torch.arange(6.0).reshape(2, 3).T, tmp_path / "w.safetensors"
    save_networks(path, {"weight": values}, Tile(range(3)), {"stage": "train"}, {})
    assert torch.equal(load_file(path)["weight"], values)


NETWORKS = """
from torch import nn

def small(width, num_classes, shape, outputs=None):
    return nn.Sequential(
        nn.Linear(shape[0], width), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
        nn.Linear(width, outputs or num_classes),
    )
"""
STUDY = SMALL_CONFIG["studies"]["ahead"] | {"variants": "ladder", "source_models": 2}
CONFIG = SMALL_CONFIG | {
    "network": {
        "module": "networks.py:small",
        "arguments": {"width": 4, "num_classes": "$classes", "shape": "$shape"},
        "groups": ["0", "3|4", "6"],
    },
    "repeats_per_job": 2,
    "training": {"epochs": 1, "batch_size": 10, "learning_rate": 0.1},
    "variants": {},
    "studies": {"ahead": STUDY},
}


@pytest.fixture
def project(store, tmp_path) -> Project:
    """A project of a small module that two source models and a ladder trained."""

    def write(folder):
        (folder / "networks.py").write_text(NETWORKS)

    targets = "results/ahead/scores.csv", "results/ahead/network.md"
    return store.copy(tmp_path / "project", CONFIG, *targets, write=write)


def test_a_study_says_which_parts_learn_and_what_is_wrong_before_any_does(project):
    text = (project.folder / "results/ahead/network.md").read_text()
    line = r"\| fixed-2 +\| +0, 3\\\|4 \| +40 of 55 \| +nothing \|"
    assert re.search(line, text), text
    (log,) = (project.folder / "logs/networks").glob("*.log")
    assert "fixed-1: 0 frozen (12 of 55 weights)" in log.read_text()
    before = project.results("**/*")
    project.change("network", "arguments", "outputs", to=7)
    with pytest.raises(JobError) as caught:
        project.make("scores")
    assert "network: for one it returns 2 by 7 numbers" in str(caught.value)
    assert str(caught.value).strip().count("\n") == 0
    assert project.results("**/*") == before


def test_files_give_the_scores_of_the_source_models_that_they_hold(project):
    """One of safetensors, and one that Lightning saved."""
    models = project.folder.glob("results/source-models/*/*.safetensors")
    first, second = (
        {name: values[0].clone() for name, values in load_file(path).items()}
        for path in sorted(models)
    )
    save_file(first, project.folder / "0.safetensors")
    torch.save(lightning(second), project.folder / "1.ckpt")
    study = STUDY | {"source_models": {"files": ["0.safetensors", "1.ckpt"]}}
    del study["source"]
    project.config = CONFIG | {"studies": {"files": study}}
    scores = "results/files/scores.csv"
    project.make(scores)

    def stale():
        learn = ("train", "pretrain", "read_checkpoints")
        return {job for job in project.stale(scores) if job.startswith(learn)}

    (before,) = project.results("ahead/scores.csv").values()
    (after,) = project.results("files/scores.csv").values()
    assert before.replace(b"ahead,", b"files,") == after != before
    # A move trains nothing, and other content trains what starts from it.
    (project.folder / "1.ckpt").rename(project.folder / "moved.ckpt")
    files = ("studies", "files", "source_models", "files")
    project.change(*files, to=["0.safetensors", "moved.ckpt"])
    assert stale() == set()
    state = load_checkpoint(project.folder / "moved.ckpt")
    torch.save({n: v + 1 for n, v in state.items()}, project.folder / "moved.ckpt")
    assert stale() == {
        "read_checkpoints models-01-01",
        *(f"train two fixed-{n} models-01-01-repeats-00-01" for n in range(3)),
    }
    # One with an entry that does not fit ends it, with its name.
    state["more"] = state.pop("model.0.weight")
    torch.save(state, project.folder / "moved.ckpt")
    with pytest.raises(JobError, match=r"moved\.ckpt does not fit .*: missing: "):
        project.make(scores)


def test_only_what_is_to_be_saved_now_is_trained_again(store, tmp_path):
    settings = SMALL_CONFIG | {"studies": {"ahead": SMALL_CONFIG["studies"]["ahead"]}}
    project = store.copy(tmp_path / "project", settings, "results/ahead/scores.csv")
    before = project.results("repeats/**/*.*")
    project.change("variants", "fixed-0", "save", to="weights")
    training = {job for job in project.stale("ahead") if job.startswith("train")}
    assert training == {
        f"train_and_save two fixed-0 models-00-00-repeats-{n}-{n}" for n in ("00", "01")
    }
    scores = [path for path in before if "fixed-0" in path and path.endswith(".csv")]
    weights = [f"results/{path.replace('.csv', '.safetensors')}" for path in scores]
    assert project.make(*weights) == ["train_and_save"] * 2
    # As docs/predict.md shows it.
    names = load_file(project.folder / weights[0]).keys()
    assert {"hidden-1.weight", "hidden-2.bias", "output.weight"} <= names
    after = project.results("repeats/**/*.*")
    assert len(after) == len(before) + 2
    assert before.items() <= after.items()
    project.change("variants", "fixed-0", to={"freeze": 0})
    assert not any(job.startswith("train") for job in project.stale("ahead"))
