"""The trainer: Keras's trajectory, autograd's gradient, and repeats that never mix."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from torch import nn

from thaw.data.problem import Problem
from thaw.learning.budget import Budget, budget
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.layers import Dropout
from thaw.learning.learner import Phase, take
from thaw.learning.measure import failed
from thaw.learning.module import ModuleNetwork
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS, Labels
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

KERAS = np.load(Path(__file__).parent / "keras-trajectory.npz")
NAMES = ("hidden-1", "hidden-2", "output")

ACTIVATIONS = {"relu": nn.ReLU, "elu": nn.ELU, "tanh": nn.Tanh}
OPTIMIZERS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
    "decay": {"weight_decay": 0.05},
    "adam": {"optimizer": "adam", "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "spared, sgd": {"weight_decay": 0.5, "decay_bias_and_norm": False},
    "spared, momentum": {
        **{"momentum": 0.8, "nesterov": True},
        **{"weight_decay": 0.1, "decay_bias_and_norm": False},
    },
    "spared, adam": {
        **{"optimizer": "adam", "weight_decay": 0.1},
        "decay_bias_and_norm": False,
    },
    "spared, adamw": {
        **{"optimizer": "adamw", "weight_decay": 0.5},
        "decay_bias_and_norm": False,
    },
    "cosine": {"momentum": 0.9, "schedule": "cosine", "warmup": 3, "steps": 20},
    "step": {"optimizer": "adamw", "schedule": "step", "step_size": 6, "gamma": 0.3},
}


CLASSES = TASKS["classification"]


def measured(logits, labels, classes):
    """Return accuracy and loss of networks with outputs `[R, classes, rows]`."""
    prepared = Labels(*map(torch.from_numpy, CLASSES.prepared(labels, classes)))
    return CLASSES.measure(logits, prepared, None)


def keras_state(keras, which: str, moment: str) -> dict:
    """Return Keras's weights as a state of one network; its kernels are (in, out)."""
    state = {}
    for number, name in enumerate(NAMES, start=1):
        kernel = keras[f"{which}_{moment}_kernel{number}"]
        state[f"{name}.weight"] = torch.from_numpy(kernel.T.copy())[None]
        bias = keras[f"{which}_{moment}_bias{number}"]
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())[None]
    return state


@pytest.mark.parametrize(("which", "freeze"), [("standalone", 0), ("fixed1", 1)])
def test_follows_the_trajectory_of_keras(which, freeze):
    problem = Problem(
        KERAS["train_x"].astype(np.float32),
        KERAS["train_y"].argmax(1),
        KERAS["test_x"].astype(np.float32),
        KERAS["test_y"].argmax(1),
        np.arange(len(KERAS["test_y"])),
        3,
    )
    training = Training(int(KERAS["epochs"]), int(KERAS["batch_size"]), 0.01)
    start = keras_state(KERAS, which, "init")
    learner = NETWORK.learner(start, problem, training, Phase(NAMES[:freeze]))
    in_order = itertools.repeat(torch.arange(500)[None], training.epochs)
    history = learn(learner, problem, in_order)[0]

    for name, theirs in keras_state(KERAS, which, "final").items():
        torch.testing.assert_close(learner.state()[name], theirs, rtol=0, atol=1e-5)
    for ours, theirs, near in (
        (history.test_loss[0, 1:], "val_loss_after_epoch", 1e-5),
        (history.test_score[0, 1:], "val_acc_after_epoch", 1e-6),
        (history.train_loss[0, -1], "final_train_loss_evaluate", 1e-5),
    ):
        np.testing.assert_allclose(ours, KERAS[f"{which}_{theirs}"], rtol=0, atol=near)


