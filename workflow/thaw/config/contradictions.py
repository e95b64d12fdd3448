"""Contradictions between the parts of a config: names that do not exist, layers that a
network does not have, problems that do not go together.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thaw.config.config import Config, Study, UsersMetric
from thaw.config.fill import LADDER, names_of, sources_of
from thaw.config.messages import among, choice, shown
from thaw.config.mistakes import Place, at
from thaw.config.network import OUTPUT, HiddenLayers, Layer, Trainer
from thaw.config.problem import Like, Problem
from thaw.config.training import Training, Variant
from thaw.config.users import mistakes_of_function, mistakes_of_weights
from thaw.data import COMMON
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.metrics import METRICS, metric_of
from thaw.learning.settings import ALL_BUT_NORM_LAYERS, BUDGETS
from thaw.learning.tasks import TASKS
from thaw.output.tiles import tiles_of_repeats

# Names that are taken, whatever their case. A study's name is its folder in `results/`,
# beside those that studies share, and its target, beside the workflow's rules.
RESERVED = {
    "problems": {CHECKPOINTS},
    # The others are names in a study's archive of results.
    "variants": {LADDER, "source-models", "constant", "target"},
    "studies": {
        *("problems", "networks", "source-models", "repeats", "settings", "maps"),
        *("all", "default", "source_models", "scores", "tables", "figures", "overlaps"),
        *("make_problem", "check_overlap", "check_network", "check_trainer"),
        *("pretrain", "read_checkpoints", "train", "train_and_save"),
        "transferability",
    },
    "maps": set(),
}

# Jobs of a study that train. Snakemake takes minutes to plan a tenth of that.
MOST_JOBS = 100_000

# Variants times target sizes, and with files of source models ten times that: their
# keys are an argument of the job that gathers.
MOST_ARMS = 500

# Places, and what is wrong there, as `mistakes` of a group have it.
Mistakes = Iterator[tuple[Place, str]]


def contradictions(config: Config, written: Mapping[str, Any]) -> Iterator[str]:
    """Yield each mistake in a line of its own, at its place as written."""
    studies = written["studies"]
    of_names = [
        *(_of_names(group, written.get(group, {})) for group in RESERVED),
        *(_of_sources(name, study, studies) for name, study in studies.items()),
    ]
    of_lists = (_of_list(name, config, written) for name in studies)
    # Names that are wrong would make others wrong.
    chain = itertools.chain.from_iterable
    lines = [*chain(of_names)] or [*chain(of_lists)] or _of_all(config, written)
    for place, words in lines:
        yield at(place, words, written)


def _of_all(config: Config, written: Mapping[str, Any]) -> Mistakes:
    for name, problem in config.problems.items():
        yield from _of_scale(name, problem, config.problems)
    for name, study in config.studies.items():
        words = [*_of_study(study, config), *_of_comparisons(study, config)]
        yield from _at(("studies", name), words)
        yield from _of_variants(name, study, config, written)
    for name, names in config.rankings.items():
        studies = [config.studies[study] for study in names]
        yield from _at(("studies", name), _of_ranking(studies, config))
    for name, names in config.maps.items():
        yield from _at(("maps", name), _of_map(names, config))


def _at(place: Place, lines: Iterable[str]) -> Mistakes:
    yield from ((place, words) for words in lines)


def _of_names(group: str, names: Iterable[str]) -> Mistakes:
    """Yield names that are reserved, or that macOS would give one folder."""
    seen: dict[str, str] = {}
    for name in names:
        if name.casefold() in RESERVED[group]:
            yield (group, name), f"{name!r} is reserved; choose another name"
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            words = f"it differs from {first!r} only in case, and names become folders"
            yield (group, name), f"{words}; choose another name"


def _of_sources(name: str, study: Any, studies: Mapping[str, Any]) -> Mistakes:
    """Yield what keeps a study as written from becoming one for each of its sources."""
    place = ("studies", name, "sources")
    if "sources" in study and not sources_of(study):
        key = "source" if "source" in study else "source_models.files"
        yield place, f"set together with {key}; remove one of them"
    for number, source in enumerate(sources_of(study)):
        if f"{name}-{source}" in studies:
            words = f"there is another study '{name}-{source}', which would be that of"
            yield (*place, number), f"{words} this source; rename one of them"


def _of_list(name: str, config: Config, written: Mapping[str, Any]) -> Mistakes:
    """Yield variants that a study as written lists, and that are not there."""
    study = written["studies"][name]
    filled = config.studies[config.rankings.get(name, [name])[0]]
    for number, variant in enumerate(names_of(study)):
        if variant == LADDER:
            if not filled.network.names:
                words = "this key is missing; the ladder needs it"
                yield ("studies", name, "network", "groups"), words
        elif variant not in filled.variants:
            known = among(variant, written.get("variants", {}))
            words = f"{shown(variant)} is not a variant of this config{known}"
            yield ("studies", name, "variants", number), words


def _of_scale(name: str, problem: Problem, problems: Mapping[str, Problem]) -> Mistakes:
    if not isinstance(problem.scale, Like):
        return
    like, place = problem.scale.like, ("problems", name, "scale", "like")
    other_names = [other for other in problems if other != name]
    if like not in other_names:
        yield place, f"{shown(like)} is not another problem{among(like, other_names)}"
    elif isinstance(scale := problems[like].scale, Like):
        words = f"{like!r} is itself scaled like {scale.like!r}"
        yield place, f"{words}; name a problem that is not"
    elif problems[like].is_split and not problem.is_split:
        words = f"{like!r} has other train rows for each source model (shuffle: each)"
        yield place, f"{words}; give both shuffle: each, or neither"


def _of_study(study: Study, config: Config) -> Iterator[str]:
    """Yield what is wrong with a study's problems, training, metrics and sizes."""
    source, target = map(config.problems.get, (study.source, study.target))
    for role, name in (("source", study.source), ("target", study.target)):
        if name not in config.problems and not (role == "source" and study.files):
            known = among(name, config.problems)
            yield f"{role}: {shown(name)} is not a problem of this config{known}"
    if source and target:
        yield from _of_pair_of_problems(study, source, target)
    for role, problem in (("source", source), ("target", target)):
        if problem:
            yield from _of_problem(role, study, problem)
    for number, file in enumerate(study.files):
        yield from mistakes_of_weights(f"source_models.files[{number}]", file)
    for number, metric in enumerate(study.metric or []):
        if isinstance(metric, UsersMetric):
            place = f"metric[{number}].function"
            yield from mistakes_of_function(place, metric.function)
    if study.files and isinstance(study.network, Trainer):
        yield (
            "source_models: a trainer reads no files with weights for Thaw; name them "
            "in network.arguments. Allowed: a number"
        )
    for words in _of_training(study.training, study, target):
        yield f"training.{words}"
    for words in _of_training(study.pretraining, study, source):
        yield f"pretraining.{words}"
    if target:
        yield from _of_metrics(study, config)
        yield from _of_sizes(study, target)


