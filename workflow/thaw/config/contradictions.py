"""Contradictions between the parts of a config: names that do not exist, layers that a
network does not have, problems that do not go together.
"""

from collections.abc import Iterator
from pathlib import Path

from thaw.config.config import Config, Study
from thaw.config.messages import among, shown, unreadable
from thaw.config.network import HiddenLayers, Trainer
from thaw.config.problem import Like, Problem
from thaw.config.training import Estimator, Variant
from thaw.config.users import mistakes_of_function
from thaw.findings.metrics import METRICS, metric_of
from thaw.learning.tasks import TASKS

# Files of source models, which are read without running code in them.
WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pth.tar")


def contradictions(config: Config) -> Iterator[str]:
    """Yield each mistake in a line, with its place."""
    if unknown := [*_of_names(config)]:  # which would make other mistakes
        yield from unknown
        return
    for name, problem in config.problems.items():
        yield from (f"problems.{name}.{words}" for words in _of_scale(problem, config))
    for name, study in config.studies.items():
        place = f"studies.{name}"
        yield from (f"{place}.{words}" for words in _of_study(study, config))
        for single in config.rankings.get(name, [name]):
            yield from _of_variants(place, config.single_studies[single], config)
    for name, names in config.maps.items():
        yield from (f"maps.{name}: {words}" for words in _of_map(names, config))


def _of_names(config: Config) -> Iterator[str]:
    """Yield names of problems that do not exist."""
    places = {
        f"problems.{name}.scale.like": [problem.scale.like]
        for name, problem in config.problems.items()
        if isinstance(problem.scale, Like)
    }
    for name, study in config.studies.items():
        for key in ("target", "source", "sources"):
            value = getattr(study, key) or []
            names = [value] if isinstance(value, str) else value
            places[f"studies.{name}.{key}"] = names
    for place, names in places.items():
        for name in names:
            if name not in config.problems:
                words = f"is not a problem of this config{among(name, config.problems)}"
                yield f"{place}: {shown(name)} {words}"


def _of_scale(problem: Problem, config: Config) -> Iterator[str]:
    """Yield why a problem cannot be scaled like another one."""
    if not isinstance(problem.scale, Like):
        return
    other = config.problems[problem.scale.like]
    if isinstance(other.scale, Like):
        words = f"it is itself scaled like {other.scale.like!r}"
        yield f"scale.like: {words}; name a problem that is not"
    elif other.is_split and not problem.is_split:
        yield (
            "scale.like: it has other train rows for each source model; give both "
            "shuffle: each, or neither"
        )


def _of_study(study: Study, config: Config) -> Iterator[str]:
    """Yield what is wrong with a study, which is one for each of its sources."""
    target = config.problems[study.target]
    names = [] if study.files else study.sources or [study.source]
    sources = [config.problems[name] for name in names]
    trains = isinstance(study.network, Trainer)
    for name, problem in zip([study.target, *names], [target, *sources], strict=True):
        if trains and (problem.is_split or problem.fills):
            yield (
                f"network: a trainer reads rows as they are, split once, and {name!r} "
                "has shuffle: each or fill: median; remove it there"
            )
        if problem.get("tokens") and isinstance(study.network, HiddenLayers):
            yield (
                f"network: {name!r} has tokens, which network.hidden would take for "
                "amounts. Allowed: network.module with an nn.Embedding"
            )
    has_splits = any(source.is_split for source in sources)
    by_source = study.draws_rows and not study.sources and target.scale == "standard"
    if by_source and has_splits and not target.is_split:
        yield (
            f"target: with target sizes, {study.target!r} is scaled like the source, "
            "which has shuffle: each. Allowed: a target with shuffle: each"
        )
    for number, file in enumerate(study.files):
        place = f"source_models.files[{number}]"
        if file.endswith(WEIGHTS):
            yield from unreadable(place, Path(file))
        else:
            yield (
                f"{place}: {shown(file)} is not read, because such files may run code. "
                "Allowed: .safetensors (safetensors.torch.save_file writes it), or "
                ".pt, .pth, .ckpt or .bin with a state_dict"
            )
    if study.files and trains:
        yield (
            "source_models: a trainer reads no files with weights for Thaw; name them "
            "in network.arguments. Allowed: a number"
        )
    for key, problems in (("training", [target]), ("pretraining", sources)):
        has_classes = all(TASKS[problem.task].has_classes for problem in problems)
        if getattr(study, key).class_weight and not has_classes:
            yield (
                f"{key}.class_weight: only applies to classes, and the labels are "
                "numbers; remove it, or write {} here"
            )
    share = study.training.validation_size or 1
    for size in study.target_sizes:
        # As learning counts them, which would fail after source models are trained.
        if size != "all" and round(size * share, 9) < 1:
            yield (
                f"target_sizes: validation_size {share:g} of {size} train rows leaves "
                "no row to validate on. Allowed: larger sizes, or a larger share"
            )
    yield from _of_metrics(study, config)
    yield from _of_comparisons(study, config)
    if not study.sources:
        return
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
    if target.is_split and has_splits:
        yield (
            f"target: shuffle: each makes {study.target!r} depend on the source, so "
            "that no baseline would be that of all. Allowed: problems without"
        )


