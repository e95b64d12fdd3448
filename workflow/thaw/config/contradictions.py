"""What only several keys together show: names that do not exist, layers not there."""

from collections.abc import Collection, Iterator

from thaw.config.contradictions_of_problems import contradictions_of
from thaw.config.resolved import Config, Study
from thaw.config.words import choice, did_you_mean, shown

# A study's name is its folder in `results/`, beside those that studies share, and its
# target, beside the two that the Snakefiles define last.
RESERVED_STUDIES = frozenset(
    {"all", "default", "problems", "source-models", "repeats", "settings"}
)


def contradictions(config: Config) -> Iterator[str]:
    """Yield each mistake in a line of its own."""
    for name in config.problems:
        yield from contradictions_of(name, config.problems)
    for name, variant in config.variants.items():
        yield from _of_variant(f"variants.{name}", variant)
    for name, study in config.studies.items():
        yield from _of_study(name, study, config)


def _of_variant(path: str, variant: dict) -> Iterator[str]:
    fresh, freeze = variant["fresh"], variant["freeze"]
    if not variant["pretrained"] and fresh:
        yield (
            f"{path}.fresh: {shown(fresh)} says nothing where pretrained is false and "
            "every layer is fresh; leave it out"
        )
    for layer in fresh:
        if layer != "output" and layer <= freeze:
            yield (
                f"{path}.fresh: {layer!r} is among the first {freeze}, which are "
                f"frozen. Allowed: hidden layers from {freeze + 1}, output"
            )


def _of_study(name: str, study: Study, config: Config) -> Iterator[str]:
    path = f"studies.{name}"
    if name in RESERVED_STUDIES:
        yield f"{path}: {name!r} is taken for a folder or target; choose another name"
    yield from _of_its_problems(path, study, config)
    yield from _of_its_comparisons(path, study, config)
    for number, variant in enumerate(study.variants):
        place = f"{path}.variants[{number}]"
        yield from _unknown(place, variant, "variant", config.variants)
        if variant in config.variants:
            yield from _of_its_layers(path, study, variant, config.variants[variant])


def _of_its_problems(path: str, study: Study, config: Config) -> Iterator[str]:
    for role in ("source", "target"):
        problem = getattr(study, role)
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


def _of_its_comparisons(path: str, study: Study, config: Config) -> Iterator[str]:
    known = [variant for variant in study.variants if variant in config.variants]
    named = [("baseline", study.baseline)]
    for number, pair in enumerate(study.pairs):
        named += [(f"pairs[{number}]", variant) for variant in pair]
    for key, variant in named:
        if variant not in study.variants:
            yield (
                f"{path}.{key}: {shown(variant)} is not a variant of this study"
                f"{did_you_mean(variant, known)}. Allowed: {choice(known)}"
            )


def _of_its_layers(
    path: str, study: Study, variant: str, settings: dict
) -> Iterator[str]:
    hidden = len(study.network["hidden"])
    if settings["freeze"] > hidden:
        yield (
            f"variants.{variant}.freeze: {settings['freeze']} is deeper than the "
            f"network of {path}. Allowed: 0 to {hidden}, its hidden layers"
        )
    for layer in settings["fresh"]:
        if layer != "output" and layer > hidden:
            yield (
                f"variants.{variant}.fresh: {layer!r} is not a layer of the network of "
                f"{path}. Allowed: hidden layers 1 to {hidden}, output"
            )


def _unknown(path: str, name: str, kind: str, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield (
            f"{path}: {shown(name)} is not a {kind} of this config"
            f"{did_you_mean(name, known)}. Allowed: {choice(known)}"
        )
