"""Defaults written into a config, as plain keys, before it is checked.

Each study gets what studies share, its variants and the training of each; a study of
several sources becomes one for each. Whatever is not as it should be stays as it is:
the models refuse it.
"""

from collections.abc import Collection, Mapping
from typing import Any

from thaw.config.config import SINGLE, Settings, VariantsByName
from thaw.config.network import inherited
from thaw.config.training import changed
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.metrics import METRICS
from thaw.learning.tasks import TASKS

# Stands for the whole ladder in a study's list of variants.
LADDER = "ladder"

Keys = Mapping[str, Any]


def filled_in(config: Keys, commanded: Collection[str] = ()) -> dict[str, Any]:
    """Return a config as written, with what follows filled in.

    Keys that the command line set, `commanded`, win over a study's own where they hold
    a single value.
    """
    shared = {key: config[key] for key in Settings.model_fields if key in config}
    filled = {key: value for key, value in config.items() if key not in shared}
    if not isinstance(config.get("studies"), Mapping):
        return filled
    studies: dict[Any, Any] = {}
    for name, study in config["studies"].items():
        if not isinstance(study, Mapping):
            studies[name] = study
            continue
        whole, sources = _whole(study, shared, config, commanded), sources_of(study)
        for source in sources:
            studies.setdefault(f"{name}-{source}", whole | {"source": source})
        if not sources:
            studies[name] = whole
    return filled | _with_variants(config, studies) | {"studies": studies}


def sources_of(study: Any) -> list[str]:
    """Return the sources of a study that has several, or none."""
    study = as_group(study)
    sources, models = _names(study.get("sources")), study.get("source_models")
    is_apart = "source" not in study and not isinstance(models, Mapping)
    return sources if len(sources) > 1 and is_apart else []


def rungs_of(network: Any) -> dict[str, dict[str, Any]]:
    """Return the ladder's variants by name: from scratch, and one for each depth.

    There are none for a network whose layers are unknown.
    """
    hidden, groups = (as_group(network).get(key) for key in ("hidden", "groups"))
    depth = len(hidden) if isinstance(hidden, list) else -1
    depth = len(groups) - 1 if isinstance(groups, list) else depth
    rungs = {f"fixed-{number}": {"freeze": number} for number in range(depth + 1)}
    return {"standalone": {"pretrained": False}} | rungs if rungs else {}


def names_of(study: Keys) -> list[str]:
    """Return the names in a study's list of variants; none if it is not right."""
    variants = study.get("variants")
    return _names([variants] if isinstance(variants, str) else variants)


def _names(names: Any) -> list[str]:
    """Return a list of names, each once; none of anything else."""
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        return []
    return names if len({*names}) == len(names) else []


def _whole(
    study: Keys, shared: Keys, config: Keys, commanded: Collection[str]
) -> dict[str, Any]:
    """Return a study with what studies share, and with its variants."""
    single = {key: shared[key] for key in SINGLE & {*commanded} & {*shared}}
    whole = {**shared, **study, **single}
    if "margin" not in {*study, *single}:
        whole["margin"] = whole.get("margin", Settings.model_fields["margin"].default)
        if not _has_bounds(study, config):
            del whole["margin"]
    training = changed(shared.get("training", {}), study.get("training", {}))
    changes = changed(shared.get("pretraining", {}), study.get("pretraining", {}))
    network = inherited(shared.get("network", {}), study.get("network", {}))
    whole["network"] = network
    whole |= {"training": training, "pretraining": changed(training, changes)}
    rungs, names = rungs_of(network), names_of(study)
    known = as_group(config.get("variants"))
    if LADDER in names:
        names = [
            rung for n in names for rung in ([*rungs] if rungs and n == LADDER else [n])
        ]
        known = {**rungs, **known}
    if names:
        whole["variants"] = VariantsByName(
            (name, _trained(known[name], training))
            for name in dict.fromkeys(names)
            if name in known
        )
        first = "standalone" if "standalone" in names else names[0]
        whole.setdefault("baseline", first)
    whole.setdefault("baseline", "")
    if "sources" in study or isinstance(study.get("source_models"), Mapping):
        whole.setdefault("source", CHECKPOINTS)
    return whole


def as_group(value: Any) -> Keys:
    """Return a group of keys; an empty one in the place of anything else."""
    return value if isinstance(value, Mapping) else {}


def _trained(variant: Any, training: Any) -> Any:
    """Return a variant with its whole training; an estimator has none."""
    if not isinstance(variant, Mapping) or "estimator" in variant:
        return variant
    return {**variant, "training": changed(training, variant.get("training", {}))}


def _with_variants(config: Keys, studies: Keys) -> dict[str, Any]:
    """Return the variants of a config, each as the first study has it."""
    variants = config.get("variants", {})
    if not isinstance(variants, Mapping):
        return {}
    whole: dict[str, Any] = {}
    for study in studies.values():
        listed = as_group(study).get("variants")
        if isinstance(listed, VariantsByName):
            whole = {**listed, **whole}
    trainings = (s["training"] for s in studies.values() if isinstance(s, dict))
    training: Any = next(trainings, {})
    return {
        "variants": {
            name: whole.get(name, _trained(variant, training))
            for name, variant in variants.items()
        }
    }


def _has_bounds(study: Keys, config: Keys) -> bool:
    """Whether a study's first metric has bounds, and so a usual margin."""
    metric, target = study.get("metric"), study.get("target")
    metric = metric[0] if isinstance(metric, list) and metric else metric
    problems = as_group(config.get("problems"))
    task = as_group(problems.get(str(target))).get("task")
    task = task if task in [*TASKS] else "classification"
    name = TASKS[task].score if metric is None else metric
    if not isinstance(name, str):
        return not isinstance(name, Mapping)
    return name not in METRICS[task] or METRICS[task][name].has_bounds
