"""Contradictions between the parts of a config: names that do not exist, layers that a
network does not have, problems that do not go together.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from thaw.config.config import Config, Study
from thaw.config.messages import among, shown
from thaw.config.network import OUTPUT, HiddenLayers, Trainer
from thaw.config.problem import Like, Problem
from thaw.config.training import Training, Variant
from thaw.config.users import mistakes_of_function, mistakes_of_weights
from thaw.data import COMMON
from thaw.findings.metrics import METRICS, metric_of
from thaw.learning.tasks import TASKS


def contradictions(config: Config) -> Iterator[str]:
    """Yield each mistake in a line, with its place."""
    if unknown := [*_of_names(config)]:  # which would make other mistakes
        yield from unknown
        return
    for name, problem in config.problems.items():
        if isinstance(problem.scale, Like):
            lines = _why_not_like(problem, problem.scale.like, config.problems)
            yield from (f"problems.{name}.scale.like: {words}" for words in lines)
    for name, study in config.studies.items():
        names = config.rankings.get(name, [name])
        singles = [config.single_studies[single] for single in names]
        for words in _of_study(study, config):
            yield f"studies.{name}.{words}"
        for single in singles:
            yield from _of_variants(f"studies.{name}", single, config)
    for name, names in config.maps.items():
        yield from (f"maps.{name}{words}" for words in _of_map(names, config))


def _of_names(config: Config) -> Iterator[str]:
    """Yield names of problems that do not exist."""
    places = [
        (f"problems.{name}.scale.like", problem.scale.like)
        for name, problem in config.problems.items()
        if isinstance(problem.scale, Like)
    ]
    for study_name, study in config.studies.items():
        place = f"studies.{study_name}"
        places.append((f"{place}.target", study.target))
        places += [(f"{place}.sources", source) for source in study.sources or []]
        if study.source:
            places.append((f"{place}.source", study.source))
    for place, name in places:
        if name not in config.problems:
            words = f"is not a problem of this config{among(name, config.problems)}"
            yield f"{place}: {shown(name)} {words}"


def _why_not_like(
    problem: Problem, like: str, problems: Mapping[str, Problem]
) -> Iterator[str]:
    """Yield why a problem cannot be scaled like another one."""
    other = problems[like]
    if isinstance(other.scale, Like):
        words = f"{like!r} is itself scaled like {other.scale.like!r}"
        yield f"{words}; name a problem that is not"
    elif other.is_split and not problem.is_split:
        words = f"{like!r} has other train rows for each source model (shuffle: each)"
        yield f"{words}; give both shuffle: each, or neither"


def _of_study(study: Study, config: Config) -> Iterator[str]:
    """Yield what is wrong with a study, which is one for each of its sources."""
    target = config.problems[study.target]
    names = [] if study.files else study.sources or [study.source]
    sources = [config.problems[name] for name in names]
    for role, name in (("target", study.target), *(("source", n) for n in names)):
        yield from _of_problem(role, name, study, config.problems[name])
    by_source = study.is_swept and not study.sources and target.scale == "standard"
    if by_source and not target.is_split and any(p.is_split for p in sources):
        yield (
            f"target: with target sizes, {study.target!r} is scaled like the source, "
            "which has shuffle: each. Allowed: a target with shuffle: each"
        )
    for number, file in enumerate(study.files):
        yield from mistakes_of_weights(f"source_models.files[{number}]", file)
    if study.files and isinstance(study.network, Trainer):
        yield (
            "source_models: a trainer reads no files with weights for Thaw; name them "
            "in network.arguments. Allowed: a number"
        )
    yield from _of_weights("training", study.training, [target])
    yield from _of_weights("pretraining", study.pretraining, sources)
    yield from _of_metrics(study, config)
    yield from _of_sizes(study)
    yield from _of_comparisons(study, config)
    if study.sources:
        yield from _of_ranking(study, target, sources)


def _of_problem(role: str, name: str, study: Study, problem: Problem) -> Iterator[str]:
    trains = isinstance(study.network, Trainer)
    if trains and (problem.is_split or problem.fills):
        yield (
            f"{role}: {name!r} has shuffle: each or fill: median, and a trainer reads "
            "rows as they are, split once. Allowed: a problem without either"
        )
    if problem.get("tokens") and isinstance(study.network, HiddenLayers):
        yield (
            f"{role}: features of {name!r} are tokens, and network.hidden would take "
            "them for amounts. Allowed: network.module with an nn.Embedding"
        )


def _of_weights(
    place: str, training: Training, problems: list[Problem]
) -> Iterator[str]:
    """Yield weights of classes where labels are numbers."""
    has_classes = all(TASKS[problem.task].has_classes for problem in problems)
    if training.class_weight and not has_classes:
        yield (
            f"{place}.class_weight: only applies to classes, and the labels are "
            "numbers; remove it, or write {} here"
        )


def _of_sizes(study: Study) -> Iterator[str]:
    share = study.training.validation_size
    for number, size in enumerate(study.target_sizes):
        # As learning counts them; the share is at most a half.
        if share and size != "all" and round(size * share, 9) < 1:
            yield (
                f"target_sizes[{number}]: validation_size {share:g} of {size} train "
                f"row{'s' * (size != 1)} leaves no row to validate on. Allowed: "
                f"{math.ceil(round(1 / share, 9))} or more, all"
            )


def _of_metrics(study: Study, config: Config) -> Iterator[str]:
    for number, described in enumerate(config.metrics(study)):
        place, name = f"metric[{number}]", described["name"]
        known = METRICS[described["task"]]
        if "function" in described:
            yield from mistakes_of_function(f"{place}.function", described["function"])
            if name in (*known, "loss"):
                # They would be one column of the scores.
                words = f"{name} is the name of another score; rename the function"
                yield f"{place}.function: {words}"
        elif name not in known:
            words = f"is not a metric of {described['task']}{among(name, known)}"
            yield f"{place}: {shown(name)} {words}"
            continue
        metric = metric_of(described)
        if not metric.history and not config.predictions:
            yield (
                f"{place}: {name} is computed from predictions, which are not kept; "
                "remove predictions: false"
            )
        if number == 0 and not study.margin and not metric.has_bounds:
            yield (
                f"margin: this key is missing; {name} has no usual margin, and that "
                "of the top level is not meant for it. Allowed: the smallest "
                "difference that matters to you, in its units"
            )


def _of_comparisons(study: Study, config: Config) -> Iterator[str]:
    networks = [n for n, v in study.variants.items() if isinstance(v, Variant)]
    if study.baseline not in networks:
        words = f"is not a network of this study{among(study.baseline, networks)}"
        yield f"baseline: {shown(study.baseline)} {words}"
    for number, pair in enumerate(study.pairs):
        for name in pair:
            yield from (f"pairs[{number}]: {w}" for w in _of_pair(name, study, config))


def _of_pair(name: str, study: Study, config: Config) -> Iterator[str]:
    """Yield what keeps a variant of this or another study from being compared."""
    other_name, slash, variant = name.rpartition("/")
    other = config.single_studies.get(other_name) if slash else study
    if other is None:
        known = among(other_name, config.single_studies)
        yield f"{shown(other_name)} is not a study of this config{known}"
        return
    if variant not in other.variants:
        known, where = among(variant, other.variants), other_name or "this study"
        yield f"{shown(variant)} is not a variant of {where}{known}"
    if _compared(study, config) != _compared(other, config):
        yield (
            f"{other_name} has another target, metric or positive class. Allowed: a "
            "study with the same"
        )
    elif lacking := [s for s in study.target_sizes if s not in other.target_sizes]:
        yield (
            f"{other_name} has no repeats from {lacking[0]} rows. Allowed: a study "
            "with the same target_sizes"
        )


def _compared(study: Study, config: Config) -> tuple[str, dict[str, Any], Any]:
    """Return what studies whose scores are compared have to share."""
    return study.target, config.metrics(study)[0], study.positive


def _of_variants(place: str, study: Study, config: Config) -> Iterator[str]:
    """Yield what the network and the target of a study cannot do for its variants."""
    target = config.problems[study.target]
    for name, variant in study.variants.items():
        if not isinstance(variant, Variant):
            continue
        lines = [*study.network.mistakes_of_variant(place, variant)]
        lines = lines or [*_of_drawn_output(place, study, variant, config)]
        if variant.training != study.training:
            training = study.network.mistakes_of_training(variant.training)
            lines += [f"training.{words}" for words in training]
            lines += _of_weights("training", variant.training, [target])
        yield from (f"variants.{name}.{words}" for words in lines)


def _of_drawn_output(
    place: str, study: Study, variant: Variant, config: Config
) -> Iterator[str]:
    """Yield where an output is frozen that is drawn anew, though nobody says so."""
    network = study.network
    if not variant.pretrained or OUTPUT in map(network.number, variant.fresh):
        return
    if variant.add:
        why, remedy = "after added layers", ""
    elif not variant.inherit and config.is_other_label(study):
        why = f"because source and target of {place} have other labels"
        remedy = ", or add inherit: output"
    else:
        return
    for key, freeze in variant.freezes.items():
        if OUTPUT in network.frozen_layers(freeze):
            words = f"the output, drawn anew {why}, has to learn; leave it out"
            yield f"{key}: {words}{remedy}"


def _has_depths(study: Study) -> bool:
    """Whether a variant other than the baseline only freezes layers."""
    return any(
        isinstance(variant, Variant)
        and name != study.baseline
        and study.network.numbered(variant).depth is not None
        for name, variant in study.variants.items()
    )


def _of_ranking(study: Study, target: Problem, sources: list[Problem]) -> Iterator[str]:
    """Yield what keeps the sources of a study from being compared."""
    if not _has_depths(study):
        yield (
            "variants: none only freezes layers, and sources are compared by these. "
            "Allowed: some that do, such as a ladder"
        )
    baseline = study.variants.get(study.baseline)
    if baseline and baseline.pretrained:
        yield (
            f"baseline: {study.baseline!r} is pretrained, so that each source would "
            "have another. Allowed: a variant with pretrained: false"
        )
    # Of these, the target, and so the baseline, would differ from source to source.
    for key, depends in {
        "categorical": any(
            problem.get("categorical") for problem in (target, *sources)
        ),
        "columns: common": target.get("columns") == COMMON,
        "shuffle: each": target.is_split and any(p.is_split for p in sources),
    }.items():
        if depends:
            yield (
                f"target: {key} makes {study.target!r} depend on the source, so that "
                "no baseline would be that of all. Allowed: problems without"
            )


def _of_map(names: list[str], config: Config) -> Iterator[str]:
    studies = config.single_studies
    if unknown := [name for name in names if name not in studies]:
        words = f"is not a study of this config{among(unknown[0], studies)}"
        yield f": {shown(unknown[0])} {words}"
        return
    for number, name in enumerate(names):
        if not _has_depths(studies[name]):
            words = f"{name!r} has no variant that only freezes layers"
            yield f"[{number}]: {words}. Allowed: a study with some, such as a ladder"
    metrics = [config.metrics(studies[name])[0] for name in names]
    if any(metric != metrics[0] for metric in metrics):
        texts = {f"{m['name']} {m.get('unit', '')}".strip() for m in metrics}
        words = f"its studies have different metrics ({', '.join(sorted(texts))})"
        yield f": {words}. Allowed: studies of one metric and unit"
