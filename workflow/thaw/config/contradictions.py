"""What only several keys together show: names that do not exist, layers not there."""

from collections.abc import Collection, Iterator
from pathlib import Path

from thaw.config.contradictions_of_networks import (
    contradictions_of_layers,
    contradictions_of_network,
    of_its_form,
)
from thaw.config.contradictions_of_problems import contradictions_of, file_is_there
from thaw.config.layers import in_numbers, is_brought, is_trainer
from thaw.config.resolved import Config, Study
from thaw.config.training import BUDGETS, changed
from thaw.config.words import choice, did_you_mean, shown
from thaw.output.paths import CHECKPOINTS

# A study's name is its folder in `results/`, beside those that studies share, and its
# target, beside the two that the Snakefiles define last.
RESERVED_STUDIES = frozenset(
    {
        *("all", "default", "problems", "networks", "source-models", "repeats"),
        *("settings", "maps"),
    }
)


def contradictions(config: Config) -> Iterator[str]:
    """Yield each mistake in a line of its own."""
    for name in config.problems:
        yield from contradictions_of(name, config.problems)
        if name == CHECKPOINTS:
            yield f"problems.{name}: {name!r} stands for files; choose another name"
    for name, variant in config.variants.items():
        yield from _of_variant(f"variants.{name}", variant)
    for name, study in config.studies.items():
        yield from _of_study(name, study, config)
    for name, studies in config.maps.items():
        for number, shown_study in enumerate(studies):
            yield from _of_map(f"maps.{name}[{number}]", shown_study, config)
        metrics = {config.studies[s].metric for s in studies if s in config.studies}
        if len(metrics) > 1:
            yield (
                f"maps.{name}: its studies have different metrics "
                f"({', '.join(sorted(metrics))}). Allowed: studies of one metric"
            )


def _of_variant(path: str, variant: dict) -> Iterator[str]:
    fresh = variant["fresh"]
    if path == "variants.ladder":
        yield f"{path}: 'ladder' stands for several variants; choose another name"
    if not variant["pretrained"] and fresh:
        yield (
            f"{path}.fresh: {shown(fresh)} says nothing where pretrained is false and "
            "every layer is fresh; leave it out"
        )


def _of_study(name: str, study: Study, config: Config) -> Iterator[str]:
    path = f"studies.{name}"
    if name in RESERVED_STUDIES:
        yield f"{path}: {name!r} is taken for a folder or target; choose another name"
    yield from _of_its_problems(path, study, config)
    yield from _of_checkpoints(path, study)
    yield from contradictions_of_network(f"{path}.network", study.network)
    source, target = (
        config.problems.get(problem, {}) for problem in (study.source, study.target)
    )
    yield from _of_training(f"{path}.training", study.training)
    yield from of_its_form(f"{path}.training", study, study.training, target)
    yield from _of_training(f"{path}.pretraining", study.pretraining)
    yield from of_its_form(f"{path}.pretraining", study, study.pretraining, source)
    yield from _of_its_sizes(path, study, config)
    yield from _of_its_comparisons(path, study, config)
    for number, variant in enumerate(study.variants):
        place = f"{path}.variants[{number}]"
        yield from _unknown(place, variant, "variant", config.variants)
        if variant in config.variants:
            settings = config.variants[variant]
            yield from _of_its_layers(path, study, variant, settings)
            training = changed(study.training, settings["training"])
            own = f"variants.{variant}.training"
            yield from _of_training(own, training)
            if settings["training"]:
                yield from of_its_form(own, study, training, target)


def _of_its_problems(path: str, study: Study, config: Config) -> Iterator[str]:
    for role in ("source", "target"):
        problem = getattr(study, role)
        if role == "source" and problem is None:
            yield f"{path}.source: this key is missing"
        if role == "source" and (problem is None or study.checkpoints):
            continue
        yield from _unknown(f"{path}.{role}", problem, "problem", config.problems)
    # Of others the job that makes the target compares the columns.
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


def _of_checkpoints(path: str, study: Study) -> Iterator[str]:
    if study.checkpoints and is_trainer(study.network):
        yield (
            f"{path}.source_models: files are weights of a module or of hidden layers; "
            "a trainer may read its own, which arguments can name. Allowed: a number"
        )
    if study.checkpoints and study.source != CHECKPOINTS:
        yield (
            f"{path}.source: {study.source!r} says nothing where source_models names "
            "files; leave it out"
        )
    for number, file in enumerate(study.checkpoints):
        place = f"{path}.source_models.files[{number}]"
        if not file.endswith((".safetensors", ".pt", ".pth")):
            yield (
                f"{place}: {shown(file)} is of a kind that is not read, for that may "
                "run what others wrote. Allowed: .safetensors, which "
                "safetensors.torch.save_file makes of a state_dict; .pt or .pth of one"
            )
        elif file.startswith("-") or not file.isprintable() or {"{", "}"} & {*file}:
            yield (
                f"{place}: {shown(file)} would be taken for more than a path. Allowed: "
                "one without braces and line breaks, and with ./ before a - in front"
            )
        else:
            yield from file_is_there(place, Path(file))


