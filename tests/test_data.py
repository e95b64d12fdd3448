"""Problems from people's files: what is read, and what is told of bad files."""

import numpy as np
import pandas as pd
import pytest

from thaw.data.make import make_problem

SETTINGS = {"file": {}, "label": "class", "train_size": 40, "shuffle": 1}


@pytest.fixture
def frame() -> pd.DataFrame:
    """Sixty rows of three classes."""
    rng = np.random.default_rng(0)
    label = np.repeat(["red", "green", "blue"], 20)
    return pd.DataFrame(
        {
            "heat": rng.normal(size=60) + 5 * (label == "red"),
            "class": label,
            "mass": rng.normal(size=60) * 10,
        }
    )


def make(folder, frame, name="data.csv", **settings):
    """Write a frame to a file and make a problem of it."""
    path = write(folder / name, frame)
    return make_problem(SETTINGS | settings, [path])


def write(path, frame):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def test_a_file_becomes_scaled_tables(tmp_path, frame):
    problem, description = make(tmp_path, frame, scale="standard")
    assert description.columns == ["heat", "mass"]
    assert description.classes == ["blue", "green", "red"]
    assert problem.train_x.shape == (40, 2)
    assert problem.test_x.shape == (20, 2)
    assert (problem.train_x.dtype, problem.train_y.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(problem.train_x.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(problem.train_x.std(0), 1, atol=1e-6)
    # Each row is there once, with its own label, and may be scaled back.
    x = np.concatenate([problem.train_x, problem.test_x])
    x = x * description.spread + description.centre
    y = np.concatenate([problem.train_y, problem.test_y])
    made = pd.DataFrame(
        {
            "heat": x[:, 0],
            "mass": x[:, 1],
            "class": np.take(description.classes, y),
        }
    )
    expected = frame.sort_values("heat", ignore_index=True)
    pd.testing.assert_frame_equal(
        made.sort_values("heat", ignore_index=True)[list(frame)], expected, rtol=1e-5
    )


def test_shuffled_rows_are_stratified(tmp_path, frame):
    problem, _ = make(tmp_path, frame, train_size=30, test_size=15)
    assert np.bincount(problem.train_y).tolist() == [10, 10, 10]
    assert np.bincount(problem.test_y).tolist() == [5, 5, 5]