class Masks(nn.Module):
    """Dropout by the ensemble's own masks."""

    def __init__(self, dropout, width):
        super().__init__()
        self.dropout, self.width = dropout, width

    def forward(self, x):
        if not self.training:
            return x
        (mask,) = self.dropout.masks([self.width], len(x))
        return x * mask[0, :-1].T


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("freeze", [0, 1])
@pytest.mark.parametrize(
    ("optimizer", "activation", "dropout"),
    [
        *((name, "relu", 0.0) for name in OPTIMIZERS),
        *(("plain", name, share) for name in ACTIVATIONS for share in (0.0, 0.4)),
    ],
)
def test_the_ensemble_learns_as_autograd_and_pytorchs_optimizers_do(
    problem, optimizer, activation, dropout, freeze, task
):
    """The general learner, of modules, has both. Frozen layers leave nothing out."""
    hidden, rate = [5, 4, 3], 0.1 if optimizer == "plain" else 0.02
    if task == "regression":
        problem, rate = with_numbers(problem, 1.0), 0.02
    problem, scale = TASKS[task].scaled(problem, 50)
    width = TASKS[task].width(problem.classes)
    network = FullyConnected(2, hidden, width, activation, dropout)
    names = list(network.groups)
    training = Training(5, 16, rate, **OPTIMIZERS[optimizer])
    start, whose = draw(network, range(2)), repeats(range(2))
    ours = network.learner(start, problem, training, Phase(names[:freeze]), whose)
    orders = list(shuffled_orders(whose, 50, training.epochs))
    found = learn(ours, problem, orders, scale=scale)[0]

    def as_modules(state):
        return {
            f"{names.index(group)}.0.{entry}": state[f"{group}.{entry}"]
            for group in names
            for entry in ("weight", "bias")
        }

    for repeat in range(2):

        def build(repeat=repeat):
            masks = Dropout(dropout, repeats([repeat]))
            layers = [
                nn.Sequential(
                    nn.Linear(*fans), ACTIVATIONS[activation](), Masks(masks, fans[1])
                )
                for fans in itertools.pairwise([2, *hidden])
            ]
            return nn.Sequential(*layers, nn.Sequential(nn.Linear(hidden[-1], width)))

        general = ModuleNetwork(build)
        still = Phase([*general.groups][:freeze])
        own = as_modules(take(start, [repeat]))
        theirs = general.learner(own, problem, training, still)
        own_orders = [order[[repeat]] for order in orders]
        expected = learn(theirs, problem, own_orders, scale=scale)[0]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one[[repeat]], other, rtol=0, atol=1e-5)
        for name, values in as_modules(ours.state()).items():
            other = theirs.state()[name]
            torch.testing.assert_close(values[[repeat]], other, rtol=0, atol=1e-5)


def test_so_large_a_share_is_dropped_out_and_the_rest_scaled_up():
    (mask,) = Dropout(0.2, repeats([0])).masks([400], 50)
    assert mask.shape == (1, 401, 50)
    assert (mask[0, -1] == 1).all()
    assert (mask[0, :-1] == 0).float().mean() == pytest.approx(0.2, abs=0.01)
    assert mask[0, :-1].mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_frozen_layers_keep_every_bit_and_all_others_move(problem, freeze):
    end = fit(problem, Training(4, 16, 0.05), range(3), freeze=freeze).state
    for name, old in draw(NETWORK, range(3)).items():
        if name.split(".")[0] in NAMES[:freeze]:
            assert torch.equal(old, end[name])
        else:
            assert all((old[repeat] != end[name][repeat]).any() for repeat in range(3))


@pytest.mark.parametrize("frozen", ["none", "all"])
@pytest.mark.parametrize("batch_size", [16, 32, 50, 7])
@pytest.mark.parametrize(
    "hidden",
    [(5, 5), (7, 1), (64, 32, 32), (1, 300), (300, 1), (1, 1), (300, 300), (1,)],
)
def test_shapes_learn_alone_as_in_company(problem, hidden, batch_size, frozen):
    assert_alone_equals_in_company(
        problem,
        Training(2, batch_size, 0.05),
        30,
        ([0], [29], range(3, 10), [17, 4]),
        network=FullyConnected(2, hidden, 3),
        freeze=len(hidden) if frozen == "all" else 0,
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("hidden", "dropout"), [((5, 5), 0.0), ((7,), 0.0), ((5, 5), 0.3), ((1,), 0.3)]
)
def test_settings_learn_alone_as_in_company(problem, name, activation, hidden, dropout):
    assert_alone_equals_in_company(
        problem,
        Training(4, 16, 0.02, **OPTIMIZERS[name]),
        9,
        ([0], [4, 5], range(3, 9)),
        network=FullyConnected(2, hidden, 3, activation, dropout),
    )


