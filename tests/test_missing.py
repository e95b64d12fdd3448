"""Missing values: rows that are left out, and numbers filled by each network's own."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from test_splits import ADDRESSES, RECIPE, SEED, TRAINER, config_of, fit, refusal
from thaw.api.predictor import of_files
from thaw.data.make import make_problem
from thaw.errors import ThawError
from thaw.keys import key
from thaw.learning import estimators
from thaw.learning.learner import stacked, take
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import held_out, rows_in_order
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.splits import split
from thaw.output.problems import load_described, save_problem
from thaw.output.tiles import Tile
from thaw.output.weights import About, save_networks
from trained import same

DROP, FILL = {"drop": "rows"}, {"fill": "median"}
TUNED = Training(4, 8, [0.05, 0.01], validation_size=0.2, keep="best")


@pytest.fixture
def table(tmp_path):
    """Return the path of 150 rows of three classes, some without a feature or both."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(150, 2)), columns=["heat", "mass"])
    frame["class"] = np.repeat(["a", "b", "c"], 50)
    for name in ("heat", "mass"):
        frame.loc[rng.random(150) < 0.2, name] = np.nan
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def make(path, missing, **more):
    told = {"file": {}, "label": "class", "train_size": 0.6, "shuffle": 1}
    return make_problem(told | {"missing": missing} | more, [path])


def test_a_trainer_gets_no_rows_that_are_to_be_filled(folder):
    file = folder / "rows.csv"
    file.touch()
    own = {"file": str(file), "label": "class", "train_size": 0.6, "missing": FILL}
    config = config_of(clean=own, noisy=own) | {"network": copy.deepcopy(TRAINER)}
    found = refusal(config)
    for role, name in (("source", "clean"), ("target", "noisy")):
        assert f"studies.ahead.{role}: '{name}' has missing: {{fill: median}}" in found


def test_rows_without_a_feature_are_left_out_and_counted(table):
    whole = pd.read_csv(table).dropna()
    problem, description = make(table, DROP)
    rows = problem.train_size + len(problem.test_rows)
    assert rows == len(whole) < 150
    assert {*problem.test_rows} <= {*whole.index + 1}
    found = pd.read_csv(table).isna().sum()
    assert description.missing == (
        f"left out because of missing values: {150 - rows} of 150 rows (heat "
        f"{found['heat']}, mass {found['mass']})"
    )
    assert description.missing in description.notes


def test_a_label_a_category_and_an_empty_column_are_not_filled(table):
    frame = pd.read_csv(table).assign(empty=np.nan, kind="x")
    frame.loc[3, ["class", "kind"]] = np.nan
    frame.to_csv(table, index=False)
    with pytest.raises(ThawError) as caught:
        make(table, FILL, categorical=["kind"])
    label, empty, kind = (line.split(": ", 1)[1] for line in caught.value.args)
    assert label.startswith("column class: 1 of 150 missing")
    assert empty.startswith("column empty: 150 of 150 missing")
    assert kind.endswith("missing: {drop: rows}, because fill takes numbers only")
    with pytest.raises(ThawError, match="column class: 1 of 150 missing"):
        make(table, DROP, drop=["empty", "kind"])


def by_hand(problem, address, training, size):
    """Return a problem with the rows of a repeat, filled, and how many it learns."""
    own = split(problem, SEED, address[0])
    rows = size or own.train_size
    validation = held_out(rows, training.validation_size)
    if size or validation.any():
        [own_rows] = rows_in_order(
            own, Whose.repeats(SEED, [address]), rows, validation
        )
        own = own._replace(train_x=own.train_x[own_rows], train_y=own.train_y[own_rows])
    learned = own.train_x[: (~validation).sum()]
    medians = np.nanmedian(learned, axis=0)
    train_x, test_x = (
        np.where(np.isnan(x), medians, x).astype(np.float32)
        for x in (own.train_x, own.test_x)
    )
    return own._replace(train_x=train_x, test_x=test_x, fills=False), medians


