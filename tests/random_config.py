"""Configs for the drill: a small one, and random changes of it.

Settings go back and forth among a few values, so that the past is shared.
"""

import copy
import random

from conftest import SMALL_CONFIG

# A `*` is any problem or study. The most epochs take a second or so.
VALUES = {
    "seed": (1, 2),
    "training.epochs": (2, 3, 2000),
    "training.learning_rate": (0.1, 0.05),
    "repeats_per_job": (1, 2, "auto"),
    "margin": (0.01, 0.5),
    "problems.*.make_blobs.cluster_std": (2, 3),
    "variants.fixed-1.freeze": (1, 2),
    "studies.*.repeats": (1, 2, 3, 4),
    "studies.*.repeats_per_job": (1, 3, "auto"),
    "studies.*.source_models": (1, 2),
}
STUDIES = ("ahead", "back", "third")
MOST_STUDIES = 2


def first_config() -> dict:
    """Return SMALL_CONFIG with one small study only."""
    config = copy.deepcopy(SMALL_CONFIG) | {"repeats_per_job": 2}
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"] = ["standalone", "fixed-0"]
    return config


def changed(config: dict, rng: random.Random) -> tuple[dict, str]:
    """Return another config, changed in one to three places, and these in words."""
    config, words = copy.deepcopy(config), []
    for _ in range(rng.randint(1, 3)):
        change = rng.choice([*VALUES, *CHANGES])
        if change in VALUES:
            words.append(set_value(config, change, rng))
        else:
            words.append(change(config, rng))
    return config, "; ".join(words)


def set_value(config: dict, path: str, rng: random.Random) -> str:
    group, words = config, []
    *groups, key = path.split(".")
    for name in groups:
        words.append(rng.choice(list(group)) if name == "*" else name)
        group = group[words[-1]]
    group[key] = rng.choice([v for v in VALUES[path] if v != group.get(key)])
    return f"{'.'.join([*words, key])} = {group[key]}"


def choose_variants(config: dict, rng: random.Random) -> str:
    name, study = rng.choice(list(config["studies"].items()))
    study["variants"] = rng.sample(list(config["variants"]), rng.randint(1, 3))
    study.pop("baseline", None)
    study.pop("pairs", None)
    return f"{name}: {', '.join(study['variants'])}"


def choose_comparisons(config: dict, rng: random.Random) -> str:
    name, study = rng.choice(list(config["studies"].items()))
    variants = study["variants"]
    study["baseline"] = rng.choice(variants)
    study["pairs"] = [rng.sample(variants, 2)] if len(variants) > 1 else []
    return f"{name}: baseline {study['baseline']}, pairs {study['pairs']}"


def add_or_remove_study(config: dict, rng: random.Random) -> str:
    studies = config["studies"]
    if len(studies) == MOST_STUDIES:
        name = rng.choice(list(studies))
        del studies[name]
        return f"{name} removed"
    name = rng.choice([name for name in STUDIES if name not in studies])
    studies[name] = {
        "source": rng.choice(list(config["problems"])),
        "target": rng.choice(list(config["problems"])),
        "variants": rng.sample(list(config["variants"]), 2),
        "repeats": 2,
    }
    return f"{name} added"


def rename_study(config: dict, rng: random.Random) -> str:
    studies = config["studies"]
    old = rng.choice(list(studies))
    new = rng.choice([name for name in STUDIES if name not in studies])
    studies[new] = studies.pop(old)
    return f"{old} renamed {new}"


def reorder(config: dict, rng: random.Random) -> str:
    for group in (config, config["variants"], config["problems"], config["studies"]):
        names = list(group)
        rng.shuffle(names)
        for name in names:
            group[name] = group.pop(name)
    return "order"


CHANGES = (
    choose_variants,
    choose_comparisons,
    add_or_remove_study,
    rename_study,
    reorder,
)
