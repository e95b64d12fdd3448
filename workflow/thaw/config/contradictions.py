"""Contradictions between keys: names that do not exist, layers that are not there."""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator

from thaw.config import recipes
from thaw.config.checkpoints import mistakes_of_checkpoint
from thaw.config.extents import extent, function_of
from thaw.config.messages import among, choice, shown
from thaw.config.network import Kind, kind_of, mistakes_of_code
from thaw.config.problem import contradictions_of, is_split
from thaw.config.resolved import (
    Config,
    ResolvedStudy,
    changed,
    is_depth,
    minimal_variant,
    training_of,
)
from thaw.config.sizes import weights_between
from thaw.config.values import MOST_ROWS
from thaw.data import COMMON, IMAGES, fills, shape_of
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.metrics import METRICS, metric_of
from thaw.learning.settings import BUDGETS, Training
from thaw.learning.tasks import TASKS
from thaw.output.tiles import tiles_of_models, tiles_of_repeats

# Stands for the whole ladder in a study's list of variants.
LADDER = "ladder"

# Names that are taken, whatever their case. A study's name is its folder in `results/`,
# beside those that studies share, and its target, beside the workflow's rules.
RESERVED = {
    "problems": {CHECKPOINTS},
    "variants": {LADDER},
    "studies": {
        *("problems", "networks", "source-models", "repeats", "settings", "maps"),
        *("all", "default", "source_models", "scores", "tables", "figures"),
        *("make_problem", "check_overlap", "check_network", "check_trainer"),
        *("pretrain", "read_checkpoints", "train", "train_and_save"),
        "transferability",
        *("leftovers", "delete_leftovers"),
    },
    "maps": (),
}

# Sizes that are each possible and together are not. The limits are what a large machine
# might just hold. They are there for slips of a few zeros, which would end hours later,
# or with a machine that no longer answers.

# Numbers that one process holds at once: 40 GB with four bytes each.
MOST_NUMBERS = 10_000_000_000

# Jobs of a study that train. Snakemake takes minutes to plan a tenth of that.
MOST_JOBS = 100_000

# Variants times target sizes: their keys are an argument of the job that gathers.
MOST_ARMS = 500

# The same times files with source models, for each of which they have a key.
MOST_KEYS = 5_000


def contradictions(config: Config) -> Iterator[str]:
    """Yield each mistake in a line of its own."""
    for group, reserved in RESERVED.items():
        names = getattr(config, group)
        if group == "studies":
            names = [*names, *config.rankings]
        yield from _of_names(group, names, reserved)
    for name in config.problems:
        yield from contradictions_of(name, config.problems)
    for name, variant in config.variants.items():
        if variant["fresh"] and not variant["pretrained"]:
            yield (
                f"variants.{name}.fresh: {shown(variant['fresh'])} has no effect when "
                "pretrained is false (all layers are drawn anyway); remove it"
            )
    for name, study in config.studies.items():
        yield from _of_study(f"studies.{name}", study, config)
    for name, studies in config.rankings.items():
        own = [config.studies[study] for study in studies]
        yield from _of_ranking(f"studies.{name}", own, config)
    for name, studies in config.maps.items():
        for number, shown_study in enumerate(studies):
            yield from _of_map(f"maps.{name}[{number}]", shown_study, config)
        shown_by = [config.studies[s].metric[0] for s in studies if s in config.studies]
        if any(metric != shown_by[0] for metric in shown_by):
            told = {f"{m['name']} {m.get('unit', '')}".strip(): 0 for m in shown_by}
            yield (
                f"maps.{name}: its studies have different metrics "
                f"({', '.join(sorted(told))}). Allowed: studies of one metric and unit"
            )


def _of_names(
    group: str, names: Iterable[str], reserved: Collection[str]
) -> Iterator[str]:
    """Yield names that are reserved, or that macOS would give one folder."""
    seen: dict[str, str] = {}
    for name in names:
        if name.casefold() in reserved:
            yield f"{group}.{name}: {name!r} is reserved; choose another name"
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            yield (
                f"{group}.{name}: it differs from {first!r} only in case, and names "
                "become folders; choose another name"
            )


