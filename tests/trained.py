"""Fully connected networks trained for tests, as the stages train them."""

import numpy as np
import torch
from sklearn import metrics

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
    start = options.pop("start", lambda some: network.draw(groups, some))
    phases = options.pop("phases", [Phase(groups[:freeze])])
    found = train(network, start, problem, training, whose, phases, size, **options)
    return list(found)


def fit(problem, *args, **options):
    """Train repeats, all at once."""
    (part,) = parts(problem, *args, **options)
    return part


def same(one, other):
    """Return which entries of two states have the same bits."""
    assert one.keys() == other.keys()
    return {name for name in one if torch.equal(one[name], other[name])}


def bits(scores, networks=slice(None)):
    """Return the bits of the scores of some networks, to compare them."""
    return [column[networks].tobytes() for column in scores]


def assert_alone_equals_in_company(
    problem, training, count, some, network, freeze=0, size=None, **options
):
    """Train `count` repeats together, and each part of `some`: no bit differs."""
    network.at_once = lambda rows: count * len(training.rates)
    together = fit(problem, training, range(count), network, freeze, size, **options)
    for numbers in some:
        alone = fit(problem, training, numbers, network, freeze, size, **options)
        places = list(numbers)
        assert same(take(together.state, places), alone.state) == {*alone.state}
        for one, other in zip(together.reached[:2], alone.reached[:2], strict=True):
            assert bits(one, places) == bits(other)
        said = together.predictions[places]
        assert said.tobytes() == alone.predictions.tobytes()


def assert_scores_follow(problem, part):
    """The kept scores follow from the networks' outputs for each test row."""
    history, final = part.reached[:2]
    reached = zip(
        *(
            kept(column, final.epoch)
            for column in (history.test_score, history.test_loss)
        ),
        part.predictions.astype(float),
        strict=True,
    )
    labels = problem.test_y
    for score, loss, said in reached:
        if problem.task == "regression":
            expected = metrics.mean_absolute_error(labels, said)
            np.testing.assert_allclose(score, expected, rtol=1e-5)
            expected = metrics.root_mean_squared_error(labels, said)
        else:
            assert score == np.float32((said.argmax(1) == labels).mean())
            np.testing.assert_allclose(np.exp(said).sum(1), 1, rtol=1e-6)
            expected = -said[np.arange(len(labels)), labels].mean()
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
