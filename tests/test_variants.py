"""Variants: their start, their fresh layers, and the streams of random numbers."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import SourceModels, take
from thaw.learning.seeds import Address, Whose
from thaw.learning.settings import Variant
from thaw.learning.variants import fresh_groups, phases_of, start_repeats
from trained import NETWORK, draw

SOURCE_MODELS = NETWORK.draw(list(NETWORK.groups), Whose.source_models(1, range(3)))
# Two repeats from each of three source models, and one more.
ADDRESSES = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
ALL_FRESH = ["hidden-1", "hidden-2", "output"]


def start(variant, addresses=ADDRESSES, classes=3, features=2, seed=1, models=range(3)):
    network = FullyConnected(features, [5, 5, *variant.add], classes)
    source_models = SourceModels(take(SOURCE_MODELS, models), models)
    source_models = source_models if variant.pretrained else None
    fresh = fresh_groups(variant, network, source_models)
    whose = Whose.repeats(seed, addresses)
    return start_repeats(network, fresh, source_models, whose), fresh


@pytest.mark.parametrize(
    ("variant", "fresh"),
    [
        (Variant(), []),
        (Variant(pretrained=False), ALL_FRESH),
        (Variant(fresh=[2]), ["hidden-2"]),
        (Variant(fresh=[2, "output"]), ["hidden-2", "output"]),
        (Variant(add=[5]), ["hidden-3", "output"]),
        (Variant(pretrained=False, add=[4]), [*ALL_FRESH[:2], "hidden-3", "output"]),
    ],
)
def test_fresh_layers_are_drawn_and_all_others_inherited(variant, fresh):
    """From the source model of an address; fresh ones of a shape are the same."""
    state, names = start(variant)
    assert names == fresh
    standalone, _ = start(Variant(pretrained=False))
    inherited = take(SOURCE_MODELS, [model for model, _ in ADDRESSES])
    for name in ("hidden-1.weight", "hidden-2.weight", "output.weight"):
        is_fresh = name.partition(".")[0] in fresh
        assert torch.equal(state[name], inherited[name]) == (not is_fresh)
        if is_fresh and state[name].shape == standalone[name].shape:
            assert torch.equal(state[name], standalone[name])
    if not fresh:  # only source models that are needed need be there
        late, _ = start(variant, ADDRESSES[2:], models=[1, 2])
        assert all(torch.equal(late[name], state[name][2:]) for name in state)
    if variant.add == [5]:
        assert torch.equal(state["hidden-3.weight"], standalone["hidden-2.weight"])


def test_an_output_must_fit_the_classes_and_features_must_be_as_many():
    """It is drawn where classes differ, and then cannot stay frozen."""
    state, fresh = start(Variant(freeze=2), classes=4)
    assert fresh == ["output"]
    models = SourceModels(SOURCE_MODELS, range(3), ["a", "b", "c"])
    for names, inherit, drawn in (
        (["a", "b", "c"], None, []),
        (["a", "b", "d"], None, ["output"]),
        (["a", "b", "d"], "output", []),
    ):
        variant = Variant(inherit=inherit)
        assert fresh_groups(variant, NETWORK, models, names) == drawn
    assert state["output.weight"].shape == (7, 4, 5)
    with pytest.raises(ThawError, match=r"take 2 features.*has 3"):
        start(Variant(), features=3)
    variant = Variant(phases=[{"freeze": ["output"], "epochs": 1}, {"epochs": 1}])
    phases_of(variant, NETWORK, [])
    with pytest.raises(ThawError, match="leave it out of freeze"):
        phases_of(variant, FullyConnected(2, [5, 5], 4), ["output"])


def test_initial_weights_are_those_of_keras_or_of_pytorch():
    he, glorot = (6 / 2) ** 0.5, (6 / (5 + 3)) ** 0.5
    for initial, activation, limits in (
        ("keras", "relu", (he, 0, glorot, 0)),
        ("keras", "tanh", ((6 / 7) ** 0.5, 0, glorot, 0)),
        ("pytorch", "relu", (2**-0.5, 2**-0.5, 5**-0.5, 5**-0.5)),
    ):
        network = FullyConnected(2, [5], 3, activation, initial=initial)
        state = draw(network, range(4000))
        for values, limit in zip(state.values(), limits, strict=True):
            assert limit * 0.99 <= values.abs().max() <= limit
            assert values.std() == pytest.approx(limit / 3**0.5, rel=0.02)
    for parameter in nn.Linear(5, 4000).parameters():
        assert limit * 0.99 <= parameter.abs().max() <= limit
    # Layers of one shape differ within a network.
    state = draw(FullyConnected(5, [5, 5], 5), range(2))
    assert not torch.equal(state["hidden-1.weight"], state["hidden-2.weight"])


# Streams of random numbers

LAYERS = (2, 5, 0), (5, 5, 0), (5, 5, 1)
USES = [*((use,) for use in range(5)), *((seeds.WEIGHTS, *layer) for layer in LAYERS)]


def test_streams_are_named_by_addresses_and_no_two_meet():
    """Among them numbers that are other streams' source models, and large ones."""
    numbers = [0, 1, 2, 3, 30, 149, 150, 2**31]
    repeats = Whose.repeats(7, itertools.product(numbers, numbers))
    models, states = Whose.source_models(7, numbers), set()
    for whose, use in itertools.product((models, repeats), USES):
        for stream, name in zip(whose.generators(*use), whose.names, strict=True):
            sequence = np.random.SeedSequence(7, spawn_key=(*name, *use))
            expected = np.random.Generator(np.random.PCG64(sequence))
            assert stream.bit_generator.state == expected.bit_generator.state
            states.add(stream.bit_generator.state["state"]["state"])
    assert len(states) == len(USES) * (len(numbers) + len(numbers) ** 2)
    assert Whose.repeats(7, [(4, 3)]).names == [(5, 3)]
    assert Whose.source_models(7, [5]).names == [(0, 5)]
    whose = Whose.repeats(1, [(2, 0), (2, 1), (0, 5)])
    assert whose.at([2, 0]) == Whose.repeats(1, [(0, 5), (2, 0)])
    assert whose.addresses == [Address(2, 0), Address(2, 1), Address(0, 5)]