def _of_study(path: str, study: ResolvedStudy, config: Config) -> Iterator[str]:
    yield from _of_its_problems(path, study, config)
    yield from _of_checkpoints(path, study)
    kind = kind_of(study.network)
    yield from kind.mistakes(f"{path}.network")
    source, target = (
        config.problems.get(problem, {}) for problem in (study.source, study.target)
    )
    yield from _of_training(f"{path}.training", study.training, kind, target)
    yield from _of_training(f"{path}.pretraining", study.pretraining, kind, source)
    yield from _of_its_sizes(path, study, config)
    yield from _of_its_comparisons(path, study, config)
    yield from _of_its_metrics(path, study, config)
    for number, variant in enumerate(study.variants):
        place = f"{path}.variants[{number}]"
        yield from _unknown(place, variant, "variant", config.variants)
        if settings := config.variants.get(variant):
            unknown = [*kind.mistakes_of_variant(path, variant, settings)]
            known = {study.source, study.target} <= {*config.problems, CHECKPOINTS}
            yield from unknown
            if known and not unknown:
                yield from recipes.mistakes(
                    path, study, kind, variant, settings, config.problems
                )
            if settings["training"]:
                training = changed(study.training, settings["training"])
                place = f"variants.{variant}.training"
                yield from _of_training(place, training, kind, target)


def _of_its_problems(path: str, study: ResolvedStudy, config: Config) -> Iterator[str]:
    for role in ("source", "target"):
        problem = getattr(study, role)
        if problem is None:
            yield f"{path}.source: this key is missing"
        elif role == "target" or not study.checkpoints:
            yield from _unknown(f"{path}.{role}", problem, "problem", config.problems)
    known = {
        role: config.problems.get(getattr(study, role) or "", {})
        for role in ("source", "target")
    }
    for role, problem in known.items():
        if is_split(problem) and kind_of(study.network).trained_by:
            yield (
                f"{path}.{role}: {getattr(study, role)!r} has shuffle: each, and a "
                "trainer reads one split. Allowed: a problem with another shuffle"
            )
        if problem.get("tokens") and not kind_of(study.network).takes_tokens:
            yield (
                f"{path}.{role}: features of {getattr(study, role)!r} are tokens, and "
                "network.hidden would take them for amounts. Allowed: network.module "
                "with an nn.Embedding, or network.trainer"
            )
        if fills(problem) and kind_of(study.network).trained_by:
            yield (
                f"{path}.{role}: {getattr(study, role)!r} has missing: {{fill: "
                "median}, and a trainer reads rows as they are. Allowed: a problem "
                "with missing: {drop: rows}"
            )
    source, target = known.values()
    if source and target and source.get("tokens") != target.get("tokens"):
        yield (
            f"{path}.target: tokens are features of one of {study.source!r} and "
            f"{study.target!r} only. Allowed: of both, or of neither"
        )
    if (
        study.target_sizes != ["all"]
        and is_split(source)
        and not is_split(target)
        and target.get("scale") == "standard"
    ):
        yield (
            f"{path}.target: with target sizes {study.target!r} is scaled like "
            f"{study.source!r}, which has other train rows for each source model "
            "(shuffle: each). Allowed: a target with shuffle: each, or a scale like "
            "another problem's"
        )
    if IMAGES in source and IMAGES in target and shape_of(source) != shape_of(target):
        yield (
            f"{path}.target: images of {study.target!r} are {shape_of(target)}, those "
            f"of the source {study.source!r} {shape_of(source)}. Allowed: the same "
            "size and color"
        )
    # For other problems, the job that makes the target compares the columns.
    features = [
        config.problems[problem]["make_blobs"]["n_features"]
        for problem in (study.source, study.target)
        if "make_blobs" in config.problems.get(problem, {})
    ]
    if len(set(features)) > 1:
        yield (
            f"{path}.target: {study.target!r} has {features[1]} features, the source "
            f"{study.source!r} has {features[0]}. Allowed: a problem with as many"
        )


def _of_checkpoints(path: str, study: ResolvedStudy) -> Iterator[str]:
    if study.checkpoints and not kind_of(study.network).reads_weights:
        yield (
            f"{path}.source_models: a trainer reads no files with weights for Thaw; "
            "name them in network.arguments. Allowed: a number"
        )
    if study.checkpoints and study.source != CHECKPOINTS:
        yield (
            f"{path}.source: {study.source!r} has no effect when source_models names "
            "files; remove it"
        )
    for number, file in enumerate(study.checkpoints):
        place = f"{path}.source_models.files[{number}]"
        yield from mistakes_of_checkpoint(place, file)


def _of_map(path: str, name: str, config: Config) -> Iterator[str]:
    if name in config.rankings:
        yield f"{path}: {_is_ranking(name, config)}"
        return
    yield from _unknown(path, name, "study", config.studies)
    study = config.studies.get(name)
    if study and not _has_depths(study, config):
        yield (
            f"{path}: {name!r} has no variant that only freezes layers. Allowed: a "
            "study with one, such as with a ladder"
        )