def _of_map(path: str, name: str, config: Config) -> Iterator[str]:
    yield from _unknown(path, name, "study", config.studies)
    if name in config.studies:
        study = config.studies[name]
        described = [
            config.variants.get(variant, {})
            for variant in study.variants
            if variant != study.baseline
        ]
        if not any(
            variant.get("pretrained") and not variant["fresh"] and not variant["add"]
            for variant in described
        ):
            yield (
                f"{path}: {name!r} has no variant that only freezes layers. Allowed: a "
                "study with one, such as that of a ladder"
            )


def _of_training(path: str, training: dict) -> Iterator[str]:
    epochs, steps = (training[key] for key in BUDGETS)
    if epochs is None and steps is None:
        yield f"{path}: neither epochs nor steps is set. Allowed: one of them"
    if epochs is not None and steps is not None:
        yield (
            f"{path}.steps: {steps} says how long, and so does epochs ({epochs}); "
            "leave one of them out"
        )
    validated = training["validation_size"] is not None
    several = isinstance(training["learning_rate"], list)
    chooses = several or training["keep"] == "best"
    if chooses and not validated:
        what = "learning_rate is a list" if several else "keep is best"
        yield (
            f"{path}.validation_size: {what}, and it takes rows to choose on. Allowed: "
            "a share of the train rows, such as 0.2"
        )
    if validated and not chooses:
        yield (
            f"{path}.validation_size: nothing is chosen on these rows; leave it out, "
            "or give several learning rates or keep: best"
        )
    if training["optimizer"] != "sgd" and training["momentum"]:
        yield (
            f"{path}.momentum: {training['momentum']} says nothing where the optimizer "
            f"is {training['optimizer']}, which has its own; leave it out"
        )
    if training["nesterov"] and not training["momentum"]:
        yield f"{path}.nesterov: there is no momentum. Allowed: false, or a momentum"


def _of_its_sizes(path: str, study: Study, config: Config) -> Iterator[str]:
    rows = config.problems.get(study.target, {}).get("train_size")
    for number, size in enumerate(study.target_sizes):
        # A share of a file's rows is not known before the file is read.
        if isinstance(rows, int) and size != "all" and size > rows:
            yield (
                f"{path}.target_sizes[{number}]: {size} is more than the {rows} train "
                f"rows of {study.target!r}. Allowed: 1 to {rows}, all"
            )


def _of_its_comparisons(path: str, study: Study, config: Config) -> Iterator[str]:
    known = [variant for variant in study.variants if variant in config.variants]
    named = [("baseline", study.baseline)]
    for number, pair in enumerate(study.pairs):
        named += [(f"pairs[{number}]", variant) for variant in pair]
    for key, variant in named:
        other, slash, foreign = variant.partition("/")
        if slash and key != "baseline" and other in config.studies:
            place = f"{path}.{key}"
            yield from _of_foreign(place, study, foreign, other, config.studies[other])
        elif variant not in study.variants:
            yield (
                f"{path}.{key}: {shown(variant)} is not a variant of this study"
                f"{did_you_mean(variant, known)}. Allowed: {choice(known)}"
            )


def _of_foreign(
    path: str, study: Study, variant: str, name: str, other: Study
) -> Iterator[str]:
    """Yield what keeps a variant of another study from being compared."""
    if variant not in other.variants:
        yield (
            f"{path}: {shown(variant)} is not a variant of {name}"
            f"{did_you_mean(variant, other.variants)}. Allowed: "
            f"{choice(other.variants)}"
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


def _of_its_layers(
    path: str, study: Study, variant: str, settings: dict
) -> Iterator[str]:
    if is_brought(study.network):
        yield from contradictions_of_layers(path, study, variant, settings)
    else:
        yield from _of_hidden_layers(path, study, variant, settings)
    numbers = in_numbers(settings, study.network)
    freeze = numbers["freeze"]
    for layer, number in zip(settings["fresh"], numbers["fresh"], strict=True):
        if isinstance(number, int) and isinstance(freeze, int) and number <= freeze:
            yield (
                f"variants.{variant}.fresh: {layer!r} is among the first {freeze}, "
                f"which are frozen. Allowed: hidden layers from {freeze + 1}, output"
            )


def _of_hidden_layers(
    path: str, study: Study, variant: str, settings: dict
) -> Iterator[str]:
    hidden, freeze = len(study.network.get("hidden", [])), settings["freeze"]
    named = isinstance(freeze, str)
    if named or freeze > hidden:
        reason = "not a layer of" if named else "deeper than"
        yield (
            f"variants.{variant}.freeze: {freeze!r} is {reason} the network of {path}. "
            f"Allowed: 0 to {hidden}, its hidden layers"
        )
    for number, layer in enumerate(settings["fresh"]):
        place = f"variants.{variant}.fresh"
        if layer == "output" or (isinstance(layer, int) and layer <= hidden):
            continue
        if isinstance(layer, str):
            place += f"[{number}]"
        yield (
            f"{place}: {layer!r} is not a layer of the network of "
            f"{path}. Allowed: hidden layers 1 to {hidden}, output"
        )


def _unknown(path: str, name: str, kind: str, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield (
            f"{path}: {shown(name)} is not a {kind} of this config"
            f"{did_you_mean(name, known)}. Allowed: {choice(known)}"
        )
