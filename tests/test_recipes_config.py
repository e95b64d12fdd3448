"""Keys hold every setting that changes a result's numbers, and no other."""

import inspect
import json
import re

import pytest

from configs import MODULE, NETWORKS, change, recipes, small_config, study_of
from projects import ROOT
from thaw import keys
from thaw.errors import ThawError
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.settings import Training, Variant

# Changes of a config, several in a line, and whose keys they change: those of the
# variants standalone, fixed-0 and fixed-1, and of the source models. Each change has
# its own keys, so what only goes with another setting stands beside that one alone.
CHANGES = {
    "standalone, fixed-0, fixed-1, source models": """
        seed: 2 | ~/seed: 3 | network/hidden: [4, 4] | network/activation: tanh
        network/initial: keras
        network/dropout: 0.5 | ~/network: {hidden: [5, 4]} | training/epochs: 4
        {training/epochs: LOST, training/steps: 9} | ~/training: {epochs: 5}
        {training/epochs: LOST, training/steps: 8} | training/batch_size: 9
        training/learning_rate: 0.2 | training/optimizer: adam | training/warmup: 2
        {training/keep: best, training/validation_size: 0.2} | training/momentum: 0.9
        {training/keep: best, training/validation_size: 0.3} | training/schedule: cosine
        ~/training: {learning_rate: [1, 2], validation_size: 0.2}
        ~/training: {learning_rate: [1, 2], validation_size: 0.2, keep: best}
        {training/momentum: 0.9, training/nesterov: true} | training/weight_decay: 0.1
        training/class_weight: balanced
    """,
    "fixed-0, fixed-1, source models": """
        pretraining: {epochs: 4} | ~/pretraining: {momentum: 0.5} | ~/source: two
        problems/one/train_size: 21 | problems/one/make_blobs/random_state: 9
    """,
    "standalone, fixed-0, fixed-1": """
        problems/two/train_size: 21 | problems/two/make_blobs/cluster_std: 3
        problems/two: {make_moons: {random_state: 1}, train_size: 20}
        problems/two: {make_moons: {random_state: 2}, train_size: 20}
    """,
    "fixed-0": """
        @0/pretrained: false | @0/freeze: 2 | @0/freeze: [2] | @0/fresh: [2]
        @0/add: [3] | @0/rate_factors: {1: 0.5} | @0/phases: [{epochs: 3}]
        @0/towards: 0.1 | @0/training: {epochs: 4} | @0/inherit: output
        @0: {estimator: sklearn.dummy.DummyClassifier}
    """,
    "": """
        {title: Another one, question: Which one, variants/further: {freeze: 2}}
        {margin: 0.1, predictions: false, maps: {both: [ahead]}, repeats_per_job: 7}
        {problems/third: {load_iris: {}, train_size: 9}, problems/two/overlap: error}
        {~/variants: [fixed-1, fixed-0, standalone]}
        @0/save: weights
        {~/repeats: 9, ~/source_models: 3, ~/repeats_per_job: 2, ~/margin: 0.1}
        {~/metric: roc_auc_ovr, ~/margin: 0.5, ~/baseline: fixed-1, ~/pairs: []}
    """,
}
CHANGES_OF_MODULES = """
    network/arguments/width: 5 | network/groups: [stem, layer1, layer2, head]
    network/module: torch.nn:Linear | training/device: auto
"""
# Of a target that is a file: no two of them have the same key.
CHANGES_OF_FILES = """
    label: x | task: regression | bins: 3 | drop: [a] | missing: {drop: rows} | group: g
    missing: {fill: median} | columns: common | categorical: [x] | rows: {a: 1} | {}
    train_size: 0.4 | test_size: 0.3 | shuffle: 2 | shuffle: each | scale: standard
    scale: {like: one} | separator: ; | decimal: "," | classes: [a, b] | shape: [1]
    transforms: [{noise: 0.1}] | file: other.csv | {file: here.npz, label: LOST}
    {test_file: other.csv, shuffle: LOST, train_size: LOST}
"""


def split(text):
    return [part.strip() for part in re.split(r"[|\n]", text.strip())]


def keys_of(config):
    return {name: result.key for name, result in recipes(config).items()}


@pytest.mark.parametrize("names", CHANGES)
def test_a_setting_is_in_the_keys_of_what_it_changes(folder, names):
    cases = [(None, text) for text in split(CHANGES[names])]
    if "standalone" in names and "source models" in names:
        cases += [(MODULE, text) for text in split(CHANGES_OF_MODULES)]
    seen = []
    for network, text in cases:
        config = small_config(network)
        before = keys_of(config)
        change(config, text)
        after = keys_of(config)
        changed = [name for name in before if before[name] != after[name]]
        assert ", ".join(changed) == names, text
        assert after not in seen or not names, text
        seen.append(after)