def _is_ranking(name: str, config: Config) -> str:
    """Say which studies could be meant by the name of one with several sources."""
    allowed = choice(config.rankings[name])
    return f"{name!r} ranks several studies; name one of them. Allowed: {allowed}"


def _has_depths(study: ResolvedStudy, config: Config) -> bool:
    """Whether a variant other than the baseline only freezes layers."""
    others = [variant for variant in study.variants if variant != study.baseline]
    kind = kind_of(study.network)
    described = [config.variants[n] for n in others if n in config.variants]
    return any(
        variant["pretrained"] and is_depth(minimal_variant(kind.numbered(variant)))
        for variant in described
    )


def _of_ranking(
    path: str, studies: list[ResolvedStudy], config: Config
) -> Iterator[str]:
    """Yield what keeps the sources of these studies from being compared."""
    study = studies[0]
    if not _has_depths(study, config):
        yield (
            f"{path}.variants: none only freezes layers, and sources are compared by "
            "these. Allowed: some that do, such as a ladder"
        )
    if config.variants.get(study.baseline, {}).get("pretrained"):
        yield (
            f"{path}.baseline: {study.baseline!r} is pretrained, so that each source "
            "would have another. Allowed: a variant with pretrained: false"
        )
    yield from _of_common_target(path, studies, config)


def _of_common_target(
    path: str, studies: list[ResolvedStudy], config: Config
) -> Iterator[str]:
    """Yield what would make another target, and another baseline, for each source."""
    name, swept = studies[0].target, studies[0].target_sizes != ["all"]
    target = config.problems.get(name, {})
    sources = [config.problems.get(study.source, {}) for study in studies]
    for is_wrong, what, remedy in (
        (
            swept and target.get("scale") == "standard",
            "with target sizes it is scaled like the source (scale: standard)",
            "scale: {like: PROBLEM}",
        ),
        (
            any(problem.get("categorical") for problem in (target, *sources)),
            "its categories are joined with those of the source (categorical)",
            "columns that hold numbers",
        ),
        (
            target.get("columns") == COMMON,
            "its columns are those of the source (columns: common)",
            "the same columns in all, such as by drop",
        ),
        (
            is_split(target) and any(map(is_split, sources)),
            "it may be split like the source (shuffle: each)",
            "a target with another shuffle",
        ),
    ):
        if is_wrong:
            yield (
                f"{path}.target: {name!r} would differ from source to source, and so "
                f"would the baseline: {what}. Allowed: {remedy}"
            )


def _of_training(path: str, training: dict, kind: Kind, problem: dict) -> Iterator[str]:
    """Yield what such networks cannot follow or, if they can, what is wrong in itself.

    To mend the one is not to write what the other asks for.
    """
    unknown = [*kind.mistakes_of_training(path, training, problem)]
    yield from unknown or _of_training_itself(path, training)
    # Source models from files have no known problem.
    if (
        training["class_weight"]
        and not TASKS[problem.get("task", "classification")].has_classes
    ):
        yield (
            f"{path}.class_weight: only applies to classes, and the labels are "
            "numbers; remove it, or write {} here"
        )


def _of_training_itself(path: str, training: dict) -> Iterator[str]:
    epochs, steps = (training[key] for key in BUDGETS)
    if epochs is None and steps is None:
        yield f"{path}: neither epochs nor steps is set. Allowed: one of them"
    if epochs is not None and steps is not None:
        yield f"{path}.steps: set together with epochs; remove one of them"
    validated = training["validation_size"] is not None
    several = isinstance(training["learning_rate"], list)
    chooses = several or training["keep"] == "best"
    if chooses and not validated:
        what = "learning_rate is a list" if several else "keep is best"
        yield (
            f"{path}.validation_size: this key is missing; {what}, which needs rows "
            "held out. Allowed: a share of the train rows, such as 0.2"
        )
    if validated and not chooses:
        yield (
            f"{path}.validation_size: nothing is chosen on these rows; remove it, or "
            "set several learning rates or keep: best"
        )
    if training["optimizer"] != "sgd" and training["momentum"]:
        yield f"{path}.momentum: {training['optimizer']} has none; remove it"
    by_step = training["schedule"] == "step"
    if by_step and not training["step_size"]:
        yield (
            f"{path}.step_size: this key is missing; schedule is step. Allowed: a "
            "number of steps, 1 or more"
        )
    for key in ("step_size", "gamma"):
        default = Training._field_defaults[key]
        if not by_step and training[key] != default:
            yield (
                f"{path}.{key}: only applies to schedule: step; remove it, or write "
                f"{default} here"
            )
    if steps is not None and training["warmup"] >= steps:
        yield f"{path}.warmup: as long as all {steps} steps. Allowed: less than that"
    if not training["decay_bias_and_norm"] and not training["weight_decay"]:
        yield (
            f"{path}.decay_bias_and_norm: false needs a weight_decay. Allowed: true, "
            "or a weight_decay"
        )
    if training["nesterov"] and not training["momentum"]:
        yield f"{path}.nesterov: needs a momentum. Allowed: false, or a momentum"


