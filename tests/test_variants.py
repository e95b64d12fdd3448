"""Variants: what they start from, what is drawn afresh, what they share."""

import pytest
import torch

from thaw import seeds
from thaw.errors import ThawError
from thaw.network import draw_network, layer_sizes
from thaw.variants import Variant, start_repeats

SOURCE_MODELS = draw_network(layer_sizes(2, [5, 5], 3), 1, seeds.SOURCE_MODEL, range(3))
ALL_FRESH = ["hidden layer 1", "hidden layer 2", "output"]


def variant(pretrained=True, freeze=0, fresh=(), add=()):
    return Variant(pretrained, freeze, fresh, add)


def start(variant, repeats=range(7), classes=3, features=2, seed=1):
    source_models = SOURCE_MODELS if variant.pretrained else []
    return start_repeats(
        variant, source_models, [5, 5], features, classes, seed, repeats
    )


def test_repeat_r_starts_from_source_model_r_mod_s():
    network, fresh = start(variant())
    assert fresh == []
    for repeat in range(7):
        for layer, source in zip(network, SOURCE_MODELS, strict=True):
            assert torch.equal(layer.weight[repeat], source.weight[repeat % 3])
            assert torch.equal(layer.bias[repeat], source.bias[repeat % 3])


@pytest.mark.parametrize(
    ("described", "fresh"),
    [
        (variant(pretrained=False), ALL_FRESH),
        (variant(fresh=[2]), ["hidden layer 2"]),
        (variant(fresh=[2, "output"]), ["hidden layer 2", "output"]),
        (variant(add=[5]), ["hidden layer 3", "output"]),
        (
            variant(pretrained=False, add=[4]),
            [*ALL_FRESH[:2], "hidden layer 3", "output"],
        ),
    ],
)
def test_names_of_fresh_layers(described, fresh):
    network, found = start(described)
    assert found == fresh
    for number, layer in enumerate(network[:2]):
        inherited = torch.equal(layer.weight[0], SOURCE_MODELS[number].weight[0])
        assert inherited == (f"hidden layer {number + 1}" not in fresh)


def test_output_is_fresh_where_the_classes_differ():
    network, fresh = start(variant(freeze=2), classes=4)
    assert fresh == ["output"]
    assert network[-1].weight.shape == (7, 4, 5)


def test_other_features_are_refused():
    with pytest.raises(ThawError, match=r"take 2 features.*has 3"):
        start(variant(), features=3)


def test_fresh_layers_of_one_shape_are_the_same_in_every_variant():
    standalone, _ = start(variant(pretrained=False))
    fresh_2, _ = start(variant(fresh=[2, "output"]))
    added, _ = start(variant(add=[5]))
    assert torch.equal(standalone[1].weight, fresh_2[1].weight)
    assert torch.equal(standalone[1].weight, added[2].weight)
    assert torch.equal(standalone[2].weight, fresh_2[2].weight)
    assert torch.equal(standalone[2].weight, added[3].weight)


def test_layers_of_one_shape_differ_within_a_network():
    network = draw_network(layer_sizes(5, [5, 5], 5), 1, seeds.REPEAT, range(2))
    assert not torch.equal(network[0].weight, network[1].weight)


def test_initial_weights_are_those_of_keras():
    sizes = layer_sizes(2, [5], 3)
    hidden, output = draw_network(sizes, 1, seeds.REPEAT, range(4000))
    he, glorot = (6 / 2) ** 0.5, (6 / (5 + 3)) ** 0.5
    assert he * 0.999 < hidden.weight.abs().max() < he
    assert glorot * 0.999 < output.weight.abs().max() < glorot
    assert hidden.weight.std() == pytest.approx(he / 3**0.5, rel=0.02)
    assert not hidden.bias.any()
    assert not output.bias.any()


def test_a_repeat_does_not_depend_on_the_others_but_on_the_seed():
    few, _ = start(variant(pretrained=False), repeats=[5])
    many, _ = start(variant(pretrained=False), repeats=range(7))
    other, _ = start(variant(pretrained=False), repeats=[5], seed=2)
    assert torch.equal(few[0].weight[0], many[0].weight[5])
    assert not torch.equal(few[0].weight, other[0].weight)


def test_source_models_and_repeats_draw_from_different_streams():
    standalone, _ = start(variant(pretrained=False), repeats=range(3))
    assert not torch.equal(standalone[0].weight, SOURCE_MODELS[0].weight)
