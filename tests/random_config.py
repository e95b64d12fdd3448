"""Random configs: a small one, and random changes of it, right and wrong ones.

The drill and the failures run them, so their settings go back and forth among a few
values and share their past. Property tests only plan them, and use all of `ANY`.
"""

import copy
import datetime
import math
import random

from conftest import SMALL_CONFIG

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
ANY = {path: v for path, v in VALUES.items() if not path.startswith("training.")} | {
    "seed": (0, 2**64 - 1),
    "network.hidden": ([2, 3], [4, 3], [3] * 4),
    "network.activation": ("relu", "elu", "tanh"),
    "network.dropout": (0.0, 0.5),
    "training": (
        {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
        {"steps": 9, "batch_size": 50, "learning_rate": 1e-4, "optimizer": "adamw"},
        {
            **{"epochs": 1, "batch_size": 1, "learning_rate": 1},
            **{"momentum": 0.9, "nesterov": True},
        },
        {
            **{"epochs": 2, "batch_size": 7, "learning_rate": [0.1, 0.2]},
            **{"validation_size": 0.2, "keep": "best", "weight_decay": 0.1},
        },
    ),
    "pretraining": ({}, {"learning_rate": 0.2, "batch_size": 3}, {"steps": 99}),
    "problems.*.train_size": (20, 25, 30),
    "problems.moons": (
        {"make_moons": {"random_state": 1}, "train_size": 20},
        {
            **{"make_moons": {"random_state": 2, "noise": 0.5}, "train_size": 0.5},
            **{"shuffle": 3, "scale": "standard"},
            "transforms": [{"noise": 0.5}, {"permute": 1}, {"label_noise": 0.2}],
        },
        {
            **{"make_moons": {"random_state": 1}, "train_size": 0.5},
            **{"shuffle": "each", "scale": "standard"},
        },
    ),
    "variants.fixed-0": (
        *({}, {"fresh": [2, "output"]}, {"add": [5, 1]}, {"save": "weights"}),
        {"freeze": 1, "training": {"steps": 3, "learning_rate": 0.5}},
        {"freeze": [2], "rate_factors": {"hidden-1": 0.5, "output": 2}, "towards": 0.1},
    ),
    "studies.*.target_sizes": ([8, "all"], ["all"], [12, 8]),
    "studies.*.training": ({}, {"epochs": 5}, {"steps": 5}),
    "studies.*.metric": ("accuracy", "balanced_accuracy"),
    "studies.*.margin": (0.001, 0.5),
}
STUDIES = ("ahead", "back", "third")
MOST_STUDIES = 2


def first_config() -> dict:
    """Return SMALL_CONFIG with one small study only."""
    config = copy.deepcopy(SMALL_CONFIG) | {"repeats_per_job": 2}
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"] = ["standalone", "fixed-0"]
    return config


def changed(
    config: dict, rng: random.Random, values: dict = VALUES
) -> tuple[dict, str]:
    """Return another config, changed in one to three places, and these in words."""
    config, words = copy.deepcopy(config), []
    for _ in range(rng.randint(1, 3)):
        change = rng.choice([*values, *CHANGES])
        if change in values:
            words.append(set_value(config, change, values[change], rng))
        else:
            words.append(change(config, rng))
    return config, "; ".join(words)


def any_config(rng: random.Random, changes: int) -> dict:
    """Return a right config, so many changes away from the first one."""
    config = first_config()
    for _ in range(changes):
        config, _ = changed(config, rng, ANY)
    return config


def set_value(config: dict, path: str, values: tuple, rng: random.Random) -> str:
    group, words = config, []
    *groups, key = path.split(".")
    for place, name in enumerate(groups):
        if name == "*":
            # Not all problems are blobs.
            below = "".join(groups[place + 1 : place + 2])
            name = rng.choice([n for n in group if not below or below in group[n]])
        words.append(name)
        group = group[name]
    group[key] = copy.deepcopy(rng.choice([v for v in values if v != group.get(key)]))
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


def grow_or_shrink(config: dict, rng: random.Random) -> str:
    """Change both numbers of a study, each up or down."""
    name, study = rng.choice(list(config["studies"].items()))
    study |= {"source_models": rng.randint(1, 4), "repeats": rng.randint(1, 3)}
    return f"{name}: {study['source_models']} × {study['repeats']}"


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
    grow_or_shrink,
    add_or_remove_study,
    rename_study,
    reorder,
)

# Values that no place of a config, or only a few, can hold.
IN_ITSELF: list = []
IN_ITSELF.append(IN_ITSELF)
STRANGE = [
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 30.0, 1e16, 1e308, math.nan, math.inf),
    *(10**9, 10**400, 10**5000, -(10**5000), 1 + 2j),
    *("", "x", "auto", "output", "1e-3", "1e999", "nan", "9" * 5000, "x" * 300),
    *("a\nb", "\0", "é", "\ud800", b"x", datetime.date(2026, 1, 1)),
    *([], [[]], [None], [1, 1], ["x", "x"], ["\ud800"] * 2, [3] * 2000, (1, 2), {1, 2}),
    *({}, {"x": 1}, {1: 2}, {None: None}, {("a",): 1}, {"\ud800": 1}, {"x" * 300: {}}),
    *(IN_ITSELF, {"x": IN_ITSELF}, object()),
]


def places(value, above=()):
    """Yield each group or list in a value, and each of its keys or positions."""
    if any(value is outer for outer in above):
        return
    pairs = ()
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        yield from places(inner, (*above, value))


def spoil(config: dict, rng: random.Random) -> None:
    """Change a place: another value, none, a misspelt or strange key, a move."""
    group, key = rng.choice(list(places(config)))
    other, other_key = rng.choice(list(places(config)))
    strange = rng.choice(STRANGE)
    changes = [
        lambda: group.__setitem__(key, strange),
        lambda: group.__delitem__(key),
        lambda: group.__setitem__(key, other[other_key]),
    ]
    if isinstance(group, dict) and strange.__hash__:
        changes.append(lambda: group.__setitem__(strange, group[key]))
        changes.append(lambda: group.__setitem__(f"{key}x", group.pop(key)))
    rng.choice(changes)()