def _of_its_sizes(path: str, study: ResolvedStudy, config: Config) -> Iterator[str]:
    rows = config.problems.get(study.target, {}).get("train_size")
    share = study.training["validation_size"]
    for number, size in enumerate(study.target_sizes):
        # As learning counts them; the share is at most a half.
        if share and size != "all" and round(size * share, 9) < 1:
            yield (
                f"{path}.target_sizes[{number}]: validation_size {share:g} of {size} "
                f"train row{'' if size == 1 else 's'} leaves no row to validate on. "
                f"Allowed: {math.ceil(round(1 / share, 9))} or more, all"
            )
        # A share of a file's rows is not known before the file is read.
        if isinstance(rows, int) and size != "all" and size > rows:
            yield (
                f"{path}.target_sizes[{number}]: {size} is more than the {rows} train "
                f"rows of {study.target!r}. Allowed: 1 to {rows}, all"
            )


def _of_its_comparisons(
    path: str, study: ResolvedStudy, config: Config
) -> Iterator[str]:
    known = [variant for variant in study.variants if variant in config.variants]
    networks = [name for name in known if not config.variants[name]["estimator"]]
    if study.baseline in known and study.baseline not in networks:
        yield (
            f"{path}.baseline: {study.baseline!r} is an estimator, and transfer is "
            f"compared with a network{among(study.baseline, networks)}"
        )
    named = [("baseline", study.baseline)]
    for number, pair in enumerate(study.pairs):
        named += [(f"pairs[{number}]", variant) for variant in pair]
    for key, variant in named:
        other, slash, foreign = variant.partition("/")
        if slash and key != "baseline" and other in config.studies:
            place = f"{path}.{key}"
            yield from _of_foreign(place, study, foreign, other, config.studies[other])
        elif slash and key != "baseline" and other in config.rankings:
            yield f"{path}.{key}: {_is_ranking(other, config)}"
        elif variant not in study.variants:
            yield from _unknown(f"{path}.{key}", variant, "variant", known, "study")


def _of_its_metrics(path: str, study: ResolvedStudy, config: Config) -> Iterator[str]:
    target = config.problems.get(study.target, {"classes": []})
    counted = function_of(target) or target["classes"] or "bins" in target
    classes = extent(target).outputs if counted else 2
    for number, told in enumerate(study.metric):
        place, known = f"{path}.metric[{number}]", METRICS[told["task"]]
        if "function" in told:
            yield from mistakes_of_code(f"{place}.function", told["function"])
            # They would be one column of the scores.
            if told["name"] in (*known, "loss"):
                yield (
                    f"{place}.function: {told['name']} is the name of another score; "
                    "rename the function"
                )
        elif told["name"] not in known:
            yield (
                f"{place}: {shown(told['name'])} is not a metric of {told['task']}"
                f"{among(told['name'], known)}"
            )
            continue
        metric = metric_of(told)
        if metric.two_classes and classes > 2:
            allowed = [name for name, one in known.items() if not one.two_classes]
            yield (
                f"{place}: {metric.name} takes two classes, and {study.target!r} has "
                f"{classes}. Allowed: {', '.join(allowed)}"
            )
        if not metric.history and not config.predictions:
            yield (
                f"{place}: {metric.name} is computed from predictions, which are not "
                "kept; remove predictions: false"
            )
        if not number and metric.has_bounds and study.margin >= 1:
            yield (
                f"{path}.margin: {study.margin:g} is all that {metric.name} can differ "
                "by. Allowed: less than 1"
            )
    names = [told["name"] for told in study.metric]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"{path}.metric: {name!r} is there twice; remove one, or rename one"
    if study.positive is not None and not any(
        told["name"] in METRICS[told["task"]] and metric_of(told).two_classes
        for told in study.metric
    ):
        yield f"{path}.positive: no metric of this study has one; remove it"


