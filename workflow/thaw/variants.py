"""Variants: how a network for the target problem starts, and which layers learn."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from thaw import seeds
from thaw.errors import ThawError
from thaw.network import Layer, draw_network, layer_sizes


class Variant(NamedTuple):
    """A variant as the config describes it.

    pretrained: start from a source model (else every layer is fresh).
    freeze: the first so many hidden layers do not learn.
    fresh: the layers drawn afresh, hidden layers by number from 1, and `"output"`.
    add: widths of fresh hidden layers between the source model's and the output.
    """

    pretrained: bool
    freeze: int
    fresh: Sequence[int | Literal["output"]]
    add: Sequence[int]


def start_repeats(
    variant: Variant,
    source_models: Sequence[Layer],
    hidden: Sequence[int],
    features: int,
    classes: int,
    seed: int,
    repeats: Sequence[int],
) -> tuple[list[Layer], list[str]]:
    """Return the networks from which repeats start, and the names of fresh layers.

    `source_models` holds S stacked networks (it may be empty if the variant is not
    pretrained); repeat r starts from number r mod S. `hidden` are the widths of the
    source model's hidden layers. The output is drawn afresh wherever the source model's
    does not fit: below added layers, or where the source problem has other classes.

    Raises `ThawError` if the source models take another number of features.
    """
    if variant.pretrained and source_models[0].weight.shape[2] != features:
        raise ThawError(
            f"the source models take {source_models[0].weight.shape[2]} features, the "
            f"target problem has {features}; choose problems with as many"
        )
    sizes = layer_sizes(features, [*hidden, *variant.add], classes)
    inherited = {}
    if variant.pretrained:
        models = [number % len(source_models[0].weight) for number in repeats]
        for position, layer in enumerate(source_models):
            is_output = position == len(hidden)
            name = "output" if is_output else position + 1
            fits = not is_output or (
                not variant.add and layer.weight.shape[1] == classes
            )
            if fits and name not in variant.fresh:
                inherited[position] = Layer(layer.weight[models], layer.bias[models])
    network = draw_network(sizes, seed, seeds.REPEAT, repeats, inherited)
    fresh = [
        "output" if size.is_output else f"hidden layer {position + 1}"
        for position, size in enumerate(sizes)
        if position not in inherited
    ]
    return network, fresh
