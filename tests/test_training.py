"""Training and tasks: Keras's trajectories, repeats that never mix, scores."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.dummy import DummyClassifier, DummyRegressor

from test_recipes import LEARNERS, network_by
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.learning.budget import Budget, budget
from thaw.learning.fully_connected import Dropout, FullyConnected
from thaw.learning.history import failed
from thaw.learning.learner import Phase
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS, Targets, named_weights
from thaw.learning.training import learn, shuffled_orders
from trained import (
    NETWORK,
    assert_alone_equals_in_company,
    assert_scores_follow,
    draw,
    fit,
    parts,
    repeats,
    same,
    with_numbers,
)

CLASSES, NUMBERS = TASKS["classification"], TASKS["regression"]
NAMES = ("hidden-1", "hidden-2", "output")


def keras_state(keras, which):
    """Return Keras's weights as a state of one network; its kernels are (in, out)."""
    state = {}
    for number, name in enumerate(NAMES, start=1):
        kernel, bias = (keras[f"{which}_{part}{number}"] for part in ("kernel", "bias"))
        state[f"{name}.weight"] = torch.from_numpy(kernel.T.copy())[None]
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())[None]
    return state


@pytest.mark.parametrize(("which", "freeze"), [("standalone", 0), ("fixed1", 1)])
@pytest.mark.parametrize("file", ["trajectory", "regression"])
def test_follows_the_trajectory_of_keras(file, which, freeze):
    keras = np.load(Path(__file__).parent / f"keras-{file}.npz")
    x = (keras[f"{part}_x"].astype(np.float32) for part in ("train", "test"))
    if file == "regression":
        task, labels = NUMBERS, [keras["train_label"], keras["test_label"]]
    else:
        task, labels = CLASSES, [keras[f"{p}_y"].argmax(1) for p in ("train", "test")]
    classes = 3 if task is CLASSES else 0
    rows = next(x), labels[0], next(x), labels[1], np.arange(500)
    problem, scale = task.scaled(Problem(*rows, classes, task.name), 500)
    network = FullyConnected(rows[0].shape[1], [5, 5], task.width(classes))
    training = Training(int(keras["epochs"]), int(keras["batch_size"]), 0.01)
    start = keras_state(keras, f"{which}_init")
    learner = network.learner(start, problem, training, Phase(NAMES[:freeze]))
    in_order = itertools.repeat(torch.arange(500)[None], training.epochs)
    history = learn(learner, problem, in_order, scale=scale)[0]

    for name, values in keras_state(keras, f"{which}_final").items():
        torch.testing.assert_close(learner.state()[name], values, rtol=0, atol=1e-5)
    # Keras reports the mean of squares, of labels without a unit.
    score, power, unit = ("mae", 0.5, scale.spread) if scale else ("acc", 1, 1)
    for column, expected, exponent in (
        (history.test_score[0, 1:], f"val_{score}_after_epoch", 1),
        (history.test_loss[0, 1:], "val_loss_after_epoch", power),
        (history.train_loss[0, -1], "final_train_loss_evaluate", power),
    ):
        values = keras[f"{which}_{expected}"] ** exponent
        np.testing.assert_allclose(column / unit, values, rtol=0, atol=1e-5)


SHAPES = [(5, 5), (7, 1), (64, 32, 32), (1, 300), (300, 1), (1, 1), (300, 300), (1,)]


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("batch_size", [16, 32, 50, 7])
@pytest.mark.parametrize("hidden", SHAPES)
def test_shapes_learn_alone_as_in_company(problem, hidden, batch_size, is_frozen):
    training, network = Training(2, batch_size, 0.05), FullyConnected(2, hidden, 3)
    companies, freeze = ([0], [29], range(3, 10), [17, 4]), len(hidden) * is_frozen
    assert_alone_equals_in_company(problem, training, 30, companies, network, freeze)