def _of_foreign(
    path: str, study: ResolvedStudy, variant: str, name: str, other: ResolvedStudy
) -> Iterator[str]:
    """Yield what keeps a variant of another study from being compared."""
    if variant not in other.variants:
        allowed = among(variant, other.variants)
        yield f"{path}: {shown(variant)} is not a variant of {name}{allowed}"
    ours, theirs = ((s.metric[0], s.positive) for s in (study, other))
    if ours != theirs and other.target == study.target:
        yield (
            f"{path}: the metric of {name} is {theirs[0]['name']}, not "
            f"{ours[0]['name']}, or of another positive class. Allowed: a study of the "
            "same metric"
        )
    if other.target != study.target:
        yield (
            f"{path}: the target of {name} is {other.target!r}, not {study.target!r}. "
            "Allowed: a study of the same target"
        )
    lacking = [size for size in study.target_sizes if size not in other.target_sizes]
    if lacking:
        yield (
            f"{path}: {name} has no repeats from {', '.join(map(str, lacking))} rows. "
            "Allowed: a study with the same target_sizes"
        )


def _unknown(
    path: str, name: str, kind: str, known: Collection[str], whole: str = "config"
) -> Iterator[str]:
    if name not in known:
        allowed = among(name, known)
        yield f"{path}: {shown(name)} is not a {kind} of this {whole}{allowed}"


def excesses(config: Config) -> Iterator[str]:
    """Yield what is too large, a line each; for a config without contradictions."""
    for name, problem in config.problems.items():
        function, found = function_of(problem), extent(problem)
        most = min(MOST_ROWS, MOST_NUMBERS // found.features)
        if function and found.rows > most:
            yield (
                f"problems.{name}.{function}.n_samples: {found.rows} rows of "
                f"{found.features} features are more than memory holds. "
                f"Allowed: {most} or less"
            )
    for name, study in config.studies.items():
        yield from _of_its_excess(f"studies.{name}", study, config)


def _of_its_excess(path: str, study: ResolvedStudy, config: Config) -> Iterator[str]:
    cut = study.repeats_per_job
    models, arms = study.source_models, len(study.variants) * len(study.target_sizes)
    repeats, pretrained = (
        [tile.fits for tile in itertools.islice(tiles, MOST_JOBS + 1)]
        for tiles in (
            tiles_of_repeats(models, study.repeats, cut, bool(study.checkpoints)),
            tiles_of_models(models, cut, bool(study.checkpoints)),
        )
    )
    if arms > MOST_ARMS:
        yield (
            f"{path}.variants: {len(study.variants)} variants at "
            f"{len(study.target_sizes)} sizes are more than {MOST_ARMS} in one study. "
            "Allowed: several studies; what they share is trained once"
        )
    if arms * len(study.checkpoints) > MOST_KEYS:
        yield (
            f"{path}.source_models.files: {len(study.checkpoints)} files, each with "
            f"{arms} variants and sizes, are more than {MOST_KEYS} in one study. "
            "Allowed: several studies; what they share is trained once"
        )
    if len(repeats) * arms + len(pretrained) > MOST_JOBS:
        yield (
            f"{path}.repeats_per_job: {study.repeats_per_job} makes more than "
            f"{MOST_JOBS} jobs that train. Allowed: more repeats in a job, or fewer "
            "repeats or source models"
        )
    weights = _most_weights(study, config)
    if weights > MOST_NUMBERS:
        yield (
            f"{path}.network: {weights} weights are more than memory holds. "
            f"Allowed: {MOST_NUMBERS} or less"
        )
        return
    every = [training_of(study.training, config.variants[n]) for n in study.variants]
    epochs = max(some["epochs"] or some["steps"] for some in [study.training, *every])
    largest = max(*repeats, *pretrained)
    for what, numbers in (
        ("weights", weights),
        ("epochs", epochs),
    ):
        most = MOST_NUMBERS // numbers
        if largest > most:
            yield (
                f"{path}.repeats_per_job: {largest} networks at once, of {numbers} "
                f"{what} each, are more than memory holds. Allowed: {most} or less"
            )


def _most_weights(study: ResolvedStudy, config: Config) -> int:
    """Return how many weights the largest network of a study has."""
    target = extent(config.problems[study.target])
    source = target if study.checkpoints else extent(config.problems[study.source])
    added = [config.variants[name]["add"] for name in study.variants]
    kind = kind_of(study.network)
    widths = (
        kind.widths(source.features, problem.outputs, some)
        for some in ([], *added)
        for problem in (source, target)
    )
    # The weights of a network whose layers are unknown cannot be counted.
    return max(weights_between(some) if some else 1 for some in widths)