def _of_problem(role: str, study: Study, problem: Problem) -> Iterator[str]:
    name, trains = getattr(study, role), isinstance(study.network, Trainer)
    if problem.is_split and trains:
        yield (
            f"{role}: {name!r} has shuffle: each, and a trainer reads one split. "
            "Allowed: a problem with another shuffle"
        )
    if problem.get("tokens") and isinstance(study.network, HiddenLayers):
        yield (
            f"{role}: features of {name!r} are tokens, and network.hidden would take "
            "them for amounts. Allowed: network.module with an nn.Embedding"
        )
    if problem.fills and trains:
        yield (
            f"{role}: {name!r} has missing: {{fill: median}}, and a trainer reads rows "
            "as they are. Allowed: missing: {drop: rows}"
        )


def _of_pair_of_problems(
    study: Study, source: Problem, target: Problem
) -> Iterator[str]:
    names = f"{study.target!r} and the source {study.source!r}"
    if bool(source.get("tokens")) != bool(target.get("tokens")):
        yield f"target: tokens are features of one of {names}. Allowed: of both"
    by_source = study.is_swept and not study.sources and target.scale == "standard"
    if by_source and source.is_split and not target.is_split:
        yield (
            f"target: with target sizes {study.target!r} is scaled like "
            f"{study.source!r}, which has other train rows for each source model "
            "(shuffle: each). Allowed: a target with shuffle: each"
        )


def _of_training(
    training: Training, study: Study, problem: Problem | None
) -> Iterator[str]:
    """Yield what the study's network, or the problem's labels, have no use for."""
    yield from study.network.mistakes_of_training(training)
    # Source models from files have no known problem.
    if training.class_weight and problem and not TASKS[problem.task].has_classes:
        yield (
            "class_weight: only applies to classes, and the labels are numbers; remove "
            "it, or write {} here"
        )