def _of_metrics(study: Study, config: Config) -> Iterator[str]:
    taken = {"loss"}  # the columns of the scores
    for number, described in enumerate(config.metrics(study)):
        place, name = f"metric[{number}]", described["name"]
        known = METRICS[described["task"]]
        if "function" in described:
            yield from mistakes_of_function(f"{place}.function", described["function"])
            if name in taken | {*known}:
                words = f"{name} is the name of another score; rename the function"
                yield f"{place}.function: {words}"
            taken.add(name)
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
                f"margin: this key is missing; {name} has no usual margin, so the "
                "study needs one. Allowed: the smallest difference that matters, in "
                "its units"
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
    elif variant not in other.variants:
        known, where = among(variant, other.variants), other_name or "this study"
        yield f"{shown(variant)} is not a variant of {where}{known}"
    elif (
        study.target != other.target
        or study.positive != other.positive
        or config.metrics(study)[0] != config.metrics(other)[0]
        or {*study.target_sizes} - {*other.target_sizes}
    ):
        yield (
            f"{other_name} has another target, metric or positive class, or lacks some "
            "of the target_sizes. Allowed: a study with the same"
        )


def _of_variants(place: str, study: Study, config: Config) -> Iterator[str]:
    """Yield what the network of the study at a place cannot do for its variants."""
    network, is_other_label = study.network, config.is_other_label(study)
    for name, variant in study.variants.items():
        if isinstance(variant, Estimator):
            continue
        draws_output = variant.pretrained and (
            bool(variant.add) or (is_other_label and not variant.inherit)
        )
        lines = [*network.mistakes_of_variant(place, variant, draws_output)]
        if variant.training != study.training:
            mistakes = network.mistakes_of_training(variant.training)
            lines += [f"training.{words}" for words in mistakes]
        yield from (f"variants.{name}.{words}" for words in lines)


def _has_depths(study: Study) -> bool:
    """Whether a variant other than the baseline only freezes layers."""
    return any(
        isinstance(variant, Variant)
        and name != study.baseline
        and study.network.numbered(variant).depth is not None
        for name, variant in study.variants.items()
    )


def _of_map(names: list[str], config: Config) -> Iterator[str]:
    studies = config.single_studies
    if unknown := [name for name in names if name not in studies]:
        words = f"is not a study of this config{among(unknown[0], studies)}"
        yield f"{shown(unknown[0])} {words}"
        return
    for name in names:
        if not _has_depths(studies[name]):
            words = f"{name!r} has no variant that only freezes layers"
            yield f"{words}. Allowed: a study with some, such as a ladder"
    metrics = [config.metrics(studies[name])[0] for name in names]
    if any(metric != metrics[0] for metric in metrics):
        yield "its studies have different metrics. Allowed: one metric and unit"
