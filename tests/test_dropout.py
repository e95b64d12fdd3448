"""Dropout in the ensemble: as autograd has it, the same in any company."""

import numpy as np
import pytest
import torch

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.layers import Dropout
from thaw.learning.learner import Training
from thaw.learning.seeds import Whose
from thaw.learning.training import fix_rounding, learn, shuffled_orders

TRAINING = Training(3, 16, 0.1)
ACTIVATIONS = {"relu": torch.relu, "elu": torch.nn.functional.elu, "tanh": torch.tanh}


@pytest.fixture(scope="module")
def problem():
    fix_rounding()
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 100)
    x = (rng.normal(size=(100, 2)) + 2 * y[:, None]).astype(np.float32)
    return Problem(x[:50], y[:50], x[50:], y[50:], 3)


def trained(problem, network, numbers, frozen=()):
    start = network.draw(list(network.groups), 1, seeds.REPEAT, numbers)
    whose = Whose(1, seeds.REPEAT, numbers)
    learner = network.learner(start, problem, TRAINING, frozen, whose)
    orders = shuffled_orders(1, seeds.REPEAT, numbers, 50, TRAINING.epochs)
    learn(learner, problem, orders)
    return learner.state()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_is_what_autograd_makes_of_the_same_masks(problem, activation):
    """The first hidden layer is frozen, and nothing of it is left out."""
    network = FullyConnected(2, [5, 4, 3], 3, activation, dropout=0.4)
    found = trained(problem, network, [7], ["hidden-1"])
    start = network.draw(list(network.groups), 1, seeds.REPEAT, [7])
    weights = {name: values[0].clone() for name, values in start.items()}
    learning = [
        values.requires_grad_()
        for name, values in weights.items()
        if not name.startswith("hidden-1")
    ]
    optimizer = torch.optim.SGD(learning, TRAINING.learning_rate)
    dropout = Dropout(0.4, Whose(1, seeds.REPEAT, [7]))
    x, y = torch.from_numpy(problem.train_x), torch.from_numpy(problem.train_y)
    for order in shuffled_orders(1, seeds.REPEAT, [7], 50, TRAINING.epochs):
        for rows in order[0].split(TRAINING.batch_size):
            masks = [None, *dropout.masks([4, 3], len(rows))]
            signal = x[rows]
            for number, mask in enumerate(masks, start=1):
                matrix = weights[f"hidden-{number}.weight"]
                bias = weights[f"hidden-{number}.bias"]
                signal = ACTIVATIONS[activation](signal @ matrix.T + bias)
                if mask is not None:
                    signal = signal * mask[0, :-1].T
            logits = signal @ weights["output.weight"].T + weights["output.bias"]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, y[rows]).backward()
            optimizer.step()
    for name, values in weights.items():
        torch.testing.assert_close(found[name][0], values.detach(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("hidden", [(5, 5), (1,)])
def test_alone_equals_in_company(problem, hidden):
    network = FullyConnected(2, hidden, 3, dropout=0.3)
    together = trained(problem, network, range(5))
    for numbers in ([0], [3, 4]):
        for entry, values in trained(problem, network, numbers).items():
            assert torch.equal(values, together[entry][list(numbers)])


def test_so_large_a_share_is_left_out_and_the_rest_scaled_up():
    (mask,) = Dropout(0.2, Whose(0, seeds.REPEAT, [0])).masks([400], 50)
    assert mask.shape == (1, 401, 50)
    assert (mask[0, -1] == 1).all()
    assert (mask[0, :-1] == 0).float().mean() == pytest.approx(0.2, abs=0.01)
    assert mask[0, :-1].mean() == pytest.approx(1, abs=0.02)