def _of_sizes(study: Study, target: Problem) -> Iterator[str]:
    share, rows = study.training.validation_size, target.train_size
    for number, size in enumerate(study.target_sizes):
        # As learning counts them; the share is at most a half.
        if share and size != "all" and round(size * share, 9) < 1:
            yield (
                f"target_sizes[{number}]: validation_size {share:g} of {size} train "
                f"row{'s' * (size != 1)} leaves no row to validate on. Allowed: "
                f"{math.ceil(round(1 / share, 9))} or more, all"
            )
        # A share of a file's rows is not known before the file is read.
        if isinstance(rows, int) and size != "all" and size > rows:
            yield (
                f"target_sizes[{number}]: {size} is more than the {rows} train rows of "
                f"{study.target!r}. Allowed: 1 to {rows}, all"
            )
    arms = len(study.variants) * len(study.target_sizes)
    if arms * max(10, len(study.files)) > 10 * MOST_ARMS:
        yield (
            f"variants: {len(study.variants)} variants at {len(study.target_sizes)} "
            f"sizes, from {study.models} source models, are too many for one study. "
            "Allowed: several studies; they share what they can"
        )
    tiles = tiles_of_repeats(study.models, study.repeats, study.repeats_per_job)
    jobs = arms * sum(1 for _ in itertools.islice(tiles, MOST_JOBS + 1))
    if jobs > MOST_JOBS:
        yield (
            f"repeats_per_job: {study.repeats_per_job} makes more than {MOST_JOBS} "
            "jobs that train. Allowed: more repeats in a job, or fewer repeats"
        )


def _of_metrics(study: Study, config: Config) -> Iterator[str]:
    for number, described in enumerate(config.metrics(study)):
        name, task = described["name"], described["task"]
        is_users, known = "function" in described, METRICS[task]
        if is_users and name in (*known, "loss"):
            # They would be one column of the scores.
            words = f"{name} is the name of another score; rename the function"
            yield f"metric[{number}].function: {words}"
        elif not is_users and name not in known:
            words = f"{shown(name)} is not a metric of {task}{among(name, known)}"
            yield f"metric[{number}]: {words}"
        else:
            metric = metric_of(described)
            if not metric.history and not config.predictions:
                yield (
                    f"metric[{number}]: {name} is computed from predictions, which are "
                    "not kept; remove predictions: false"
                )


def _of_comparisons(study: Study, config: Config) -> Iterator[str]:
    networks = [n for n, v in study.variants.items() if isinstance(v, Variant)]
    known = among(study.baseline, networks)
    if study.baseline not in study.variants:
        yield f"baseline: {shown(study.baseline)} is not a variant of this study{known}"
    elif study.baseline not in networks:
        words = "is an estimator, and transfer is compared with a network"
        yield f"baseline: {study.baseline!r} {words}{known}"
    for number, pair in enumerate(study.pairs):
        for name in pair:
            yield from (f"pairs[{number}]: {w}" for w in _of_pair(name, study, config))


def _of_pair(name: str, study: Study, config: Config) -> Iterator[str]:
    """Yield what keeps a variant of this or another study from being compared."""
    other_name, slash, variant = name.partition("/")
    other = config.studies.get(other_name) if slash else None
    if slash and other_name in config.rankings:
        yield _is_ranking(other_name, config)
    elif other is None:
        if name not in study.variants:
            known = among(name, study.variants)
            yield f"{shown(name)} is not a variant of this study{known}"
    else:
        if variant not in other.variants:
            known = among(variant, other.variants)
            yield f"{shown(variant)} is not a variant of {other_name}{known}"
        if other.target != study.target:
            yield (
                f"the target of {other_name} is {other.target!r}, not "
                f"{study.target!r}. Allowed: a study of the same target"
            )
        elif study.target in config.problems:
            metrics = [(config.metrics(s)[0], s.positive) for s in (other, study)]
            if metrics[0] != metrics[1]:
                names = ", not ".join(metric["name"] for metric, _ in metrics)
                yield (
                    f"the metric of {other_name} is {names}, or of another positive "
                    "class. Allowed: a study of the same metric"
                )
        lacking = [s for s in study.target_sizes if s not in other.target_sizes]
        if lacking:
            sizes = ", ".join(map(str, lacking))
            words = "Allowed: a study with the same target_sizes"
            yield f"{other_name} has no repeats from {sizes} rows. {words}"


def _of_variants(
    name: str, study: Study, config: Config, written: Mapping[str, Any]
) -> Mistakes:
    target = config.problems.get(study.target)
    roles = {study.target, *([] if study.files else [study.source])}
    for variant_name, variant in study.variants.items():
        if not isinstance(variant, Variant):
            continue
        place = ("studies", name, "variants", variant_name)
        changes = written.get("variants", {}).get(variant_name, {}).get("training", {})
        for key in {*BUDGETS} & changes.keys() if variant.phases else ():
            words = "not allowed together with phases, which have epochs of their own"
            yield (*place, "training", key), f"{words}; remove it"
        studys = f"studies.{_written_name(name, study)}"
        lines = [*study.network.mistakes_of_variant(studys, variant)]
        if not lines and roles <= {*config.problems}:
            lines = [*_of_layers(studys, variant, study, config)]
        if variant.training != study.training:
            training = _of_training(variant.training, study, target)
            lines += [f"training.{words}" for words in training]
        yield from _at(place, lines)


