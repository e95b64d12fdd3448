"""A config as written, filled in and checked: what each study trains, and on what.

Defaults are written into it as plain keys: each study gets what studies share, its
variants and the training of each. Groups and names without which this cannot be done
are refused here, everything else by the models.
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from thaw.config.config import LADDER, Config, Settings
from thaw.config.contradictions import contradictions
from thaw.config.messages import among, path, shown, wrong
from thaw.config.mistakes import explain
from thaw.config.network import inherited
from thaw.config.training import changed
from thaw.learning.settings import BUDGETS

Keys = Mapping[str, Any]
MERGED = ("network", "training", "pretraining")


def resolve(config: Mapping[str, Any]) -> Config:
    """Check `config` and fill in what it leaves out.

    Raises `ThawError`, whose message lists every mistake of a key or else every
    contradiction between keys: the place, the value, and what is allowed.
    """
    try:
        result = Config.model_validate(filled_in(config))
    except ValidationError as error:
        raise wrong(explain(error)) from None
    if lines := [*contradictions(result)]:
        raise wrong(lines)
    return result


def filled_in(config: Keys) -> dict[str, Any]:
    """Return a config as written, with what follows filled in.

    Raises `ThawError` for what is no group of keys, or no variant.
    """
    shared = {key: config[key] for key in Settings.model_fields if key in config}
    shared |= {key: _group(config, key) for key in MERGED}
    variants, training = _group(config, "variants"), shared["training"]
    written = _group(config, "studies")
    studies = {
        name: _study(("studies", name), written, shared, variants) for name in written
    }
    used = {name for study in studies.values() for name in study.get("variants", {})}
    unused = [name for name in variants if name not in used]
    return {
        **config,
        **shared,
        "pretraining": changed(training, shared["pretraining"]),
        "variants": _trained(unused, variants, training),
        "studies": studies,
    }


def _study(
    place: tuple[str, str], studies: Keys, shared: Keys, variants: Keys
) -> dict[str, Any]:
    """Return the study at a place with what studies share, and with its variants."""
    study = _group(studies, place[1], place[0])
    changes = {key: _group(study, key, *place) for key in MERGED}
    network = inherited(shared["network"], changes["network"])
    training = changed(shared["training"], changes["training"])
    pretraining = changed(shared["pretraining"], changes["pretraining"])
    whole = {
        **shared,
        **study,
        "network": network,
        "training": training,
        "pretraining": changed(training, pretraining),
    }
    if "variants" not in study:
        return whole
    place_of_variants = f"{path(place)}.variants"
    names = _names(place_of_variants, study["variants"])
    if LADDER in names:
        rungs = rungs_of(network)
        if not rungs:
            words = "the ladder needs a list of network.hidden, or of network.groups"
            raise wrong([f"{place_of_variants}: {words}"])
        variants = {**rungs, **variants}
        each = (rungs if name == LADDER else [name] for name in names)
        names = [*dict.fromkeys(itertools.chain(*each))]
    if unknown := [name for name in names if name not in variants]:
        words = f"is not a variant of this config{among(unknown[0], variants)}"
        raise wrong([f"{place_of_variants}: {shown(unknown[0])} {words}"])
    first = "standalone" if "standalone" in names else names[0]
    whole["variants"] = _trained(names, variants, training)
    return {"baseline": first} | whole


def _group(keys: Keys, key: str, *place: str) -> Keys:
    """Return the group at a key, empty if it is left out."""
    group = keys.get(key, {})
    if not isinstance(group, Mapping):
        raise wrong([f"{path((*place, key))}: {shown(group)} is not a group of keys"])
    return group


def _names(place: str, listed: Any) -> list[str]:
    """Return the names that a study lists; one by itself is a list, too."""
    names = [listed] if isinstance(listed, str) else listed
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_list or not names or len({*names}) < len(names):
        words = "is not a list of names, each once; write numbers in quotes"
        raise wrong([f"{place}: {shown(listed)} {words}"])
    return names


def rungs_of(network: Keys) -> dict[str, dict[str, Any]]:
    """Return the ladder's variants by name: from scratch, and one for each depth.

    There are none for a network whose layers are unknown.
    """
    hidden, groups = network.get("hidden"), network.get("groups")
    depth = len(hidden) if isinstance(hidden, list) else -1
    depth = len(groups) - 1 if isinstance(groups, list) else depth
    rungs = {f"fixed-{number}": {"freeze": number} for number in range(depth + 1)}
    return {"standalone": {"pretrained": False}} | rungs if rungs else {}


def _trained(names: Iterable[str], variants: Keys, training: Keys) -> dict[str, Any]:
    """Return variants of these names with their whole training."""
    whole = {}
    for name in names:
        variant = _group(variants, name, "variants")
        place = ("variants", name)
        changes = _group(variant, "training", *place)
        if "phases" in variant and (budgets := changes.keys() & {*BUDGETS}):
            words = "not allowed together with phases, which have epochs of their own"
            raise wrong([f"{path((*place, 'training', *budgets))}: {words}; remove it"])
        whole[name] = {**variant}
        if "estimator" not in variant:
            whole[name]["training"] = changed(training, changes)
    return whole