def test_masks_drop_their_share_and_orders_hold_each_row_once():
    (mask,) = Dropout(0.2, repeats([0])).masks([400], 50)
    assert (mask[0, -1] == 1).all()
    assert (mask[0, :-1] == 0).float().mean() == pytest.approx(0.2, abs=0.01)
    assert mask[0, :-1].mean() == pytest.approx(1, abs=0.02)
    orders = torch.stack([*shuffled_orders(repeats(range(3)), 20, 2)])
    assert torch.equal(orders.sort(2).values, torch.arange(20).expand(2, 3, -1))
    assert len(orders.flatten(0, 1).unique(dim=0)) == 6
    # More epochs begin with the same orders.
    long = torch.stack([*shuffled_orders(repeats(range(3)), 20, 5)])
    assert torch.equal(long[:2], orders)


def test_so_many_steps_are_those_that_epochs_begin_with(problem):
    """With 50 rows, batches of 16 and 6 steps, the second epoch ends after 32 rows."""
    assert budget(2, None, 8, 20) == budget(None, 6, 8, 20) == Budget(2, 20, [0, 3, 6])
    assert budget(None, 7, 8, 20) == Budget(3, 8, [0, 3, 6, 7])
    assert budget(None, 2, 8, 20) == Budget(1, 16, [0, 2])
    assert budget(None, 3, 8, 5) == Budget(3, 5, [0, 1, 2, 3])
    part = fit(problem, Training(None, 16, 0.1, steps=6), range(2))
    assert part.reached.steps.tolist() == [0, 4, 6]
    learner = NETWORK.learner(draw(NETWORK, range(2)), problem, Training(9, 16, 0.1))
    first, second = shuffled_orders(repeats(range(2)), 50, 2)
    learner.epoch(first)
    learner.epoch(second[:, :32])
    assert same(part.state, learner.state()) == {*part.state}


def test_training_shares_out_every_number_in_order(problem, monkeypatch):
    (together,) = parts(problem, Training(2, 16, 0.1), range(7, 17))
    monkeypatch.setattr(FullyConnected, "at_once", lambda self, rows: 4)
    apart = parts(problem, Training(2, 16, 0.1), range(7, 17))
    assert [together.networks, *(part.networks for part in apart)] == [10, 4, 4, 2]
    losses = np.concatenate([part.reached.history.test_loss for part in apart])
    assert np.array_equal(losses, together.reached.history.test_loss)
    monkeypatch.undo()
    assert FullyConnected(2, [256], 3).at_once(10**9) == 1


def test_of_equal_epochs_the_first_is_kept(problem):
    """So small a rate changes no score."""
    training = Training(3, 16, 1e-30, keep="best", validation_size=0.2)
    part = fit(problem, training, range(2))
    assert not np.diff(part.reached.history.test_loss).any()
    assert part.reached.final.epoch.tolist() == [0, 0]


def test_logits_that_tie_that_lie_far_apart_and_that_are_not_finite():
    """A tie goes to the first class; what is not finite is wrong."""
    logits = torch.tensor([[1e4, 0, 0], [0, 20, 0]]).T[None]
    values = CLASSES.predictions(logits, None)
    assert values[0, 0].tolist() == [0, -1e4, -1e4]
    # In float32 it would be 0.
    assert values[0, 1, 1] == pytest.approx(-2 * np.exp(-20))
    labels = Targets(*map(torch.from_numpy, CLASSES.prepared(np.array([0, 0, 1]), 2)))
    accuracy, loss = CLASSES.measure(torch.zeros(1, 2, 3), labels, None)
    assert (accuracy.item(), loss.item()) == pytest.approx((2 / 3, np.log(2)))
    for logit in (np.inf, np.nan, -np.inf):
        logits = torch.tensor([[logit, 0.0], [2.0, 1.0], [2.0, 1.0]]).T[None]
        accuracy, loss = CLASSES.measure(logits, labels, None)
        assert accuracy.item() == pytest.approx(1 / 3)
        assert not np.isfinite(loss).any()
        values = CLASSES.predictions(logits, None)
        assert np.isfinite(values).all(2).tolist() == [[False, True, True]]