def test_history_starts_before_training(problem):
    history = fit(problem, Training(4, 16, 0.05), range(2)).reached.history
    state, x = draw(NETWORK, range(2)), torch.from_numpy(problem.test_x).T
    for name in NAMES:
        x = state[f"{name}.weight"] @ x + state[f"{name}.bias"][:, :, None]
        x = x if name == "output" else x.relu()
    accuracy, loss = measured(x, problem.test_y, 3)
    np.testing.assert_allclose(history.test_score[:, 0], accuracy)
    np.testing.assert_allclose(history.test_loss[:, 0], loss, rtol=1e-5)
    assert history.test_loss.shape == (2, 5)


def test_scores_follow_from_predictions(problem):
    part = fit(problem, Training(4, 16, 0.05), range(3))
    assert part.predictions.shape == (3, 40, 3)
    assert part.predictions.dtype == np.float32
    assert_scores_follow(problem, part)


def test_log_probabilities_of_logits_far_apart():
    logits = torch.tensor([[1e4, 0, 0], [0, 20, 0], [5e3, -5e3, 5e3]]).T[None]
    found = CLASSES.predictions(logits, None)
    assert found.shape == (1, 3, 3)
    assert found.dtype == np.float32
    assert found[0, 0].tolist() == [0, -1e4, -1e4]
    # In float32 it would be 0.
    assert found[0, 1, 1] == pytest.approx(-2 * np.exp(-20))
    half = np.log(2)
    np.testing.assert_allclose(found[0, 2], [-half, -1e4 - half, -half], rtol=1e-6)


@pytest.mark.parametrize("logit", [np.inf, np.nan, -np.inf])
def test_log_probabilities_are_not_finite_where_a_logit_is_not(logit):
    said = torch.tensor([[logit, 0.0], [1.0, 2.0]]).T[None]
    found = CLASSES.predictions(said, None)
    assert np.isfinite(found).all(2).tolist() == [[False, True]]


def test_a_tie_goes_to_the_first_class():
    accuracy, loss = measured(torch.zeros(1, 3, 4), np.array([0, 1, 2, 0]), 3)
    assert accuracy.item() == 0.5
    assert loss.item() == pytest.approx(np.log(3))


