"""Tasks: numbers are learned as a plain loop does, and classes may weigh more."""

import itertools
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.dummy import DummyRegressor
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

from test_training import NAMES, OPTIMIZERS, keras_state
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.keys import key
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.history import columns_of
from thaw.learning.learner import Phase, take
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training, Variant
from thaw.learning.tasks import TASKS, named_weights
from thaw.learning.training import learn, shuffled_orders
from thaw.learning.variants import fresh_groups, start_repeats
from thaw.output.tiles import Tile
from thaw.output.weights import load_source_models, save_networks
from trained import (
    assert_alone_equals_in_company,
    assert_scores_follow,
    bits,
    draw,
    fit,
    parts,
    repeats,
    same,
    with_numbers,
)

KERAS = np.load(Path(__file__).parent / "keras-regression.npz")
REGRESSION = TASKS["regression"]
TUNED = Training(4, 8, [0.2, 0.01], validation_size=0.2, keep="best")


@pytest.fixture(scope="module")
def numbers(problem):
    return with_numbers(problem)


def small(width=1, hidden=5):
    return FullyConnected(2, [hidden], width)


def module_of(width=1, hidden=5):
    """Return the same network as a module, whose entries have the same names."""
    layers = {
        "hidden-1": nn.Linear(2, hidden),
        "relu": nn.ReLU(),
        "output": nn.Linear(hidden, width),
    }
    return nn.Sequential(OrderedDict(layers))


def as_module(width=1):
    return ModuleNetwork(lambda: module_of(width), ["hidden-1", "output"])


def loaded(state, place, width=1):
    """Return a module with the weights of one network of a state."""
    module = module_of(width)
    module.load_state_dict({n: state[n][place] for n in module.state_dict()})
    return module


# Numbers


@pytest.mark.parametrize(("which", "freeze"), [("standalone", 0), ("fixed1", 1)])
def test_follows_the_trajectory_of_keras_for_regression(which, freeze):
    problem = Problem(
        *(KERAS[n] for n in ("train_x", "train_label", "test_x", "test_label")),
        test_rows=np.arange(1, 501),
        classes=0,
        task="regression",
    )
    scaled, scale = REGRESSION.scaled(problem, 500)
    for name in ("train_y", "test_y"):
        assert np.array_equal(getattr(scaled, name), KERAS[name])
    epochs, batch_size = int(KERAS["epochs"]), int(KERAS["batch_size"])
    training = Training(epochs, batch_size, float(KERAS["learning_rate"]))
    network, start = FullyConnected(5, [5, 5], 1), keras_state(KERAS, which, "init")
    learner = network.learner(start, scaled, training, Phase(NAMES[:freeze]))
    in_order = itertools.repeat(torch.arange(500)[None], epochs)
    history = learn(learner, scaled, in_order, scale=scale).history

    for name, theirs in keras_state(KERAS, which, "final").items():
        frozen = name.partition(".")[0] in NAMES[:freeze]
        near = 0 if frozen else 1e-5
        torch.testing.assert_close(learner.state()[name], theirs, rtol=0, atol=near)
    spread = KERAS["train_label"].std()
    for ours, theirs, root in (
        (history.test_score[0, 1:], "val_mae_after_epoch", False),
        (history.test_loss[0, 1:], "val_loss_after_epoch", True),
        (history.train_score[0, -1], "final_train_mae_evaluate", False),
        (history.train_loss[0, -1], "final_train_loss_evaluate", True),
    ):
        expected = KERAS[f"{which}_{theirs}"]
        expected = np.sqrt(expected) if root else expected
        np.testing.assert_allclose(ours / spread, expected, rtol=0, atol=1e-5)


def optimizer_of(module, training):
    """Return PyTorch's optimizer, by its own names."""
    told = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer != "sgd":
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        return kind[training.optimizer](module.parameters(), **told)
    told |= {"momentum": training.momentum, "nesterov": training.nesterov}
    return torch.optim.SGD(module.parameters(), **told)


# Schedules and what does not decay are held against PyTorch's in other tests.
ALIKE = [
    name
    for name, told in OPTIMIZERS.items()
    if not {"schedule", "decay_bias_and_norm"} & told.keys()
]


def by_a_plain_loop(problem, training, start, repeat, rows, loss):
    """Train a module on these rows of a problem with the usual loop."""
    module = loaded(start, repeat, start["output.bias"].shape[1])
    optimizer = optimizer_of(module, training)
    x, y = torch.from_numpy(problem.train_x[rows]), loss.targets(problem.train_y[rows])
    whose = repeats([repeat])
    for (order,) in shuffled_orders(whose, len(rows), training.epochs):
        for batch in order.split(training.batch_size):
            optimizer.zero_grad()
            loss(module(x[batch]), y[batch]).backward()
            optimizer.step()
    return module


