"""A network's layers as variants name them: by number, or by a group's name."""

from collections.abc import Mapping, Sequence
from typing import Any

# What the other forms say where nobody does.
DEFAULTS = {"activation": "relu", "dropout": 0.0}

# The forms of a network, by the key that says which, and the keys of each.
FORMS = {
    "hidden": {"hidden", *DEFAULTS},
    "module": {"module", "arguments", "groups"},
    "trainer": {"trainer", "files", "packages", "arguments", "groups"},
}


def is_module(network: Mapping[str, Any]) -> bool:
    """Whether a function of people's own builds the network."""
    return "module" in network


def is_trainer(network: Mapping[str, Any]) -> bool:
    """Whether a command of people's own trains the network."""
    return "trainer" in network


def is_brought(network: Mapping[str, Any]) -> bool:
    """Whether the network is people's own, so that nobody knows how large it is."""
    return is_module(network) or is_trainer(network)


def hidden_groups(network: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return what stands for the hidden layers, in order; None where it is not said."""
    if is_brought(network):
        return network["groups"][:-1] if "groups" in network else None
    return network.get("hidden", [])  # `contradictions` tells that it is missing


def in_numbers(
    variant: Mapping[str, Any], network: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a variant with numbers in the place of groups' names.

    Names that the network does not have stay; `contradictions` tells of them.
    """
    groups = network.get("groups", [])

    def number(layer: int | str) -> int | str:
        if layer not in groups:
            return layer
        place = groups.index(layer) + 1
        return "output" if place == len(groups) else place

    fresh = [number(layer) for layer in variant["fresh"]]
    return dict(variant) | {"freeze": number(variant["freeze"]), "fresh": fresh}


def of_one_form(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's network: the shared one with what the study itself says.

    Where the study says another form, nothing of the shared one is left.
    """
    said = FORMS.keys() & own.keys()
    kept = dict(shared)
    if said:
        ours = set().union(*(FORMS[form] for form in said))
        for form in FORMS.keys() - said:
            # What two forms have in common is the shared one's.
            common = set() if form in shared and not said & shared.keys() else ours
            for key in FORMS[form] - common:
                kept.pop(key, None)
    network = kept | dict(own)
    if is_brought(network):
        for key, default in DEFAULTS.items():
            if network.get(key) == default:
                del network[key]
    return network