def test_a_setting_of_a_file_is_in_its_key(folder):
    (folder / "other.csv").write_text("x,class\n3,a\n2,b\n")
    seen = {}
    for text in split(CHANGES_OF_FILES):
        config = small_config()
        table = {"file": "here.csv", "label": "class", "train_size": 0.5, "shuffle": 1}
        config["problems"] = {"one": table, "two": dict(table)}
        change(config, "{studies/back: LOST, ~/margin: 0.1}")
        change(config["problems"]["two"], text)
        key = study_of(config)["keys"]["problems"]["two"]
        assert seen.setdefault(key, text) == text
        # A default that is written out is no difference.
        change(config["problems"]["two"], "{decimal: ., tokens: false}")
        if "npz" not in text and text[0] != "s" and "decimal" not in text:
            assert study_of(config)["keys"]["problems"]["two"] == key, text


SCHEMA = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
# The keys of each group of settings, with their schemas.
MODELS = {
    "network": ("HiddenLayers", "Module", "Trainer"),
    "training": ("Training",),
    "problems": ("OfFile", "OfImages", "OfFunction"),
    "variants": ("Variant", "Estimator"),
}
KEYS = {
    group: {
        key: value
        for model in models
        for key, value in SCHEMA["$defs"][model]["properties"].items()
    }
    for group, models in MODELS.items()
}
# Those that other files of tests are about.
ELSEWHERE = {
    *("trainer", "files", "packages", "arguments", "unit"),
    *("images", "size", "color", "tokens", "made_by_rule"),
}


def test_every_setting_is_among_those_changes():
    names = {name for group in KEYS.values() for name in group}
    generators = {name for name in names if name.startswith(("make_", "load_"))}
    written = f"{CHANGES}{CHANGES_OF_MODULES}{CHANGES_OF_FILES}"
    assert names - generators - ELSEWHERE <= {*re.findall(r"\w+", written)}


PLACES = {"network": "network", "training": "training", "variants": "@0"}
# The place, the name and the default of each setting of networks.
DEFAULTS = [
    (place, name, setting["default"])
    for group, place in PLACES.items()
    for name, setting in KEYS[group].items()
    if "default" in setting and name not in ELSEWHERE
]


def test_what_equals_a_default_is_in_no_recipe():
    before = recipes(small_config())
    for place, name, default in DEFAULTS:
        config = small_config()
        change(config, f"{place}/{name}: {json.dumps(default)}")
        assert recipes(config) == before, name
    assert before["fixed-0"].recipe["settings"] == {
        **{"seed": 1, "network": {"hidden": [4, 3]}, "variant": {}},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
    }


def test_each_size_has_its_own_keys():
    config = small_config()
    change(config, "{~/target_sizes: [8, 12, all]}")
    keys_of_sizes = keys_of(config)
    assert len({*keys_of_sizes.values()}) == len(keys_of_sizes) == 10
    assert keys_of_sizes["fixed-1"] == keys_of(small_config())["fixed-1"]


def test_a_default_is_that_of_the_code_which_is_in_the_keys():
    """So a changed default is another key."""
    receivers = {"network": FullyConnected, "training": Training, "@0": Variant}
    for place, name, default in DEFAULTS:
        if parameter := inspect.signature(receivers[place]).parameters.get(name):
            assert json.dumps(default) == json.dumps(parameter.default), name
    packages = {receiver.__module__.split(".")[1] for receiver in receivers.values()}
    assert packages <= {*keys.COMPUTING}


def test_the_versions_of_libraries_are_in_the_keys(folder, monkeypatch):
    (folder / "networks.py").write_text("import yaml, scipy\n" + NETWORKS)
    configs = (small_config(), small_config(MODULE))
    before = [recipes(config) for config in configs]
    assert {"numpy", "torch"} <= before[0]["fixed-0"].recipe["versions"].keys()
    # One is named unlike its distribution.
    versions = before[1]["fixed-0"].recipe["versions"]
    assert {"yaml", "scipy", "torch", "numpy"} <= versions.keys()
    assert "missing" not in versions.values()
    monkeypatch.setattr(keys, "version", lambda library: "9.9")
    for config, results in zip(configs, before, strict=True):
        assert {*keys_of(config).values()}.isdisjoint(r.key for r in results.values())
    recipe = before[1]["fixed-0"].recipe
    with pytest.raises(ThawError, match=r"scipy is 9\.9 here and was"):
        keys.check("train", recipe, keys.key(recipe))


def test_an_edit_is_another_key_and_a_comment_a_move_or_another_order_is_not(folder):
    config = small_config(MODULE)
    before = recipes(config)
    (folder / "networks.py").unlink()
    (folder / "others.py").write_text("# moved\n" + NETWORKS)
    arguments = dict(reversed(config["network"]["arguments"].items()))
    config["network"] |= {"module": "others.py:small", "arguments": arguments}
    assert recipes(config) == before
    (folder / "others.py").write_text(NETWORKS.replace("shape[0]", "shape[-1]"))
    assert {*keys_of(config).values()}.isdisjoint(r.key for r in before.values())
