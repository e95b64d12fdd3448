"""The trainer: Keras's trajectory, autograd's gradient, and repeats that never mix."""

import functools
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import Budget, budget
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.history import constant_prediction
from thaw.learning.learner import Training, take
from thaw.learning.measure import (
    evaluate,
    measure_finally,
    prepare_labels,
)
from thaw.learning.module import ModuleNetwork
from thaw.learning.training import fix_rounding, learn, shuffled_orders, train

KERAS = np.load(Path(__file__).parent / "keras-trajectory.npz")
NAMES = ("hidden-1", "hidden-2", "output")


fix_rounding()


def keras_state(which: str, moment: str) -> dict:
    """Return Keras's weights as a state of one network; its kernels are (in, out)."""
    state = {}
    for number, name in enumerate(NAMES, start=1):
        kernel = KERAS[f"{which}_{moment}_kernel{number}"]
        state[f"{name}.weight"] = torch.from_numpy(kernel.T.copy())[None]
        bias = KERAS[f"{which}_{moment}_bias{number}"]
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())[None]
    return state


KERAS_PROBLEM = Problem(
    KERAS["train_x"].astype(np.float32),
    KERAS["train_y"].argmax(1),
    KERAS["test_x"].astype(np.float32),
    KERAS["test_y"].argmax(1),
    3,
)
KERAS_TRAINING = Training(int(KERAS["epochs"]), int(KERAS["batch_size"]), 0.01)


def rows_in_order():
    return itertools.repeat(torch.arange(500)[None], KERAS_TRAINING.epochs)


def textbook_module():
    return torch.nn.Sequential(
        *(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 5)),
        *(torch.nn.ReLU(), torch.nn.Linear(5, 3)),
    )


def as_module(state):
    """Return a fully connected state with the names of `textbook_module`."""
    places = dict(zip(NAMES, "024", strict=True))
    return {
        f"{places[name]}.{part}": state[f"{name}.{part}"]
        for name in NAMES
        for part in ("weight", "bias")
    }