class SquaredErrors:
    """The mean squared error of labels with mean 0 and standard deviation 1."""

    def __init__(self, learned):
        self.centre, self.spread = learned.mean(), learned.std()

    def targets(self, labels):
        return torch.from_numpy((labels - self.centre) / self.spread).float()[:, None]

    def __call__(self, said, targets):
        return functional.mse_loss(said, targets)


class Weighted:
    """Cross-entropy with a weight of each class, over the rows as Keras counts it."""

    def __init__(self, weights):
        self.weights = torch.tensor(weights, dtype=torch.float32)

    def targets(self, labels):
        return torch.from_numpy(labels)

    def __call__(self, said, targets):
        losses = functional.cross_entropy(said, targets, reduction="none")
        return (losses * self.weights[targets]).mean()


def learned_rows(problem, repeat, size, validation):
    """Return the rows that a repeat learns from, and those it is validated on."""
    rows = narrowed_rows(problem, repeats([repeat]), size)[0]
    out = np.arange(size) % 5 == 4 if validation else np.zeros(size, bool)
    return rows[~out], rows[out]


@pytest.mark.parametrize("build", [small, as_module])
@pytest.mark.parametrize("optimizer", ALIKE)
def test_numbers_are_learned_as_a_plain_loop_does(numbers, optimizer, build):
    """From 20 rows of the repeat's own, by which labels are scaled, less four."""
    training = Training(6, 8, 0.02, validation_size=0.2, **OPTIMIZERS[optimizer])
    start = draw(small(), range(2))

    def same_start(some):
        return take(start, [address.repeat for address in some.addresses])

    found = parts(numbers, training, range(2), build(), size=20, start=same_start)
    state = {n: torch.cat([p.state[n] for p in found]) for n in found[0].state}
    finals = [p.reached.final.validation_loss for p in found]
    predictions = np.concatenate([part.predictions for part in found])
    for repeat in range(2):
        rows, held_out = learned_rows(numbers, repeat, 20, True)
        assert (len(rows), len(held_out)) == (16, 4)
        loss = SquaredErrors(numbers.train_y[rows])
        module = by_a_plain_loop(numbers, training, start, repeat, rows, loss)
        for name, values in module.state_dict().items():
            torch.testing.assert_close(state[name][repeat], values, rtol=0, atol=1e-5)
        # The scale stands beside the weights.
        for name, value in (("centre", loss.centre), ("spread", loss.spread)):
            kept = state[f"label.{name}"]
            assert (kept.dtype, kept.shape) == (torch.float64, (2,))
            assert float(kept[repeat]) == pytest.approx(value, rel=1e-12)
        with torch.no_grad():
            said = module(torch.from_numpy(numbers.test_x)).squeeze(1).double()
            unseen = module(torch.from_numpy(numbers.train_x[held_out])).squeeze(1)
        expected = loss.centre + loss.spread * said.numpy()
        np.testing.assert_allclose(predictions[repeat], expected, atol=1e-3)
        errors = loss.centre + loss.spread * unseen.numpy() - numbers.train_y[held_out]
        found_loss = np.concatenate(finals)[repeat]
        assert found_loss == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-4)
    for part in found:
        assert_scores_follow(numbers, part)


@pytest.mark.parametrize("size", [None, 20])
@pytest.mark.parametrize("build", [small, as_module])
def test_scores_of_numbers_follow_from_predictions(numbers, build, size):
    for part in parts(numbers, TUNED, range(3), build(), size=size):
        assert part.predictions.shape == (part.networks, 40)
        assert part.predictions.dtype == np.float64
        assert_scores_follow(numbers, part)
        assert not part.reached.final.failed.any()


@pytest.mark.parametrize("size", [None, 1, 9, 20])
@pytest.mark.parametrize("hidden", [(5,), (5, 1), (64, 32)])
def test_numbers_are_learned_alone_as_in_company(numbers, hidden, size):
    network = FullyConnected(2, hidden, 1)
    some = ([0], [8], range(3, 8), [7, 4])
    training = TUNED._replace(learning_rate=0.02, validation_size=None, keep="last")
    if size != 1:
        training = TUNED
    assert_alone_equals_in_company(numbers, training, 9, some, network, size=size)


