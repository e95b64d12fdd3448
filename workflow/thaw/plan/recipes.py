"""Variants in words: where they start, which layers learn, when, and how fast."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from thaw.config.network import OUTPUT
from thaw.findings.shown import counted
from thaw.learning.settings import ALL_BUT_NORM_LAYERS

NORM_ALONE = "norm layers alone"


def variant_in_words(
    variant: Mapping[str, Any], training: Mapping[str, Any], names: Sequence[str]
) -> str:
    """Return a variant's plain name, such as "freeze 1 layer".

    `variant` is as `thaw.config.training.Variant.described` has it, `training` are the
    settings in which it differs from its study, and `names` those of all layers, if
    they are known.
    """
    if "estimator" in variant:
        return str(variant["estimator"]).rpartition(".")[2]
    freeze, is_pretrained = variant.get("freeze", 0), variant.get("pretrained", True)
    words = [*_recipe(variant, names)]
    if words:  # they say what is frozen
        words = ["fine-tune" if is_pretrained else "train from scratch", *words]
    elif freeze:
        layer = "layer" if is_pretrained else "untrained layer"
        words = [f"freeze {counted(freeze, layer)}"]
    else:
        words = ["fine-tune all layers" if is_pretrained else "train from scratch"]
    if layers := variant.get("fresh"):
        is_number = isinstance(layers[0], int)
        kind = "" if not is_number else "layer " if len(layers) == 1 else "layers "
        words.append(f"re-initialize {kind}{' and '.join(map(str, layers))}")
    words += [f"add a layer of {width}" for width in variant.get("add", [])]
    if "inherit" in variant:
        words.append(f"inherit the {variant['inherit']}")
    words += [f"{key.replace('_', ' ')} {value}" for key, value in training.items()]
    return ", ".join(words)


def _recipe(variant: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield in words which layers a variant freezes, and what else it does.

    Nothing if it only freezes the first layers.
    """
    freeze = variant.get("freeze", 0)
    if freeze == ALL_BUT_NORM_LAYERS:
        yield NORM_ALONE
    elif not isinstance(freeze, int):
        yield f"{_named(freeze, names)} frozen"
    elif freeze and variant.keys() & {"rate_factors", "towards"}:
        yield f"the first {_layers(freeze)} frozen"
    if phases := variant.get("phases"):
        yield ", then ".join(_phase(phase, names, "add" in variant) for phase in phases)
    for layer, factor in variant.get("rate_factors", {}).items():
        name = _named([OUTPUT if layer == OUTPUT else int(layer)], names)
        yield f"{name} at {factor:g} times the rate"
    if towards := variant.get("towards"):
        yield f"pulled towards the source model ({towards:g})"


def _phase(phase: Mapping[str, Any], names: Sequence[str], has_added: bool) -> str:
    freeze, epochs = phase.get("freeze", 0), phase["epochs"]
    if freeze == 0:
        learning = "all layers"
    elif freeze == ALL_BUT_NORM_LAYERS:
        learning = NORM_ALONE
    elif freeze == len(names) - 1 and not has_added:
        learning = "the output alone"
    elif isinstance(freeze, int):
        learning = f"all but the first {_layers(freeze)}"
    else:
        learning = f"all but {_named(freeze, names)}"
    rate = f" at {phase['learning_rate']:g}" if "learning_rate" in phase else ""
    return f"{learning} for {epochs:,} epoch{'' if epochs == 1 else 's'}{rate}"


def _layers(count: int) -> str:
    return f"{count} layers" if count > 1 else "layer"


def _named(layers: Sequence[int | str], names: Sequence[str]) -> str:
    """Return the names of layers; their numbers, where these are all that is known."""
    return " and ".join(
        "the output"
        if layer == OUTPUT
        else names[layer - 1]
        if names and isinstance(layer, int)
        else f"layer {layer}"
        for layer in layers
    )
