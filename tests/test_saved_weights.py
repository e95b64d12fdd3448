"""Saved weights are those of the networks behind the scores."""

import copy
import csv
import re
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from conftest import SMALL_CONFIG, new_project
from thaw.output.tiles import Tile
from thaw.output.weights import save_networks


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["back"]
    config["variants"]["fixed-1"]["save"] = "weights"
    project = new_project(tmp_path_factory.mktemp("saved") / "project", config)
    project.snakemake("--cores", "2", "ahead")
    return project


def test_the_networks_that_were_saved_reach_the_scores(project):
    """As docs/predict.md shows it: entries have the names of torch's layers."""
    (problem,) = project.folder.glob("results/problems/two-*.npz")
    with np.load(problem) as data:
        x, y = torch.from_numpy(data["test_x"]), data["test_y"]
    paths = sorted(project.folder.glob("results/repeats/two/*/*.safetensors"))
    assert {path.parent.name.rpartition("-")[0] for path in paths} == {"fixed-1"}
    assert len(paths) == 2
    for path in paths:
        layers = {
            "hidden-1": nn.Linear(2, 4),
            "relu-1": nn.ReLU(),
            "hidden-2": nn.Linear(4, 3),
            "relu-2": nn.ReLU(),
            "output": nn.Linear(3, 3),
        }
        network = nn.Sequential(OrderedDict(layers))
        weights = load_file(path)
        network.load_state_dict({name: values[0] for name, values in weights.items()})
        accuracy = (network(x).argmax(1).numpy() == y).mean()
        with path.with_suffix(".csv").open() as file:
            (row,) = csv.DictReader(file)
        assert float(row["test_accuracy"]) == pytest.approx(accuracy)


def test_only_what_is_to_be_saved_now_is_trained_again(project):
    before = project.results("**/*.*")
    project.change("variants", "fixed-0", "save", to="weights")
    said = project.snakemake("-n").stdout
    assert "ahead: no change; 2 repeats of each variant; 2 repeats to train" in said
    planned = project.planned("ahead")
    trained = {job for job in planned if job.startswith("train")}
    assert trained == {
        f"train_and_save two fixed-0 models-00-00-repeats-{n}-{n}" for n in ("00", "01")
    }
    weights = {
        path
        for job in trained
        for path in re.findall(r"results/repeats/\S+\.safetensors", planned[job])
    }
    assert len(weights) == 2
    project.snakemake("--cores", "2", *weights)
    after = project.results("**/*.*")
    assert {path for path in before if after[path] != before[path]} == set()

    project.change("variants", "fixed-1", to={"freeze": 1})
    assert not any(job.startswith("train") for job in project.planned("ahead"))


def test_views_are_written_in_their_own_order(tmp_path):
    """Not in that of their memory, as the library would."""
    values, path = torch.arange(6.0).reshape(2, 3).T, tmp_path / "w.safetensors"
    save_networks(path, {"weight": values}, Tile(range(3)), {"stage": "train"}, {})
    assert torch.equal(load_file(path)["weight"], values)