def small():
    layers = nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)
    return ModuleNetwork(lambda: nn.Sequential(*copy.deepcopy(layers)))


@pytest.mark.parametrize("shuffle", [1, "each"])
@pytest.mark.parametrize("size", [None, 21])
@pytest.mark.parametrize("network", [None, small()])
def test_a_network_learns_what_it_would_from_rows_filled_by_hand(
    table, size, shuffle, network
):
    problem, _ = make(table, FILL, shuffle=shuffle, scale="standard")
    training, addresses = Training(3, 8, 0.05), ADDRESSES[:4]
    parts = fit(problem, addresses, training, size, network=network, freeze=1)
    state = stacked([part.state for part in parts])
    said = np.concatenate([part.predictions for part in parts])
    for place, address in enumerate(addresses):
        own, medians = by_hand(problem, address, training, size)
        (alone,) = fit(own, [address], training, network=network, freeze=1)
        found = take(state, [place])
        assert np.array_equal(found.pop("feature.median")[0], medians)
        assert same(alone.state, found) == {*found}
        assert alone.predictions.tobytes() == said[[place]].tobytes()


@pytest.mark.parametrize("size", [None, 21])
def test_nothing_is_learned_from_validation_rows(table, size):
    """By hand, the medians are those of the other rows."""
    problem, _ = make(table, FILL)
    (together,) = fit(problem, ADDRESSES, TUNED, size, at_once=100)
    apart = fit(problem, ADDRESSES, TUNED, size, at_once=2)
    for place, address in enumerate(ADDRESSES):
        _, medians = by_hand(problem, address, TUNED, size)
        assert np.array_equal(together.state["feature.median"][place], medians)
    said = np.concatenate([part.predictions for part in apart])
    assert together.predictions.tobytes() == said.tobytes()


def test_what_none_of_the_rows_has_counts_as_zero(table):
    problem, _ = make(table, FILL)
    problem.train_x[:, 1] = np.nan
    (part,) = fit(problem, ADDRESSES, Training(1, 8, 0.05), 5)
    assert not part.state["feature.median"][:, 1].any()
    assert np.isfinite(part.predictions).all()


def test_estimators_get_filled_rows(table):
    problem, _ = make(table, FILL)
    given = []

    class Seen(KNeighborsClassifier):
        def fit(self, x, y):
            given.append(x)
            return super().fit(x, y)

    whose = Whose.repeats(SEED, ADDRESSES[:2])
    _, said = estimators.learned(Seen, {}, problem, whose, 21, lambda n: None)
    for x, address, one in zip(given, ADDRESSES, said, strict=False):
        own, _ = by_hand(problem, address, Training(1, 8, 0.05), 21)
        np.testing.assert_array_equal(x, own.train_x)
        expected = KNeighborsClassifier().fit(x, own.train_y).predict(own.test_x)
        np.testing.assert_array_equal(one.argmax(1), expected)


def test_a_problem_on_disk_and_new_rows_keep_what_is_missing(table, tmp_path):
    problem, description = make(table, FILL, scale="standard")
    save_problem(tmp_path / "p.npz", problem, description, RECIPE, {})
    problem, description, _ = load_described(tmp_path / "p.npz", key(RECIPE))
    assert problem.fills
    (part,) = fit(problem, ADDRESSES[:2], Training(3, 8, 0.05), 21)
    path, tile = tmp_path / "networks.safetensors", Tile(range(1), range(2))
    recipe = {"settings": {"network": {"hidden": [5]}}}
    about = About("classification", description, [])
    save_networks(path, part.state, tile, recipe, {}, about)
    new = pd.read_csv(table).loc[problem.test_rows - 1, ["mass", "heat"]]
    for place, name in enumerate(("0-0", "0-1")):
        found = of_files([path], [name]).predict_proba(new)
        expected = np.exp(part.predictions[place])
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ThawError, match="is not a finite number"):
        of_files([path]).predict_proba(new.assign(heat="x"))