@pytest.mark.parametrize("size", [None, 20])
def test_labels_of_many_digits_have_the_same_scale_alone_as_in_company(numbers, size):
    """Their sum depends on the order, and with it on how they lie in memory."""
    labels = np.random.default_rng(0).normal(size=50)
    numbers, network = numbers._replace(train_y=labels), FullyConnected(2, [5], 1)
    each = [[number] for number in range(9)]
    training = TUNED._replace(learning_rate=0.02)
    assert_alone_equals_in_company(numbers, training, 9, each, network, size=size)


@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
def test_with_frozen_layers_too(numbers, optimizer):
    training = Training(3, 7, 0.02, **OPTIMIZERS[optimizer])
    network, some = FullyConnected(2, [5, 4], 1), ([0], [3, 1], range(2, 5))
    assert_alone_equals_in_company(numbers, training, 5, some, network, freeze=1)


def test_modules_learn_numbers_alone_as_in_company(numbers):
    together = parts(numbers, TUNED, range(3), as_module(), size=20)
    (alone,) = parts(numbers, TUNED, [2], as_module(), size=20)
    assert same(alone.state, together[2].state) == {*alone.state}
    assert alone.predictions.tobytes() == together[2].predictions.tobytes()
    for one, other in zip(alone.reached[:2], together[2].reached[:2], strict=True):
        assert bits(one) == bits(other)


@pytest.mark.parametrize("times", [1e-9, 1e6])
@pytest.mark.parametrize("build", [small, as_module])
def test_labels_in_another_unit_give_scores_in_it(numbers, build, times):
    other = numbers._replace(
        train_y=numbers.train_y * times, test_y=numbers.test_y * times
    )
    for one, part in zip(
        *(parts(p, TUNED, range(2), build(), size=20) for p in (numbers, other)),
        strict=True,
    ):
        for ours, theirs in zip(part.reached.history, one.reached.history, strict=True):
            np.testing.assert_allclose(ours, theirs * times, rtol=1e-5)
        np.testing.assert_allclose(part.predictions, one.predictions * times, rtol=1e-5)
        constant, expected = part.reached.constant, one.reached.constant
        np.testing.assert_allclose(constant, np.multiply(expected, times), rtol=1e-9)
        for name in ("epoch", "learning_rate", "failed"):
            ours, theirs = (getattr(p.reached.final, name) for p in (part, one))
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("build", [small, as_module])
def test_who_learned_from_equal_labels_predicts_that_label(numbers, build):
    # The mean of six of them is, in float64, another number.
    label = 0.1
    labels = np.full(50, label)
    labels[:3] = numbers.train_y[:3]  # too few for a stratum of their own
    problem = numbers._replace(train_y=labels, test_y=numbers.test_y / 400)
    equal = 0
    for part in parts(problem, Training(2, 8, 0.1), range(6), build(), size=6):
        places = part.state["label.spread"].numpy() == 0
        equal += places.sum()
        np.testing.assert_allclose(part.predictions[places], label, rtol=1e-15)
        assert (np.ptp(part.predictions[places], axis=1) == 0).all()
        for column in part.reached.history:
            assert np.isfinite(column).all()
        assert_scores_follow(problem, part)
    assert 0 < equal < 6


def test_the_constant_predictions_of_numbers_are_those_of_dummy_regressors(numbers):
    """The median for the absolute error, the mean for the squared one."""
    expected = []
    for strategy, score in (
        ("median", metrics.mean_absolute_error),
        ("mean", metrics.root_mean_squared_error),
    ):
        dummy = DummyRegressor(strategy=strategy)
        said = dummy.fit(numbers.train_x, numbers.train_y).predict(numbers.test_x)
        found = REGRESSION.constant_prediction(numbers, strategy)
        np.testing.assert_allclose(found, [said], rtol=1e-15)
        expected.append(score(numbers.test_y, said))
    np.testing.assert_allclose(REGRESSION.constant(numbers), expected, rtol=1e-12)


def test_predictions_can_be_made_anew_from_saved_weights(numbers, tmp_path):
    """And a network that starts from them learns labels on its own scale."""
    path, recipe = tmp_path / "w.safetensors", {"stage": "pretrain"}
    part = fit(numbers, Training(3, 8, 0.05), range(3), small(), size=20)
    save_networks(path, part.state, Tile(range(3)), recipe, {})
    models, _ = load_source_models([path], key(recipe), [0, 2])
    x = torch.from_numpy(numbers.test_x)
    for place, number in enumerate(models.numbers):
        with torch.no_grad():
            said = loaded(models.state, place)(x).squeeze(1).double().numpy()
        centre, spread = (
            float(models.state[f"label.{name}"][place]) for name in ("centre", "spread")
        )
        expected = part.predictions[number]
        np.testing.assert_allclose(centre + spread * said, expected, rtol=1e-6)

    target = numbers._replace(train_y=numbers.train_y + 1000)
    network, whose = small(), Whose.repeats(1, [(2, 0)])
    assert fresh_groups(Variant(), network, models) == []
    start = start_repeats(network, [], models, whose)
    assert {*start} == {entry for own in network.groups.values() for entry in own}
    found = fit(target, Training(1, 8, 0.1), [0], network, start=lambda some: start)
    assert float(found.state["label.centre"]) == pytest.approx(target.train_y.mean())


