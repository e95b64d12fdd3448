"""Variants: their start, their fresh layers, and shared draws."""

import pytest
import torch

from thaw.errors import ThawError
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import SourceModels, take
from thaw.learning.seeds import Whose
from thaw.learning.settings import Variant
from thaw.learning.variants import fresh_groups, phases_of, start_repeats
from trained import NETWORK, draw, same

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


def test_a_repeat_starts_from_the_source_model_of_its_address():
    state, fresh = start(Variant())
    assert fresh == []
    for name, source in SOURCE_MODELS.items():
        for place, (model, _) in enumerate(ADDRESSES):
            assert torch.equal(state[name][place], source[model])


def test_only_the_source_models_that_are_needed_need_be_there():
    all_there, _ = start(Variant(), ADDRESSES[2:])
    some_there, _ = start(Variant(), ADDRESSES[2:], models=[1, 2])
    assert same(all_there, some_there) == {*all_there}


@pytest.mark.parametrize(
    ("described", "fresh"),
    [
        (Variant(pretrained=False), ALL_FRESH),
        (Variant(fresh=[2]), ["hidden-2"]),
        (Variant(fresh=[2, "output"]), ["hidden-2", "output"]),
        (Variant(add=[5]), ["hidden-3", "output"]),
        (Variant(pretrained=False, add=[4]), [*ALL_FRESH[:2], "hidden-3", "output"]),
    ],
)
def test_names_of_fresh_layers(described, fresh):
    state, found = start(described)
    assert found == fresh
    for name in ("hidden-1", "hidden-2"):
        weight = f"{name}.weight"
        inherited = torch.equal(state[weight][0], SOURCE_MODELS[weight][0])
        assert inherited == (name not in fresh)


def test_output_is_fresh_where_the_classes_differ_and_other_features_are_refused():
    state, fresh = start(Variant(freeze=2), classes=4)
    assert fresh == ["output"]
    assert state["output.weight"].shape == (7, 4, 5)
    with pytest.raises(ThawError, match=r"take 2 features.*has 3"):
        start(Variant(), features=3)


def test_fresh_layers_of_one_shape_are_the_same_in_every_variant():
    standalone, _ = start(Variant(pretrained=False))
    fresh_2, _ = start(Variant(fresh=[2, "output"]))
    added, _ = start(Variant(add=[5]))
    hidden, output = "hidden-2.weight", "output.weight"
    assert torch.equal(standalone[hidden], fresh_2[hidden])
    assert torch.equal(standalone[hidden], added["hidden-3.weight"])
    assert torch.equal(standalone[output], fresh_2[output])
    assert torch.equal(standalone[output], added[output])


def test_layers_of_one_shape_differ_within_a_network():
    state = draw(FullyConnected(5, [5, 5], 5), range(2))
    assert not torch.equal(state["hidden-1.weight"], state["hidden-2.weight"])


def test_initial_weights_are_those_of_keras():
    state = draw(FullyConnected(2, [5], 3), range(4000))
    hidden, output = state["hidden-1.weight"], state["output.weight"]
    he, glorot = (6 / 2) ** 0.5, (6 / (5 + 3)) ** 0.5
    assert he * 0.999 < hidden.abs().max() < he
    assert glorot * 0.999 < output.abs().max() < glorot
    assert hidden.std() == pytest.approx(he / 3**0.5, rel=0.02)
    assert not state["hidden-1.bias"].any()
    assert not state["output.bias"].any()


def test_a_repeat_depends_on_the_seed_and_not_on_the_others():
    fresh, weight = Variant(pretrained=False), "hidden-1.weight"
    few, many, other = (
        start(fresh, addresses, seed=seed)[0][weight]
        for addresses, seed in (
            (ADDRESSES[5:6], 1),
            (ADDRESSES, 1),
            (ADDRESSES[5:6], 2),
        )
    )
    assert torch.equal(few[0], many[5])
    assert not torch.equal(few, other)
    assert len(many.unique(dim=0)) == len(ADDRESSES)
    # Source models draw from other streams.
    assert not torch.equal(many[:3], SOURCE_MODELS[weight])


def test_a_frozen_output_must_fit_the_target():
    variant = Variant(phases=[{"freeze": ["output"], "epochs": 1}, {"epochs": 1}])
    phases_of(variant, FullyConnected(2, [5, 5], 3), [])
    with pytest.raises(ThawError, match="leave it out of freeze"):
        phases_of(variant, FullyConnected(2, [5, 5], 4), ["output"])
