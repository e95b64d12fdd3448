"""Small tables, the problems made of them, and networks that learn from these."""

import functools

import numpy as np
import pandas as pd
import pytest

from thaw.data.make import make_problem
from thaw.errors import ThawError
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Phase
from thaw.learning.seeds import Whose
from thaw.learning.training import train

SETTINGS = {"file": {}, "label": "class", "train_size": 40, "shuffle": 1}

# The seed of the splits of pools, and repeats of several source models in any order.
SEED = 3
ADDRESSES = [(2, 0), (0, 0), (0, 1), (5, 0), (2, 1), (1, 0), (7, 3)]


def three_classes() -> pd.DataFrame:
    """Return sixty rows of three classes, of which red is hot."""
    rng = np.random.default_rng(0)
    label = np.repeat(["red", "green", "blue"], 20)
    heat, mass = rng.normal(size=60) + 9 * (label == "red"), rng.normal(size=60) * 10
    return pd.DataFrame({"heat": heat, "class": label, "mass": mass})


def with_ages() -> pd.DataFrame:
    """Return sixty rows, numbered by `n`; some of their labels are equal numbers."""
    age = np.exp(np.random.default_rng(1).normal(size=60)) * 1e-3
    age[:8] = age[8]
    return three_classes().drop(columns="class").assign(age=age, n=range(1, 61))


def write(path, frame, **how):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        how = {"sep": "\t" if path.suffix == ".tsv" else ","} | how
        frame.to_csv(path, index=False, **how)
    return path


def make(folder, frame, name="data.csv", known=None, how=None, **changes):
    """Write a frame to a file and make a problem of it; None takes a setting away."""
    settings = {k: v for k, v in (SETTINGS | changes).items() if v is not None}
    path = write(folder / name, frame, **how or {})
    return make_problem(settings, [path], **known or {})


def make_with_test_file(folder, train, test, **changes):
    """Make a problem of two frames, the second of which holds the test rows."""
    settings = {"file": {}, "test_file": {}, "label": "class"} | changes
    files = write(folder / "train.csv", train), write(folder / "test.csv", test)
    return make_problem(settings, files)


def make_arrays(folder, x, y, **changes):
    np.savez(folder / "data.npz", X=x, y=y)
    settings = {"file": {}, "train_size": 40, "shuffle": 1, **changes}
    return make_problem(settings, [folder / "data.npz"])


def message(folder, frame, **changes):
    """Return the mistakes of a table, a line each, without the path of the folder."""
    with pytest.raises(ThawError) as caught:
        make(folder, frame, **changes)
    assert all(line.startswith(f"{folder}/data.") for line in caught.value.args[:30])
    return str(caught.value).replace(f"{folder}/", "")


def assert_equal(problem, expected):
    """Check that two problems have the same arrays."""
    for array, expected_array in zip(problem, expected, strict=True):
        np.testing.assert_array_equal(array, expected_array)


def pool_of_table(folder, groups=False, numbers=False, rows=200, source=None, **more):
    """Return the pool of a table with a rare class, and gaps if these are filled."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["heat", "mass"])
    who = rng.choice(40, rows, p=rng.dirichlet(np.full(40, 2)))
    frame["class"] = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    settings = SETTINGS | {"train_size": 0.6, "shuffle": "each"} | more
    if numbers:
        frame["class"] = rng.normal(size=rows)
        settings |= {"task": "regression"}
    if "missing" in more:
        gaps = rng.random((rows, 2)) < 0.2
        frame[["heat", "mass"]] = frame[["heat", "mass"]].mask(gaps)
    if groups:
        frame["who"] = who
        settings |= {"group": "who"}
    return make_problem(settings, [write(folder / "rows.csv", frame)], source=source)[0]


def fit(problem, addresses, training, size=None, at_once=None, network=None, freeze=0):
    """Train repeats by their addresses; return each number trained at a time."""
    width = 1 if problem.task == "regression" else 3
    network = network or FullyConnected(2, [5], width)
    if at_once:
        network.at_once = lambda rows: at_once
    whose, groups = Whose.repeats(SEED, addresses), list(network.groups)
    start = functools.partial(network.draw, groups)
    phases = [Phase(groups[:freeze])]
    return [*train(network, start, problem, training, whose, phases, size)]