def test_the_names_of_columns():
    assert columns_of("regression")[:4] == [
        *("train_mean_absolute_error", "train_root_mean_squared_error"),
        *("test_mean_absolute_error", "test_root_mean_squared_error"),
    ]
    expected = ["train_accuracy", "train_loss", "test_accuracy", "test_loss"]
    assert columns_of("classification")[:4] == expected


# Weights of classes


@pytest.mark.parametrize("asked", ["balanced", [0.5, 3.0, 1.0]])
@pytest.mark.parametrize("optimizer", ["plain", "adam"])
@pytest.mark.parametrize("build", [small, as_module])
@pytest.mark.parametrize("size", [None, 20])
def test_classes_weigh_as_in_a_plain_loop(problem, build, optimizer, asked, size):
    """Balanced by the rows that a repeat learns from; the validation loss is plain."""
    training = Training(
        *(6, 8, 0.05), validation_size=0.2, class_weight=asked, **OPTIMIZERS[optimizer]
    )
    start = draw(small(3), range(2))

    def same_start(some):
        return take(start, [address.repeat for address in some.addresses])

    own, size = {"size": size}, size or 50
    found = parts(problem, training, range(2), build(3), start=same_start, **own)
    state = {n: torch.cat([p.state[n] for p in found]) for n in found[0].state}
    losses = np.concatenate([p.reached.final.validation_loss for p in found])
    for repeat in range(2):
        rows, held_out = learned_rows(problem, repeat, size, True)
        y, weights = problem.train_y[rows], asked
        if asked == "balanced":
            weights = compute_class_weight("balanced", classes=np.arange(3), y=y)
            ours = TASKS["classification"].weights(y, 3, asked)
            np.testing.assert_allclose(ours, [weights], rtol=1e-6)
            assert len({*weights}) > 1
        loss = Weighted(weights)
        module = by_a_plain_loop(problem, training, start, repeat, rows, loss)
        for name, values in module.state_dict().items():
            torch.testing.assert_close(state[name][repeat], values, rtol=0, atol=1e-5)
        with torch.no_grad():
            said = module(torch.from_numpy(problem.train_x[held_out]))
        y = torch.from_numpy(problem.train_y[held_out])
        plain = functional.cross_entropy(said, y)
        assert losses[repeat] == pytest.approx(float(plain), rel=1e-4)


@pytest.mark.parametrize("build", [small, as_module])
def test_without_weights_none_are_counted_and_ones_change_no_bit(problem, build):
    training = Training(3, 8, 0.1)
    state = draw(small(3), [0])
    assert build(3).learner(state, problem, training)._weights is None
    none, ones = (
        parts(problem, training._replace(class_weight=asked), [0, 1], build(3))
        for asked in (None, [1.0, 1.0, 1.0])
    )
    for one, other in zip(none, ones, strict=True):
        assert same(one.state, other.state) == {*one.state}
        assert bits(one.reached.history) == bits(other.reached.history)


def test_networks_with_weights_of_classes_learn_alone_as_in_company(problem):
    training = TUNED._replace(class_weight="balanced")
    some = ([0], range(2, 5))
    assert_alone_equals_in_company(problem, training, 5, some, small(3), size=20)


def test_weights_of_a_class_that_is_absent_are_finite():
    found = TASKS["classification"].weights(np.array([0, 0, 1]), 3, "balanced")
    np.testing.assert_allclose(found, [[0.5, 1.0, 1.0]])


def test_weights_have_the_names_of_classes():
    assert named_weights({"b": 3}, ["a", "b"]) == [1.0, 3.0]
    with pytest.raises(ThawError, match=r"class_weight: 'c' is not a class.*: a, b"):
        named_weights({"c": 3}, ["a", "b"])
    with pytest.raises(ThawError, match="class_weight only applies to classes"):
        REGRESSION.weights(np.arange(3.0), 0, "balanced")
