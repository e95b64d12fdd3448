"""Random configs: a small one, and random changes of it.

The drill and the failures run them, so their settings share their past.
"""

import copy
import random

from projects import SMALL_CONFIG

# A `*` is any name there. The most epochs take a second or so.
VALUES = {
    "seed": (1, 2),
    "training.epochs": (2, 3, 2000),
    "training.learning_rate": (0.1, 0.05),
    "repeats_per_job": (1, 2, "auto"),
    "margin": (0.01, 0.5),
    "problems.*.make_blobs.cluster_std": (2, 3),
    "variants.fixed-1.freeze": (1, 2),
    "studies.*.repeats": (1, 2, 3),
    "studies.*.repeats_per_job": (1, 3, "auto"),
    "studies.*.source_models": (1, 2, 3),
}
# Settings of configs that are only planned may change more.
ANY = VALUES | {
    "seed": (0, 2**64 - 1),
    "network.hidden": ([2, 3], [4, 3], [3] * 4),
    "pretraining": ({}, {"learning_rate": 0.2, "batch_size": 3}, {"steps": 99}),
    "variants.fixed-0": ({}, {"fresh": [2, "output"]}, {"freeze": [2], "towards": 1}),
    "studies.*.target_sizes": ([8, "all"], ["all"], [12, 8]),
    "studies.*.training": ({}, {"epochs": 5}, {"steps": 5}),
}
STUDIES = ("ahead", "back", "third")


def first_config() -> dict:
    """Return SMALL_CONFIG with one small study only."""
    config = copy.deepcopy(SMALL_CONFIG) | {"repeats_per_job": 2}
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"] = ["standalone", "fixed-0"]
    return config


def changed(config: dict, rng: random.Random, values=VALUES) -> tuple[dict, str]:
    """Return another config, changed in one to three places, and these in words."""
    config, words = copy.deepcopy(config), []
    for _ in range(rng.randint(1, 3)):
        change = rng.choice([*values, *CHANGES])
        if change in values:
            words.append(set_value(config, change, values[change], rng))
        else:
            change(config, rng)
            words.append(change.__name__)
    return config, "; ".join(words)


def set_value(config: dict, path: str, values: tuple, rng: random.Random) -> str:
    *groups, key = path.split(".")
    for name in groups:
        config = config[rng.choice([*config]) if name == "*" else name]
    config[key] = copy.deepcopy(rng.choice([v for v in values if v != config.get(key)]))
    return f"{path} = {config[key]}"


def choose_variants(config: dict, rng: random.Random) -> None:
    study = rng.choice([*config["studies"].values()])
    names = study["variants"] = rng.sample([*config["variants"]], rng.randint(1, 3))
    study["baseline"] = rng.choice(names)
    study["pairs"] = [rng.sample(names, 2)] if len(names) > 1 else []


def add_or_remove_study(config: dict, rng: random.Random) -> None:
    studies, problems = config["studies"], [*config["problems"]]
    if len(studies) == 2:
        del studies[rng.choice([*studies])]
        return
    study = {"source": rng.choice(problems), "target": rng.choice(problems)}
    study |= {"variants": rng.sample([*config["variants"]], 2), "repeats": 2}
    studies[rng.choice([name for name in STUDIES if name not in studies])] = study


def grow_or_shrink(config: dict, rng: random.Random) -> None:
    study = rng.choice([*config["studies"].values()])
    study |= {"source_models": rng.randint(1, 4), "repeats": rng.randint(1, 3)}


def rename_study(config: dict, rng: random.Random) -> None:
    studies = config["studies"]
    study = studies.pop(rng.choice([*studies]))
    studies[rng.choice([name for name in STUDIES if name not in studies])] = study


CHANGES = (choose_variants, add_or_remove_study, grow_or_shrink, rename_study)