@pytest.mark.parametrize("logit", [np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_wrong(logit):
    said = torch.tensor([logit, 0.0]).reshape(1, 2, 1).repeat(1, 1, 2)
    accuracy, loss = measured(said, np.array([0, 1]), 2)
    assert accuracy.item() < 1
    assert np.isnan(loss).item()


def test_every_row_is_seen_once_an_epoch_in_an_order_of_its_own():
    short = list(shuffled_orders(repeats(range(3)), 20, 2))
    assert torch.equal(short[0].sort(1).values, torch.arange(20).expand(3, -1))
    assert len({tuple(order.tolist()) for orders in short for order in orders}) == 6
    # More epochs begin with the same orders.
    long = list(shuffled_orders(repeats(range(3)), 20, 5))
    assert all(torch.equal(a, b) for a, b in zip(short, long, strict=False))


@pytest.mark.parametrize(
    ("epochs", "steps", "rows", "expected"),
    [
        (2, None, 20, Budget(2, 20, [0, 3, 6])),
        (None, 6, 20, Budget(2, 20, [0, 3, 6])),
        (None, 7, 20, Budget(3, 8, [0, 3, 6, 7])),
        (None, 2, 20, Budget(1, 16, [0, 2])),
        (None, 3, 5, Budget(3, 5, [0, 1, 2, 3])),
    ],
)
def test_a_budget_in_epochs_or_in_steps(epochs, steps, rows, expected):
    assert budget(epochs, steps, 8, rows) == expected


def test_so_many_steps_are_those_that_epochs_begin_with(problem):
    """With 50 rows, batches of 16 and 6 steps, the second epoch ends after 32 rows."""
    found = fit(problem, Training(None, 16, 0.1, steps=6), range(2))
    assert found.reached.steps.tolist() == [0, 4, 6]
    assert found.reached.history.test_loss.shape == (2, 3)

    start = draw(NETWORK, range(2))
    learner = NETWORK.learner(start, problem, Training(9, 16, 0.1))
    first, second = shuffled_orders(repeats(range(2)), 50, 2)
    learner.epoch(first)
    learner.epoch(second[:, :32])
    assert same(found.state, learner.state()) == {*found.state}


def test_training_shares_out_every_number_in_order_and_changes_no_bit(
    problem, monkeypatch
):
    def histories():
        found = parts(problem, Training(2, 16, 0.1), range(7, 17))
        return [(part.networks, part.reached.history.test_loss) for part in found]

    ((networks, together),) = histories()
    assert networks == 10
    monkeypatch.setattr(FullyConnected, "at_once", lambda self, rows: 4)
    found = histories()
    assert [part for part, _ in found] == [4, 4, 2]
    assert np.array_equal(np.concatenate([loss for _, loss in found]), together)
    monkeypatch.undo()
    assert FullyConnected(2, [256], 3).at_once(10**9) == 1


def test_a_network_failed_whose_outputs_are_the_same_for_all_rows():
    """Dead units leave an output its biases; one class for all rows is no failure."""
    torch.manual_seed(0)
    width, rows = 256, 97
    weights, biases = torch.randn(2, width), torch.tensor([[3.0], [0.0]])
    dead = torch.zeros(width, rows)
    alive = torch.randn(width, rows) / width
    stuck = torch.randn(width, 1).expand(width, rows).contiguous()
    outputs = [weights @ hidden + biases for hidden in (dead, alive, stuck)]
    # The same sums, rounded differently at the end of an array.
    outputs[2][:, -1] *= 1 + 4e-7
    lost = outputs[1].clone()
    lost[1, 7] = -torch.inf
    logits = torch.stack([*outputs, lost])
    assert (logits[:3].argmax(1) == logits[:3, :, :1].argmax(1)).all()
    assert (logits[2] != logits[2, :, :1]).any()
    assert failed(logits).tolist() == [True, False, True, True]


def test_scores_agree_with_scikit_learn():
    """One network that predicts, one that gives one class, one that is not finite."""
    rng = np.random.default_rng(0)
    labels = rng.permutation([0] * 50 + [1] * 20 + [3] * 10)  # no row of class 2
    logits = torch.from_numpy(rng.normal(size=(3, 4, 80)).astype(np.float32))
    logits[0, 0, :60] += 3
    logits[1] = torch.tensor([0.0, 1, 0, 0])[:, None]
    logits[2, :, 5] = torch.nan
    assert failed(logits).tolist() == [False, True, True]
    accuracy, loss = measured(logits, labels, 4)
    said = CLASSES.predictions(logits, None)
    of_predictions = CLASSES.scores(said, labels)
    for network in (0, 1):
        right = metrics.accuracy_score(labels, logits[network].argmax(0).numpy())
        chances = logits[network].double().softmax(0).T.numpy()
        far = metrics.log_loss(labels, chances, labels=range(4))
        for found, expected in ((accuracy, right), (loss, far)):
            assert found[network] == pytest.approx(expected, rel=1e-6)
        for found, expected in zip(of_predictions, (right, far), strict=True):
            assert found[network] == pytest.approx(expected, rel=1e-6)
    # The row that is not finite counts as wrong.
    assert 0 < accuracy[2] < 1
    assert np.isnan(loss[2])


def test_the_constant_prediction_is_that_of_a_dummy_classifier(problem):
    known = problem.test_y < 2  # the train set has no class 2 any more
    problem = Problem(
        problem.train_x,
        np.sort(problem.train_y) // 2,
        problem.test_x[known],
        problem.test_y[known],
        problem.test_rows[known],
        2,
    )
    dummy = DummyClassifier().fit(problem.train_x, problem.train_y)
    predicted = dummy.predict(problem.test_x)
    found = CLASSES.constant(problem)
    chances = dummy.predict_proba(problem.test_x)
    assert found.test_score == metrics.accuracy_score(problem.test_y, predicted)
    assert found.test_loss == pytest.approx(metrics.log_loss(problem.test_y, chances))
    (said,) = CLASSES.constant_prediction(problem, "median")
    np.testing.assert_allclose(np.exp(said), chances)
