"""Streams of random numbers: no two are the same, and they never change."""

import itertools

import numpy as np
import pytest

from thaw.learning import seeds
from thaw.learning.rows import stratified_order
from thaw.learning.seeds import Address, Whose
from thaw.learning.settings import Training
from thaw.learning.trainer import seeds_of
from thaw.learning.training import shuffled_orders
from trained import NETWORK, draw, fit, repeats

USES = (
    *((use,) for use in range(5)),
    *((seeds.WEIGHTS, *layer) for layer in ((2, 5, 0), (5, 5, 0), (5, 5, 1))),
)


def test_no_two_streams_meet():
    """Among them numbers that are other streams' source models, and large ones."""
    numbers = [*range(12), 30, 149, 150, 1000, 2**31]
    every = {
        (kind, name, use): stream.bit_generator.state["state"]["state"]
        for kind, whose in (
            ("source model", Whose.source_models(1, numbers)),
            ("repeat", Whose.repeats(1, itertools.product(numbers, numbers))),
        )
        for use in USES
        for name, stream in zip(whose.names, whose.generators(*use), strict=True)
    }
    assert len(every) == len(USES) * (len(numbers) + len(numbers) ** 2)
    assert len({*every.values()}) == len(every)


@pytest.mark.parametrize("use", USES)
def test_a_stream_is_named_by_the_address(use):
    found = [
        *Whose.repeats(7, [(0, 3), (0, 0), (4, 3)]).generators(*use),
        *Whose.source_models(7, [5]).generators(*use),
    ]
    names = [(1, 3), (1, 0), (5, 3), (0, 5)]
    for stream, name in zip(found, names, strict=True):
        sequence = np.random.SeedSequence(7, spawn_key=(*name, *use))
        expected = np.random.Generator(np.random.PCG64(sequence))
        assert stream.bit_generator.state == expected.bit_generator.state


def test_some_of_them_are_chosen_by_place():
    whose = Whose.repeats(1, [(2, 0), (2, 1), (0, 5)])
    assert whose.some([2, 0]) == Whose.repeats(1, [(0, 5), (2, 0)])
    assert whose.addresses == [Address(2, 0), Address(2, 1), Address(0, 5)]


# Studies with one source model had these before repeats had addresses.
ORDERS = [[5, 0, 1, 7, 4, 2, 6, 3], [4, 0, 7, 1, 5, 3, 6, 2], [6, 4, 0, 2, 5, 1, 7, 3]]
ROWS = [[4, 1, 45, 43, 18, 9], [37, 38, 15, 20, 39, 9], [37, 26, 11, 8, 13, 9]]
NOISE = [[849, 985, 828], [542, 37, 211], [747, 662, 588]]
SEEDS = [1630134178, 1176673339, 774743373]
WEIGHTS = [[0.936752, -1.243676], [-0.123404, 0.973292], [-1.540034, -0.233651]]
OF_MODELS = [[-0.027198, -1.492919], [-0.630686, -1.544819], [-1.460547, -0.677323]]
LOSSES = {None: [0.541228, 1.1213, 0.808738], 10: [0.77597, 1.371357, 1.102381]}


def test_studies_with_one_source_model_keep_their_numbers(problem):
    whose = repeats(range(3))
    assert next(shuffled_orders(whose, 8, 2)).tolist() == ORDERS
    streams = whose.generators(seeds.TRAIN_ROWS)
    rows = [stratified_order(problem.train_y, stream)[:6] for stream in streams]
    assert np.array_equal(rows, ROWS)
    noise = [stream.integers(0, 1000, 3) for stream in whose.generators(seeds.NOISE)]
    assert np.array_equal(noise, NOISE)
    assert [*seeds_of(whose)] == SEEDS
    models = NETWORK.draw(["hidden-1"], Whose.source_models(1, range(3)))
    for state, expected in ((draw(NETWORK, range(3)), WEIGHTS), (models, OF_MODELS)):
        found = state["hidden-1.weight"][:, 0].numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    for size, expected in LOSSES.items():
        reached = fit(problem, Training(3, 16, 0.1), range(3), size=size).reached
        found = reached.history.test_loss[:, -1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
