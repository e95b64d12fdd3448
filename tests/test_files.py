"""Result files: whole or not at all, and truncated ones are named."""

import numpy as np
import pytest
import torch

from thaw.errors import ThawError
from thaw.files import whole_file
from thaw.network import Layer
from thaw.problems import load_problem, save_problem
from thaw.scores import (
    SCORE_COLUMNS,
    History,
    load_metric,
    read_score_rows,
    save_history,
    write_table,
)
from thaw.source_models import load_source_models, save_source_models


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    with whole_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"


def truncate(path):
    path.write_bytes(path.read_bytes()[:-40])


def test_problem_round_trip_and_truncation(tmp_path, problem):
    path = tmp_path / "problem.npz"
    save_problem(path, problem)
    for ours, theirs in zip(problem, load_problem(path), strict=True):
        assert np.array_equal(ours, theirs)
    truncate(path)
    with pytest.raises(ThawError, match=r"problem\.npz.*delete it"):
        load_problem(path)


def test_source_models_round_trip_and_truncation(tmp_path):
    path = tmp_path / "source-models.safetensors"
    network = [
        Layer(torch.rand(3, 5, 2), torch.rand(3, 5, 1)),
        Layer(torch.rand(3, 4, 5), torch.rand(3, 4, 1)),
    ]
    save_source_models(path, network)
    for ours, theirs in zip(network, load_source_models(path), strict=True):
        assert torch.equal(ours.weight, theirs.weight)
        assert torch.equal(ours.bias, theirs.bias)
    truncate(path)
    with pytest.raises(ThawError, match=r"source-models\.safetensors.*delete it"):
        load_source_models(path)


def test_histories_round_trip_and_truncation(tmp_path):
    path = tmp_path / "repeats.history.npz"
    history = History(*np.random.default_rng(0).random((4, 2, 3), dtype=np.float32))
    save_history(path, [4, 5], history)
    for metric, values in history._asdict().items():
        assert np.array_equal(load_metric(path, [4, 5], metric), values)
    with pytest.raises(ThawError, match="repeats 4 to 6"):
        load_metric(path, [4, 5, 6], "test_loss")
    truncate(path)
    with pytest.raises(ThawError, match="delete it"):
        load_metric(path, [4, 5], "test_loss")


def test_scores_are_read_only_if_they_are_those_of_the_job(tmp_path):
    path = tmp_path / "repeats.csv"
    scores = [np.float32(0.824), np.float32(1 / 3), 0.5, 0.25]
    rows = [("study", "variant", "", repeat, *scores) for repeat in (4, 5)]
    write_table(path, SCORE_COLUMNS, rows)
    first, _ = read_score_rows(path, [4, 5])
    assert first == ["study", "variant", "", "4", "0.824", "0.33333334", "0.5", "0.25"]
    for repeats in ([4], [5, 6], [4, 5, 6]):
        with pytest.raises(ThawError, match="delete it"):
            read_score_rows(path, repeats)
    for text in ("", "a,b\n1,2\n", path.read_text()[:-30]):
        path.write_text(text)
        with pytest.raises(ThawError, match="delete it"):
            read_score_rows(path, [4, 5])
