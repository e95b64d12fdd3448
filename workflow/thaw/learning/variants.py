"""Variants: how networks for the target problem start, and which layers learn."""

from collections.abc import Sequence

from thaw.errors import ThawError
from thaw.learning.learner import Network, SourceModels, State, take
from thaw.learning.seeds import Whose
from thaw.learning.settings import Variant


def fresh_groups(
    variant: Variant, network: Network, source_models: SourceModels | None
) -> list[str]:
    """Return the layer groups that `network`, for the target, draws anew.

    These are the groups that the variant names, those that the source models lack, and
    the output if the source models' does not fit: after added layers, or if the source
    problem has other classes.

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
    whose: Whose,
) -> State:
    """Return the weights from which repeats start.

    The groups `fresh` are drawn; all others come from the source model that a repeat's
    address names.
    """
    drawn = network.draw(fresh, whose)
    if source_models is None:
        return drawn
    inherited = {
        entry: source_models.state[entry]
        for name, own in network.groups.items()
        if name not in fresh
        for entry in own
    }
    places = {number: place for place, number in enumerate(source_models.numbers)}
    wanted = [places[address.source_model] for address in whose.addresses]
    return drawn | take(inherited, wanted)