def test_a_network_failed_whose_outputs_are_the_same_for_all_rows():
    """Dead units leave an output its biases; one class for all rows is no failure."""
    torch.manual_seed(0)
    width, rows = 256, 97
    weights, biases = torch.randn(2, width), torch.tensor([[3.0], [0.0]])
    dead, alive = torch.zeros(width, rows), torch.randn(width, rows) / width
    stuck = torch.randn(width, 1).expand(width, rows).contiguous()
    outputs = [weights @ hidden + biases for hidden in (dead, alive, stuck)]
    # The same sums, rounded differently at the end of an array.
    outputs[2][:, -1] *= 1 + 4e-7
    logits = torch.stack([*outputs, outputs[1]])
    logits[3, 1, 7] = -torch.inf
    assert (logits[1, 0] > logits[1, 1]).all()
    assert failed(logits).tolist() == [True, False, True, True]


def test_constant_predictions_are_those_of_dummy_estimators(problem):
    """Of numbers the median for the absolute error, the mean for the squared one."""
    numbers, known = with_numbers(problem), problem.test_y < 2
    test = {"test_x": problem.test_x[known], "test_y": problem.test_y[known]}
    few = problem._replace(train_y=np.sort(problem.train_y) // 2, classes=2, **test)
    dummy = DummyClassifier().fit(few.train_x, few.train_y)
    accuracy = metrics.accuracy_score(few.test_y, dummy.predict(few.test_x))
    chances = dummy.predict_proba(few.test_x)
    loss = metrics.log_loss(few.test_y, chances)
    assert CLASSES.constant(few) == pytest.approx((accuracy, loss))
    (values,) = CLASSES.constant_prediction(few, "median")
    np.testing.assert_allclose(np.exp(values), chances)
    error, loss = NUMBERS.constant(numbers)
    for strategy, score, value in (
        ("median", metrics.mean_absolute_error, error),
        ("mean", metrics.root_mean_squared_error, loss),
    ):
        dummy = DummyRegressor(strategy=strategy).fit(numbers.train_x, numbers.train_y)
        predicted = dummy.predict(numbers.test_x)
        values = NUMBERS.constant_prediction(numbers, strategy)
        np.testing.assert_allclose(values, [predicted], rtol=1e-15)
        assert value == pytest.approx(score(numbers.test_y, predicted), rel=1e-12)


@pytest.mark.parametrize("learner", LEARNERS)
def test_who_learned_from_equal_labels_predicts_that_label(problem, learner):
    numbers = with_numbers(problem)
    labels = np.full(50, 0.1)  # the mean of six of them is another number
    labels[:3] = numbers.train_y[:3]  # too few for a stratum of their own
    numbers = numbers._replace(train_y=labels, test_y=numbers.test_y / 400)
    equal, network = 0, network_by(learner, 1)
    for part in parts(numbers, Training(2, 8, 0.1), range(6), network, size=6):
        places = part.state["label.spread"].numpy() == 0
        equal += places.sum()
        np.testing.assert_allclose(part.predictions[places], 0.1, rtol=1e-15)
        assert (np.ptp(part.predictions[places], axis=1) == 0).all()
        assert np.isfinite(part.reached.history).all()
        assert_scores_follow(numbers, part)
    assert 0 < equal < 6


def test_weights_of_classes_that_may_be_absent_from_the_rows():
    weights = CLASSES.weights(np.array([0, 0, 1]), 3, "balanced")
    np.testing.assert_allclose(weights, [[0.5, 1.0, 1.0]])
    assert named_weights({"b": 3}, ["a", "b"]) == [1.0, 3.0]
    with pytest.raises(ThawError, match="only applies to classes"):
        NUMBERS.weights(np.arange(3.0), 0, "balanced")