def _of_layers(
    place: str, variant: Variant, study: Study, config: Config
) -> Iterator[str]:
    """Yield contradictions about layers that the study's network has."""
    network, numbered = study.network, study.network.numbered(variant)
    frozen = {key: _frozen(freeze) for key, freeze in numbered.freezes.items()}
    drawn = _why_output_is_drawn(place, study, numbered, config)
    for key, layers in frozen.items():
        for layer in variant.fresh:
            if network.number(layer) in layers:
                words = f"{layer!r} is frozen by {key}, and a layer drawn anew has to"
                yield f"fresh: {words} learn; remove it from one of them"
        if drawn and OUTPUT in layers:
            yield f"{key}: the output, drawn anew {drawn}"
        if network.layers and network.layers <= layers and not numbered.add:
            words = f"all layers of the network of {place} are frozen; nothing would"
            yield f"{key}: {words} learn. Allowed: at least one layer that learns"
    seen: dict[Layer, Layer] = {}
    for factor in variant.rate_factors:
        layer = network.number_of_key(factor)
        first = seen.setdefault(layer, factor)
        if first != factor:
            words = f"{first!r} and {factor!r} are one layer; remove one of them"
            yield f"rate_factors: {words}"


def _frozen(freeze: Any) -> set[Layer]:
    """Return the layers that are frozen as a whole."""
    if freeze == ALL_BUT_NORM_LAYERS:
        return set()
    return {*range(1, freeze + 1)} if isinstance(freeze, int) else {*freeze}


def _why_output_is_drawn(
    place: str, study: Study, variant: Variant, config: Config
) -> str:
    """Say why a variant draws the output anew without saying so; "" if it does not."""
    if not variant.pretrained or OUTPUT in variant.fresh:
        return ""
    if variant.add:
        return "after added layers, has to learn; leave it out"
    if not variant.inherit and config.is_other_label(study):
        return (
            f"because source and target of {place} have other labels, has to learn; "
            "leave it out, or add inherit: output"
        )
    return ""


def _written_name(name: str, study: Study) -> str:
    """Return the name of a study in the config, which has those of a ranking as one."""
    return name.removesuffix(f"-{study.source}") if study.sources else name


def _has_depths(study: Study) -> bool:
    """Whether a variant other than the baseline only freezes layers."""
    return any(
        isinstance(variant, Variant)
        and name != study.baseline
        and study.network.numbered(variant).depth is not None
        for name, variant in study.variants.items()
    )


def _of_ranking(studies: list[Study], config: Config) -> Iterator[str]:
    """Yield what keeps the sources of these studies from being compared."""
    study = studies[0]
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
    target = config.problems.get(study.target)
    sources = [config.problems.get(study.source) for study in studies]
    problems = [problem for problem in (target, *sources) if problem]
    if target is None or len(problems) <= len(sources):
        return
    for is_wrong, why in (
        (
            any(problem.get("categorical") for problem in problems),
            "its categories are joined with those of the source (categorical). "
            "Allowed: columns that hold numbers",
        ),
        (
            target.get("columns") == COMMON,
            "its columns are those of the source (columns: common). Allowed: the same "
            "columns in all, such as by drop",
        ),
        (
            target.is_split and any(problem.is_split for problem in problems[1:]),
            "it may be split like the source (shuffle: each). Allowed: another shuffle",
        ),
    ):
        if is_wrong:
            words = "would differ from source to source, and so would the baseline"
            yield f"target: {study.target!r} {words}: {why}"


def _of_map(names: list[str], config: Config) -> Iterator[str]:
    for number, name in enumerate(names):
        if name in config.rankings:
            yield f"[{number}]: {_is_ranking(name, config)}"
        elif name not in config.studies:
            known = among(name, config.studies)
            yield f"[{number}]: {shown(name)} is not a study of this config{known}"
        elif not _has_depths(config.studies[name]):
            words = f"{name!r} has no variant that only freezes layers"
            yield f"[{number}]: {words}. Allowed: a study with some, such as a ladder"
    studies = [config.studies[name] for name in names if name in config.studies]
    if all(study.target in config.problems for study in studies):
        metrics = [config.metrics(study)[0] for study in studies]
        if any(metric != metrics[0] for metric in metrics):
            texts = {f"{m['name']} {m.get('unit', '')}".strip() for m in metrics}
            words = f"its studies have different metrics ({', '.join(sorted(texts))})"
            yield f"{words}. Allowed: studies of one metric and unit"


def _is_ranking(name: str, config: Config) -> str:
    """Say which studies could be meant by the name of one with several sources."""
    allowed = choice(config.rankings[name])
    return f"{name!r} ranks several studies; name one of them. Allowed: {allowed}"