@pytest.mark.parametrize(("which", "freeze"), [("standalone", 0), ("fixed1", 1)])
def test_follows_the_trajectory_of_keras(which, freeze):
    network = FullyConnected(2, [5, 5], 3)
    learner = network.learner(
        keras_state(which, "init"), KERAS_PROBLEM, KERAS_TRAINING, NAMES[:freeze]
    )
    history = learn(learner, KERAS_PROBLEM, rows_in_order())[0]

    for name, theirs in keras_state(which, "final").items():
        torch.testing.assert_close(learner.state()[name], theirs, rtol=0, atol=1e-5)
    expected = KERAS[f"{which}_val_loss_after_epoch"]
    np.testing.assert_allclose(history.test_loss[0, 1:], expected, rtol=0, atol=1e-5)
    expected = KERAS[f"{which}_val_acc_after_epoch"]
    np.testing.assert_allclose(history.test_accuracy[0, 1:], expected, atol=1e-6)
    expected = KERAS[f"{which}_final_train_loss_evaluate"]
    np.testing.assert_allclose(history.train_loss[0, -1], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("freeze", [0, 1])
def test_another_learner_fits_the_loop_and_agrees_with_the_ensemble(freeze):
    """The seam bears a learner of any `torch.nn.Module`, trained by autograd."""
    start = keras_state("standalone", "init")
    ensemble = FullyConnected(2, [5, 5], 3).learner(
        start, KERAS_PROBLEM, KERAS_TRAINING, NAMES[:freeze]
    )
    module = ModuleNetwork(textbook_module)
    general = module.learner(
        as_module(start), KERAS_PROBLEM, KERAS_TRAINING, list(module.groups)[:freeze]
    )
    expected = learn(ensemble, KERAS_PROBLEM, rows_in_order())[0]
    found = learn(general, KERAS_PROBLEM, rows_in_order())[0]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    for name, theirs in as_module(ensemble.state()).items():
        torch.testing.assert_close(general.state()[name], theirs, rtol=0, atol=1e-5)


def trained(problem, numbers, hidden=(5, 5), freeze=0, epochs=4, batch_size=16):
    """Train standalone networks; return them before and after, and the history."""
    network = FullyConnected(2, hidden, 3)
    names = list(network.groups)
    start = network.draw(names, 1, seeds.REPEAT, numbers)
    orders = shuffled_orders(1, seeds.REPEAT, numbers, len(problem.train_x), epochs)
    training = Training(epochs, batch_size, 0.05)
    learner = network.learner(start, problem, training, names[:freeze])
    history = learn(learner, problem, orders)[0]
    return start, learner.state(), history


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_frozen_layers_keep_every_bit_and_all_others_move(problem, freeze):
    start, end, _ = trained(problem, range(3), freeze=freeze)
    for name, old in start.items():
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
def test_a_repeat_is_the_same_alone_and_in_any_company(
    problem, hidden, batch_size, frozen
):
    freeze = len(hidden) if frozen == "all" else 0
    options = {"hidden": hidden, "epochs": 2, "batch_size": batch_size}
    options["freeze"] = freeze
    _, together, history = trained(problem, range(30), **options)
    for part in ([0], [29], range(3, 10), [17, 4]):
        _, alone, alone_history = trained(problem, part, **options)
        for name, values in together.items():
            assert torch.equal(values[list(part)], alone[name])
        for column, alone_column in zip(history, alone_history, strict=True):
            assert np.array_equal(column[list(part)], alone_column)


def logits(state, x):
    """Return what fully connected networks say, `[R, classes, rows]`."""
    names = list(dict.fromkeys(name.split(".")[0] for name in state))
    x = torch.from_numpy(x).T
    for name in names:
        x = state[f"{name}.weight"] @ x + state[f"{name}.bias"][:, :, None]
        x = x if name == names[-1] else x.relu()
    return x


def test_a_step_is_that_of_autograd(problem):
    network = FullyConnected(2, [5, 4], 3)
    start = network.draw(list(network.groups), 1, seeds.REPEAT, range(2))
    learning = {name: values.clone().requires_grad_() for name, values in start.items()}
    loss = torch.nn.functional.cross_entropy(
        logits(learning, problem.train_x),
        torch.from_numpy(problem.train_y).expand(2, -1),
        reduction="none",
    )
    gradients = torch.autograd.grad(loss.mean(1).sum(), list(learning.values()))

    learner = network.learner(start, problem, Training(1, 50, 0.1), ())
    learner.epoch(torch.arange(50).expand(2, -1))
    for (name, before), gradient in zip(start.items(), gradients, strict=True):
        expected = before - 0.1 * gradient
        torch.testing.assert_close(learner.state()[name], expected)


def test_history_starts_before_training(problem):
    start, _, history = trained(problem, range(2))
    labels = prepare_labels(problem.test_y, 3)
    accuracy, loss = evaluate(logits(start, problem.test_x), labels)
    np.testing.assert_allclose(history.test_accuracy[:, 0], accuracy)
    np.testing.assert_allclose(history.test_loss[:, 0], loss, rtol=1e-5)
    assert history.test_loss.shape == (2, 5)


def test_a_tie_goes_to_the_first_class():
    labels = prepare_labels(np.array([0, 1, 2, 0]), 3)
    accuracy, loss = evaluate(torch.zeros(1, 3, 4), labels)
    assert accuracy.item() == 0.5
    assert loss.item() == pytest.approx(np.log(3))


@pytest.mark.parametrize("logit", [np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_wrong(logit):
    said = torch.tensor([logit, 0.0]).reshape(1, 2, 1).repeat(1, 1, 2)
    accuracy, loss = evaluate(said, prepare_labels(np.array([0, 1]), 2))
    assert accuracy.item() < 1
    assert loss.isnan().item()


def test_every_row_is_seen_once_an_epoch_in_an_order_of_its_own():
    first, second = shuffled_orders(1, seeds.REPEAT, range(3), 20, 2)
    assert torch.equal(first.sort(1).values, torch.arange(20).expand(3, -1))
    orders = [tuple(order.tolist()) for order in (*first, *second)]
    assert len(set(orders)) == 6


def test_more_epochs_begin_with_the_same_orders():
    short = list(shuffled_orders(1, seeds.REPEAT, range(2), 20, 2))
    long = list(shuffled_orders(1, seeds.REPEAT, range(2), 20, 5))
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
    network = FullyConnected(2, [5, 5], 3)
    groups = list(network.groups)

    def trained(training):
        start = functools.partial(network.draw, groups, 1, seeds.REPEAT)
        (part,) = train(network, start, problem, training, 1, seeds.REPEAT, range(2))
        return part

    found = trained(Training(None, 16, 0.1, steps=6))
    assert found.reached.steps.tolist() == [0, 4, 6]
    assert found.reached.history.test_loss.shape == (2, 3)

    learner = network.learner(
        network.draw(groups, 1, seeds.REPEAT, range(2)),
        problem,
        Training(9, 16, 0.1),
        (),
    )
    first, second = shuffled_orders(1, seeds.REPEAT, range(2), 50, 2)
    learner.epoch(first)
    learner.epoch(second[:, :32])
    for name, values in learner.state().items():
        assert torch.equal(found.state[name], values), name


def test_training_shares_out_every_number_in_order_and_changes_no_bit(
    problem, monkeypatch
):
    network = FullyConnected(2, [5, 5], 3)

    def histories():
        parts = train(
            network,
            lambda some: network.draw(list(network.groups), 1, seeds.REPEAT, some),
            problem,
            Training(2, 16, 0.1),
            1,
            seeds.REPEAT,
            range(7, 17),
        )
        return [(list(part.numbers), part.reached.history.test_loss) for part in parts]

    ((numbers, together),) = histories()
    monkeypatch.setattr(FullyConnected, "at_once", lambda self, rows: 4)
    parts = histories()
    assert [part for part, _ in parts] == [numbers[:4], numbers[4:8], numbers[8:]]
    assert np.array_equal(np.concatenate([loss for _, loss in parts]), together)
    monkeypatch.undo()
    assert FullyConnected(2, [256], 3).at_once(10**9) == 1


def test_final_scores_agree_with_scikit_learn():
    """One network that predicts, one that gives one class, one that is not finite."""
    rng = np.random.default_rng(0)
    labels = rng.permutation([0] * 50 + [1] * 20 + [3] * 10)  # no row of class 2
    logits = torch.from_numpy(rng.normal(size=(3, 4, 80)).astype(np.float32))
    logits[0, 0, :60] += 3
    logits[1] = torch.tensor([0.0, 1, 0, 0])[:, None]
    logits[2, :, 5] = torch.nan
    found = measure_finally(logits, prepare_labels(labels, 4))
    assert found.failed.tolist() == [False, True, True]
    for network in (0, 1):
        predicted = logits[network].argmax(0).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class without rows is predicted
            expected = metrics.balanced_accuracy_score(labels, predicted)
        assert found.test_balanced_accuracy[network] == pytest.approx(expected)
    # The row that is not finite counts as wrong.
    assert 0 < found.test_balanced_accuracy[2] < 1


def test_the_constant_prediction_is_that_of_a_dummy_classifier(problem):
    problem = problem._replace(train_y=np.sort(problem.train_y) // 2)
    dummy = DummyClassifier().fit(problem.train_x, problem.train_y)
    predicted = dummy.predict(problem.test_x)
    known = problem.test_y < 2  # the train set has no class 2 any more
    problem = problem._replace(
        test_x=problem.test_x[known], test_y=problem.test_y[known], classes=2
    )
    predicted = predicted[known]
    found = constant_prediction(problem)
    chances = dummy.predict_proba(problem.test_x)
    assert found.test_accuracy == metrics.accuracy_score(problem.test_y, predicted)
    assert found.test_loss == pytest.approx(metrics.log_loss(problem.test_y, chances))
    assert found.test_balanced_accuracy == 0.5


OPTIMIZERS = {
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
    "decay": {"weight_decay": 0.05},
    "adam": {"optimizer": "adam", "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
}


def torchs_own(parameters, training):
    """Return PyTorch's optimizer of these settings."""
    known = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        known |= {"momentum": training.momentum, "nesterov": training.nesterov}
        return torch.optim.SGD(parameters, **known)
    adam = torch.optim.Adam if training.optimizer == "adam" else torch.optim.AdamW
    return adam(parameters, **known)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_follows_that_of_pytorch(problem, name):
    training = Training(5, 16, 0.02, **OPTIMIZERS[name])
    network = FullyConnected(2, [5, 4], 3)
    start = network.draw(list(network.groups), 1, seeds.REPEAT, range(3))
    orders = list(shuffled_orders(1, seeds.REPEAT, range(3), 50, training.epochs))
    learner = network.learner(start, problem, training, ["hidden-1"])
    learn(learner, problem, orders)

    x, y = torch.from_numpy(problem.train_x), torch.from_numpy(problem.train_y)
    for repeat in range(3):
        weights = {name: values[repeat].clone() for name, values in start.items()}
        learning = [w for name, w in weights.items() if not name.startswith("hidden-1")]
        theirs = torchs_own([w.requires_grad_() for w in learning], training)
        for order in orders:
            for rows in order[repeat].split(training.batch_size):
                signal = x[rows]
                for layer in ("hidden-1", "hidden-2"):
                    matrix, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
                    signal = torch.relu(signal @ matrix.T + bias)
                logits = signal @ weights["output.weight"].T + weights["output.bias"]
                theirs.zero_grad()
                torch.nn.functional.cross_entropy(logits, y[rows]).backward()
                theirs.step()
        for name, values in weights.items():
            torch.testing.assert_close(
                learner.state()[name][repeat], values.detach(), rtol=0, atol=1e-5
            )


@pytest.mark.parametrize("name", ["plain", *OPTIMIZERS])
@pytest.mark.parametrize("activation", ["relu", "elu", "tanh"])
@pytest.mark.parametrize("hidden", [(5, 5), (7,)])
def test_alone_equals_in_company(problem, name, activation, hidden):
    training = Training(4, 16, 0.02, **OPTIMIZERS.get(name, {}))
    network = FullyConnected(2, hidden, 3, activation)

    def states(numbers):
        start = network.draw(list(network.groups), 1, seeds.REPEAT, numbers)
        orders = shuffled_orders(1, seeds.REPEAT, numbers, 50, training.epochs)
        learner = network.learner(start, problem, training, [])
        learn(learner, problem, orders)
        return learner.state()

    together = states(range(9))
    for numbers in ([0], [4, 5], range(3, 9)):
        for entry, values in states(numbers).items():
            assert torch.equal(values, together[entry][list(numbers)])


@pytest.mark.parametrize(
    ("activation", "module"),
    [
        ("relu", torch.nn.ReLU),
        ("elu", torch.nn.ELU),
        ("tanh", torch.nn.Tanh),
    ],
)
@pytest.mark.parametrize("freeze", [0, 1])
def test_an_activation_learns_as_that_of_pytorch(problem, activation, module, freeze):
    """Autograd's gradient, by the second learner, for networks of three layers."""
    network = FullyConnected(2, [5, 4], 3, activation)
    names = list(network.groups)
    start = network.draw(names, 1, seeds.REPEAT, range(2))
    training = Training(5, 16, 0.1)
    ours = network.learner(start, problem, training, names[:freeze])

    def build():
        return torch.nn.Sequential(
            torch.nn.Sequential(torch.nn.Linear(2, 5), module()),
            torch.nn.Sequential(torch.nn.Linear(5, 4), module()),
            torch.nn.Sequential(torch.nn.Linear(4, 3)),
        )

    def as_modules(state):
        return {
            f"{names.index(group)}.0.{entry}": state[f"{group}.{entry}"]
            for group in names
            for entry in ("weight", "bias")
        }

    general = ModuleNetwork(build)
    orders = list(shuffled_orders(1, seeds.REPEAT, range(2), 50, training.epochs))
    found = learn(ours, problem, orders)[0]
    for repeat in range(2):
        theirs = general.learner(
            as_modules(take(start, [repeat])),
            problem,
            training,
            list(general.groups)[:freeze],
        )
        expected = learn(theirs, problem, [order[[repeat]] for order in orders])[0]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one[[repeat]], other, rtol=0, atol=1e-5)
        for name, values in as_modules(ours.state()).items():
            other = theirs.state()[name]
            torch.testing.assert_close(values[[repeat]], other, rtol=0, atol=1e-5)
