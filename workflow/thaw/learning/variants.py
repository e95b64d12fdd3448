"""Variants: how networks for the target problem start, and which layers learn how."""

from collections.abc import Collection, Sequence

from thaw.errors import ThawError
from thaw.learning.learner import Network, Phase, SourceModels, State, take
from thaw.learning.seeds import Whose
from thaw.learning.settings import ALL_BUT_NORM_LAYERS, Variant


def fresh_groups(
    variant: Variant,
    network: Network,
    source_models: SourceModels | None,
    classes: Sequence[str] = (),
) -> list[str]:
    """Return the layer groups that `network`, for the target, draws anew.

    These are the groups that the variant names, those that the source models lack, and
    the output if the source models' does not fit: after added layers, or if the source
    problem has other classes than these, by number or by name.

    Raises `ThawError` if the source models take another number of features.
    """
    names = list(network.groups)
    if source_models is None:
        return names
    named = {group_of(layer, names) for layer in variant.fresh}
    known = source_models.classes
    has_other_classes = known and [*known] != [*classes] and not variant.inherit
    if variant.add or has_other_classes:
        named.add(names[-1])
    fresh = []
    for name in names:
        misfits = [
            entry
            for entry in network.groups[name]
            if entry not in source_models.state
            or source_models.state[entry].shape[1:] != network.shapes[entry]
        ]
        if misfits and name == names[0]:
            features = source_models.state[misfits[0]].shape[-1]
            raise ThawError(
                f"the source models take {features} features, the target problem has "
                f"{network.shapes[misfits[0]][-1]}; choose problems with as many"
            )
        if misfits or name in named:
            fresh.append(name)
    return fresh


def group_of(layer: int | str, names: Sequence[str]) -> str:
    """Return which of the groups is a layer's; see `Variant` for how it is named."""
    *hidden, output = names
    return output if layer == "output" else hidden[int(layer) - 1]


# As `Variant.freeze`.
Freeze = int | Sequence[int | str] | str


def freezes(variant: Variant) -> list[Freeze]:
    """Return what is frozen in each phase of a variant; most have one phase."""
    if variant.phases:
        return [phase.get("freeze", 0) for phase in variant.phases]
    return [variant.freeze]


def frozen_parts(freeze: Freeze, network: Network, fresh: Collection[str]) -> list[str]:
    """Return the groups or entries that stay frozen; see `Variant.freeze`."""
    names = list(network.groups)
    if isinstance(freeze, int):
        return names[:freeze]
    if freeze == ALL_BUT_NORM_LAYERS:
        inherited = [e for n in names if n not in fresh for e in network.groups[n]]
        return [entry for entry in inherited if entry not in network.norms]
    return [group_of(layer, names) for layer in freeze]


def phases_of(
    variant: Variant, network: Network, fresh: Collection[str]
) -> list[Phase]:
    """Return the phases in which a variant learns, given the groups drawn anew.

    Raises `ThawError` if an output stays frozen that the source models do not have.
    """
    names = list(network.groups)
    towards = {name: variant.towards for name in names if name not in fresh}
    always = Phase(
        factors={group_of(g, names): f for g, f in variant.rate_factors.items()},
        towards=towards if variant.towards else {},
    )
    phases = [
        always._replace(
            frozen=frozen_parts(freeze, network, fresh),
            epochs=phase.get("epochs"),
            learning_rate=phase.get("learning_rate"),
        )
        for freeze, phase in zip(freezes(variant), variant.phases or [{}], strict=True)
    ]
    frozen = {name for phase in phases for name in phase.frozen}
    if variant.pretrained and names[-1] in frozen & {*fresh}:
        raise ThawError(
            "the variant freezes the output, and that of the source models does not "
            "fit the target's classes; leave it out of freeze, or add inherit: output"
        )
    return phases


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
        for name, entries in network.groups.items()
        if name not in fresh
        for entry in entries
    }
    places = {number: place for place, number in enumerate(source_models.numbers)}
    wanted = [places[address.source_model] for address in whose.addresses]
    return drawn | take(inherited, wanted)
