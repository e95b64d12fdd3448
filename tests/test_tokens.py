"""Tokens: whole numbers that reach a module as integers, as nn.Embedding takes them."""

import re
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from configs import MODULE, TRAINER
from conftest import SMALL_CONFIG
from thaw.cli.main import main
from thaw.config.resolve import examine
from thaw.data.make import make_problem
from thaw.errors import ThawError
from thaw.external.checks import check_tokens
from thaw.learning.module import ModuleNetwork
from thaw.learning.splits import split
from thaw.output.problems import load_described, save_problem

VOCABULARY = 12
SETTINGS = {"file": {}, "tokens": True, "train_size": 40, "shuffle": 1}
NETWORK = """
import torch
from torch import nn


class Words(nn.Module):
    def __init__(self, vocabulary, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 6)
        self.mix = nn.Linear(6, 6)
        self.output = nn.Linear(6, classes)

    def forward(self, x):
        assert x.dtype == torch.int64, x.dtype
        return self.output(torch.relu(self.mix(self.embedding(x))).mean(1))
"""


def sentences(seed, rows=80):
    """Return rows of five words; in class 1, most words are of the second half."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    half = rng.random((rows, 5)) < np.where(y, 0.9, 0.1)[:, None]
    x = rng.integers(0, VOCABULARY // 2, (rows, 5)) + VOCABULARY // 2 * half
    x[0, 0] = VOCABULARY - 1
    return x, y


def write(path, seed=0, kind=np.int32):
    x, y = sentences(seed)
    np.savez(path, X=x.astype(kind), y=y)
    return path


@pytest.mark.parametrize("shuffle", [1, "each"])
def test_tokens_stay_integers(tmp_path, shuffle):
    path = write(tmp_path / "x.npz")
    more = {"test_size": 20, "shuffle": shuffle, "transforms": [{"permute": 3}]}
    problem, told = make_problem(SETTINGS | more, [path])
    assert told.tokens
    save_problem(tmp_path / "made.npz", problem, told, {"code": ""}, {})
    known = np.load(tmp_path / "made.npz")["record"]
    found, again, _ = load_described(
        tmp_path / "made.npz", re.search(r'"key": "(\w+)"', str(known))[1]
    )
    assert again.tokens
    for one in (problem.whole, found.whole, split(found, 1, 0)):
        assert one.train_x.dtype == one.test_x.dtype == np.int64
        x, y = sentences(0)
        at = np.random.default_rng(3).permutation(5)
        np.testing.assert_array_equal(one.test_x, x[one.test_rows - 1][:, at])
        np.testing.assert_array_equal(one.test_y, y[one.test_rows - 1])
    # The same numbers that stand for amounts are float32, as ever.
    usual = {key: value for key, value in SETTINGS.items() if key != "tokens"}
    assert make_problem(usual, [path])[0].train_x.dtype == np.float32


@pytest.mark.parametrize("value", [-1, 0.5, 2**24 + 1])
def test_other_numbers_are_no_tokens(tmp_path, value):
    x, y = sentences(0)
    frame = pd.DataFrame(x, columns=[*"abcde"]).assign(word=y).astype({"c": float})
    frame.loc[6, "c"] = value
    frame.to_csv(tmp_path / "x.csv", index=False)
    settings = SETTINGS | {"label": "word"}
    with pytest.raises(
        ThawError,
        match=r"column c: 1 of 80 no tokens: whole numbers fr"
        r"om 0 to 16,777,216, first \S+ in row 7; number them from 0",
    ):
        make_problem(settings, [tmp_path / "x.csv"])
    frame.loc[6, "c"] = 2**24
    frame["a"] = 1  # every row begins alike
    frame.to_csv(tmp_path / "x.csv", index=False)
    problem, _ = make_problem(settings, [tmp_path / "x.csv"])
    assert max(problem.train_x.max(), problem.test_x.max()) == 2**24


@pytest.mark.parametrize(
    ("changes", "network", "words"),
    [
        ({}, None, "studies.ahead.source: features of 'one' are tokens, and net"),
        ({"scale": "standard"}, MODULE, "problems.two.scale: tokens stay the whole nu"),
        ({"transforms": [{"permute": 1}, {"noise": 1}]}, MODULE,
         "problems.two.transforms[1].noise: tokens stay"),
        ({"tokens": False}, MODULE, "studies.ahead.target: tokens are features of one"),
        ({}, MODULE | {"augment": {"noise": 1}},
         "studies.ahead.training.augment: only numbers can be altered, and these are"),
    ],
)  # fmt: skip
def test_contradictions_are_told(folder, changes, network, words):
    write(folder / "x.npz")
    tokens = {"file": "x.npz", "train_size": 40, "tokens": True}
    network = dict(network or SMALL_CONFIG["network"])
    training = SMALL_CONFIG["training"]
    training = training | {"augment": network.pop("augment", None)}
    config = SMALL_CONFIG | {
        "problems": {"one": tokens, "two": tokens | changes},
        "studies": {"ahead": SMALL_CONFIG["studies"]["ahead"]},
        "network": network,
        "training": {key: value for key, value in training.items() if value},
        "variants": {"standalone": {"pretrained": False}, "fixed-0": {}, "fixed-1": {}},
    }
    _, mistakes = examine(config)
    assert [line for line in mistakes if line.startswith(words)], mistakes
    config["problems"]["two"], config["network"] = tokens, MODULE
    config["training"] = SMALL_CONFIG["training"]
    assert not examine(config)[1]
    assert not examine(config | {"network": TRAINER})[1]


def test_an_embedding_that_is_too_small_is_told_before_training(tmp_path):
    problem, _ = make_problem(SETTINGS, [write(tmp_path / "x.npz")])
    space = {}
    exec(NETWORK, space)
    check_tokens("words", ModuleNetwork(lambda: space["Words"](12, 2)), problem)
    small = ModuleNetwork(lambda: space["Words"](11, 2))
    with pytest.raises(ThawError) as error:
        check_tokens("words", small, problem)
    assert str(error.value) == (
        "network: with 11, the largest token of words, it fails (index out of range in "
        "self); an nn.Embedding takes 12 rows or more"
    )


TOKENS = {"tokens": True, "train_size": 40}
CONFIG = SMALL_CONFIG | {
    "network": {
        "module": "networks.py:Words",
        "arguments": {"vocabulary": VOCABULARY, "classes": "$classes"},
        "groups": ["embedding", "mix", "output"],
    },
    "repeats_per_job": "auto",
    "problems": {
        "one": TOKENS | {"file": "one.npz"},
        "two": TOKENS | {"file": "two.npz"},
        "each": TOKENS | {"file": "two.npz", "test_size": 30, "shuffle": "each"},
    },
    "variants": {
        "standalone": {"pretrained": False},
        "fixed-1": {"freeze": 1, "save": "weights"},
        "forest": {"estimator": "sklearn.naive_bayes.GaussianNB"},
    },
    "studies": {
        name: {
            "source": "one",
            "target": target,
            "variants": ["standalone", "fixed-1", "forest"],
            "repeats": 1,
            "source_models": 1,
            "target_sizes": [20],
        }
        for name, target in (("words", "two"), ("splits", "each"))
    },
}


def test_a_network_with_an_embedding_learns_from_end_to_end(once, monkeypatch):
    def write_all(folder):
        write(folder / "one.npz", 1)
        write(folder / "two.npz", 2, np.uint8)
        (folder / "networks.py").write_text(NETWORK)

    project = once("tokens", CONFIG, write_all)
    for study in ("words", "splits"):
        scores = pd.read_csv(project.folder / f"results/{study}/scores.csv")
        assert (scores["failed"] == 0).all() and len(scores) == 3
        assert scores["test_accuracy"].max() > 0.7
    monkeypatch.chdir(project.folder)
    x, y = sentences(5)
    names = [f"feature {number}" for number in range(1, 6)]
    frame = pd.DataFrame(x, columns=names).assign(label=y)
    frame.to_csv("new.csv", index=False)
    done = CliRunner().invoke(main, ["predict", "words", "fixed-1", "new.csv"])
    assert not done.exit_code, done.output
    found = pd.read_csv(StringIO(done.stdout))
    assert len(found) == 80
    frame.astype(float).assign(**{"feature 2": 0.5}).to_csv("new.csv", index=False)
    done = CliRunner().invoke(main, ["predict", "words", "fixed-1", "new.csv"])
    assert "row 1: the networks learned from tokens, and a value is" in done.output
