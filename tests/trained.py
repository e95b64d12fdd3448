"""Fully connected networks trained for tests, as the stages train them."""

import numpy as np
import torch

from thaw.learning.fully_connected import FullyConnected
from thaw.learning.history import kept
from thaw.learning.learner import Phase, take
from thaw.learning.seeds import Whose
from thaw.learning.training import fix_rounding, train

fix_rounding()

NETWORK = FullyConnected(2, [5, 5], 3)


def with_numbers(problem, times=30.0):
    """Return a problem with numeric labels: the distance of its two features."""
    train_y, test_y = (
        400 + times * (x[:, 0].astype(float) - x[:, 1])
        for x in (problem.train_x, problem.test_x)
    )
    return problem._replace(
        train_y=train_y, test_y=test_y, classes=0, task="regression"
    )


def repeats(numbers, seed=1):
    """Name the repeats of these numbers from source model 0."""
    return Whose.repeats(seed, [(0, number) for number in numbers])


def draw(network, numbers):
    """Return fresh weights of these repeats."""
    return network.draw(list(network.groups), repeats(numbers))


def parts(problem, training, numbers, network=NETWORK, freeze=0, size=None, **options):
    """Train repeats; return the number trained at a time."""
    groups, whose = list(network.groups), repeats(numbers)
    start = options.pop("start", lambda whose: network.draw(groups, whose))
    phases = options.pop("phases", [Phase(groups[:freeze])])
    return [*train(network, start, problem, training, whose, phases, size, **options)]


def fit(problem, *args, **options):
    """Train repeats, all at once."""
    (part,) = parts(problem, *args, **options)
    return part


def same(state, expected):
    """Return which entries of two states have the same bits."""
    assert state.keys() == expected.keys()
    return {name for name in state if torch.equal(state[name], expected[name])}


def bits(scores, networks=slice(None)):
    """Return the bits of the scores of some networks, to compare them."""
    return [column[networks].tobytes() for column in scores]


def assert_alone_equals_in_company(
    problem, training, count, companies, network, freeze=0, size=None, **options
):
    """Train `count` repeats together, and each of the companies: no bit differs."""
    network.at_once = lambda rows: count * len(training.rates)
    together = fit(problem, training, range(count), network, freeze, size, **options)
    for numbers in companies:
        alone = fit(problem, training, numbers, network, freeze, size, **options)
        places = list(numbers)
        assert same(take(together.state, places), alone.state) == {*alone.state}
        for scores, expected in zip(
            together.reached[:2], alone.reached[:2], strict=True
        ):
            assert bits(scores, places) == bits(expected)
        predictions = together.predictions[places]
        assert predictions.tobytes() == alone.predictions.tobytes()


def assert_scores_follow(problem, part):
    """The kept scores follow from the networks' outputs for each test row."""
    history, final = part.reached[:2]
    scores = [kept(column, final.epoch) for column in history[2:]]
    outputs, labels = part.predictions.astype(float), problem.test_y
    if problem.task == "regression":
        errors = outputs - labels
        expected = abs(errors).mean(1), np.sqrt((errors**2).mean(1))
    else:
        np.testing.assert_allclose(np.exp(outputs).sum(2), 1, rtol=1e-6)
        losses = -outputs[:, range(len(labels)), labels]
        expected = (outputs.argmax(2) == labels).mean(1), losses.mean(1)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
