"""The trainer: Keras's trajectory, autograd's gradient, and repeats that never mix."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from thaw import seeds
from thaw.network import (
    Layer,
    draw_network,
    evaluate,
    fix_rounding,
    forward,
    layer_sizes,
    prepare_labels,
)
from thaw.problems import Problem
from thaw.training import Training, ensembles, shuffled_orders, train

KERAS = np.load(Path(__file__).parent / "keras-trajectory.npz")


fix_rounding()


def clone(network):
    return [Layer(layer.weight.clone(), layer.bias.clone()) for layer in network]


def keras_layers(which: str, moment: str) -> list[Layer]:
    """Return Keras's weights as an ensemble of one; its kernels are (in, out)."""
    return [
        Layer(
            torch.from_numpy(KERAS[f"{which}_{moment}_kernel{k}"].T.copy())[None],
            torch.from_numpy(KERAS[f"{which}_{moment}_bias{k}"].copy())[None, :, None],
        )
        for k in (1, 2, 3)
    ]


@pytest.mark.parametrize(("which", "freeze"), [("standalone", 0), ("fixed1", 1)])
def test_follows_the_trajectory_of_keras(which, freeze):
    problem = Problem(
        KERAS["train_x"].astype(np.float32),
        KERAS["train_y"].argmax(1),
        KERAS["test_x"].astype(np.float32),
        KERAS["test_y"].argmax(1),
        3,
    )
    training = Training(int(KERAS["epochs"]), int(KERAS["batch_size"]), 0.01)
    rows_in_order = itertools.repeat(torch.arange(500)[None], training.epochs)
    network = keras_layers(which, "init")
    history = train(network, problem, rows_in_order, training, freeze)

    for ours, theirs in zip(network, keras_layers(which, "final"), strict=True):
        torch.testing.assert_close(ours.weight, theirs.weight, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours.bias, theirs.bias, rtol=0, atol=1e-5)
    expected = KERAS[f"{which}_val_loss_after_epoch"]
    np.testing.assert_allclose(history.test_loss[0, 1:], expected, rtol=0, atol=1e-5)
    expected = KERAS[f"{which}_val_acc_after_epoch"]
    np.testing.assert_allclose(history.test_accuracy[0, 1:], expected, atol=1e-6)
    expected = KERAS[f"{which}_final_train_loss_evaluate"]
    np.testing.assert_allclose(history.train_loss[0, -1], expected, rtol=0, atol=1e-5)


def trained(problem, numbers, hidden=(5, 5), freeze=0, epochs=4, batch_size=16):
    """Train standalone networks; return them before and after, and the history."""
    sizes = layer_sizes(2, hidden, 3)
    network = draw_network(sizes, 1, seeds.REPEAT, numbers)
    start = clone(network)
    rows = len(problem.train_x)
    orders = shuffled_orders(1, seeds.REPEAT, numbers, rows, epochs)
    training = Training(epochs, batch_size, 0.05)
    history = train(network, problem, orders, training, freeze)
    return start, network, history


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_frozen_layers_keep_every_bit_and_all_others_move(problem, freeze):
    start, end, _ = trained(problem, range(3), freeze=freeze)
    for number, (before, after) in enumerate(zip(start, end, strict=True)):
        for old, new in zip(before, after, strict=True):
            if number < freeze:
                assert torch.equal(old, new)
            else:
                assert all((old[repeat] != new[repeat]).any() for repeat in range(3))


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
        for layer, alone_layer in zip(together, alone, strict=True):
            assert torch.equal(layer.weight[list(part)], alone_layer.weight)
            assert torch.equal(layer.bias[list(part)], alone_layer.bias)
        for column, alone_column in zip(history, alone_history, strict=True):
            assert np.array_equal(column[list(part)], alone_column)


def test_a_step_is_that_of_autograd(problem):
    network = draw_network(layer_sizes(2, [5, 4], 3), 1, seeds.REPEAT, range(2))
    parameters = [p.clone().requires_grad_() for layer in network for p in layer]
    layers = [Layer(*parameters[k : k + 2]) for k in range(0, len(parameters), 2)]
    x = torch.from_numpy(problem.train_x).T.expand(2, -1, -1)
    y = torch.from_numpy(problem.train_y).expand(2, -1)
    loss = torch.nn.functional.cross_entropy(forward(layers, x), y, reduction="none")
    gradients = torch.autograd.grad(loss.mean(1).sum(), parameters)

    orders = [torch.arange(50).expand(2, -1)]
    train(network, problem, orders, Training(1, 50, 0.1))
    moved = [p for layer in network for p in layer]
    for before, after, gradient in zip(parameters, moved, gradients, strict=True):
        torch.testing.assert_close(after, before.detach() - 0.1 * gradient)


def test_history_starts_before_training(problem):
    start, _, history = trained(problem, range(2))
    x = torch.from_numpy(problem.test_x).T.expand(2, -1, -1)
    accuracy, loss = evaluate(start, x, prepare_labels(problem.test_y, 3))
    np.testing.assert_allclose(history.test_accuracy[:, 0], accuracy)
    np.testing.assert_allclose(history.test_loss[:, 0], loss)
    assert history.test_loss.shape == (2, 5)


def test_a_tie_goes_to_the_first_class():
    nothing = [Layer(torch.zeros(1, 3, 2), torch.zeros(1, 3, 1))]
    labels = prepare_labels(np.array([0, 1, 2, 0]), 3)
    accuracy, loss = evaluate(nothing, torch.zeros(1, 2, 4), labels)
    assert accuracy.item() == 0.5
    assert loss.item() == pytest.approx(np.log(3))


@pytest.mark.parametrize("logit", [np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_wrong(logit):
    bias = torch.tensor([logit, 0.0]).reshape(1, 2, 1)
    network = [Layer(torch.zeros(1, 2, 1), bias)]
    labels = prepare_labels(np.array([0, 1]), 2)
    accuracy, loss = evaluate(network, torch.zeros(1, 1, 2), labels)
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


def test_ensembles_share_out_every_repeat_in_order():
    numbers = range(7, 3000)
    parts = list(ensembles(numbers, 500, [2, 5, 5]))
    assert len(parts) > 1
    assert list(itertools.chain(*parts)) == list(numbers)
    assert [list(part) for part in ensembles(range(3), 10**9, [256])] == [[0], [1], [2]]
