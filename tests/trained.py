"""Fully connected networks trained for tests, as the stages train them."""

import torch

from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.training import fix_rounding, train

fix_rounding()

NETWORK = FullyConnected(2, [5, 5], 3)


def draw(network, numbers, kind=seeds.REPEAT):
    """Return fresh weights of source models or repeats."""
    return network.draw(list(network.groups), 1, kind, numbers)


def parts(problem, training, numbers, network=NETWORK, freeze=0, size=None, **options):
    """Train repeats; return what was trained at a time."""
    return list(
        train(
            network,
            lambda some: draw(network, some),
            problem,
            training,
            1,
            seeds.REPEAT,
            numbers,
            list(network.groups)[:freeze],
            size,
            **options,
        )
    )


def fit(problem, *args, **options):
    """Train repeats, all at once."""
    (part,) = parts(problem, *args, **options)
    return part


def assert_alone_equals_in_company(
    problem, training, count, some, network, freeze=0, size=None
):
    """Train `count` repeats together, and each part of `some`: no bit differs."""
    network.at_once = lambda rows: count * len(training.rates)
    together = fit(problem, training, range(count), network, freeze, size)
    for numbers in some:
        alone = fit(problem, training, numbers, network, freeze, size)
        for name, values in together.state.items():
            assert torch.equal(values[list(numbers)], alone.state[name]), name
        for column, own in zip(
            (*together.reached.history, *together.reached.final),
            (*alone.reached.history, *alone.reached.final),
            strict=True,
        ):
            assert column[list(numbers)].tobytes() == own.tobytes()
