"""Variants: how a network for the target problem starts, and which layers learn."""

from collections.abc import Sequence

from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.learner import Network
from thaw.learning.pairing import source_model_of
from thaw.learning.settings import Variant
from thaw.learning.state import SourceModels, State, entries, take


def fresh_groups(
    variant: Variant, network: Network, source_models: SourceModels | None
) -> list[str]:
    """Return the layer groups that `network`, for the target, draws afresh.

    Beside those that the variant names these are the groups that the source models do
    not have, and the output wherever the source models' does not fit: after added
    layers, or where the source problem has other classes.

    Raises `ThawError` if the source models take another number of features.
    """
    names = list(network.groups)
    if source_models is None:
        return names
    *hidden, output = names
    named = {
        output if layer == "output" else hidden[layer - 1] for layer in variant.fresh
    }
    if variant.add:
        named.add(output)
    fresh = []
    for name in names:
        misfits = [
            entry
            for entry in network.groups[name]
            if entry not in source_models.state
            or source_models.state[entry].shape[1:] != network.shapes[entry]
        ]
        if misfits and name == names[0]:
            theirs = source_models.state[misfits[0]].shape[-1]
            raise ThawError(
                f"the source models take {theirs} features, the target problem has "
                f"{network.shapes[misfits[0]][-1]}; choose problems with as many"
            )
        if misfits or name in named:
            fresh.append(name)
    return fresh


def start_repeats(
    network: Network,
    fresh: Sequence[str],
    source_models: SourceModels | None,
    total: int,
    seed: int,
    repeats: Sequence[int],
) -> State:
    """Return the weights from which repeats start.

    The groups `fresh` are drawn; all others are inherited, repeat r's from source model
    r mod `total`.
    """
    drawn = network.draw(fresh, seed, seeds.REPEAT, repeats)
    if source_models is None:
        return drawn
    kept = [name for name in network.groups if name not in fresh]
    inherited = {
        entry: source_models.state[entry] for entry in entries(network.groups, kept)
    }
    places = {number: place for place, number in enumerate(source_models.numbers)}
    wanted = [places[source_model_of(repeat, total)] for repeat in repeats]
    return drawn | take(inherited, wanted)
