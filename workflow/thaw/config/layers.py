"""A network's layers as variants name them: by number, or by a group's name."""

from collections.abc import Mapping, Sequence
from typing import Any

# What the other form says where nobody does.
DEFAULTS = {"activation": "relu", "dropout": 0.0}


def is_module(network: Mapping[str, Any]) -> bool:
    """Whether a function of people's own builds the network."""
    return "module" in network


def hidden_groups(network: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return what stands for the hidden layers, in order; None where it is not said."""
    if is_module(network):
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

    Where the study says the other form, nothing of the shared one is left.
    """
    other = {
        "module": ("hidden", *DEFAULTS),
        "hidden": ("module", "arguments", "groups"),
    }
    left_out = {key for form in own if form in other for key in other[form]}
    network = {k: v for k, v in shared.items() if k not in left_out} | dict(own)
    if is_module(network):
        for key, default in DEFAULTS.items():
            if network.get(key) == default:
                del network[key]
    return network
