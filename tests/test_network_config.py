"""The config of networks that people bring: mistakes, names of groups, the ladder."""

import copy

import pytest

from conftest import SMALL_CONFIG
from test_config import put
from thaw import keys
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.plan.plan import Plan

NETWORKS = """
import torch
from torch import nn

def small(width, num_classes, shape):
    return nn.Sequential(nn.Linear(shape[0], width), nn.Linear(width, num_classes))
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Return SMALL_CONFIG with a module in the place of hidden layers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "networks.py").write_text(NETWORKS)
    config = copy.deepcopy(SMALL_CONFIG)
    config["network"] = {
        "module": "networks.py:small",
        "arguments": {"width": 4, "num_classes": "$classes", "shape": "$shape"},
        "groups": ["stem", "layer1", "head"],
    }
    del config["studies"]["back"]
    config["variants"] = {
        "standalone": {"pretrained": False},
        "fixed-0": {"freeze": 0},
        "fixed-1": {"freeze": "stem", "fresh": ["head"]},
    }
    return config


MISTAKES = [
    ("network/hidden", [5], "network.hidden: a module has its own"),
    ("network/activation", "tanh", "network.activation: a module has its own"),
    ("network/module", "networks.py", "network.module: 'networks.py' is not allowed"),
    ("network/module", "nets.py:small", "network.module: 'nets.py': No such file"),
    ("network/module", "networks.py:smal", "no 'smal' (did you mean 'small'?)"),
    ("network/module", "torchvisio.models:a", "torchvisio is not an installed package"),
    ("network/groups", ["a"], "network.groups"),
    ("network/groups", ["stem", "layer1", "stem"], "network.groups"),
    ("network/groups", ["stem", "layer1", "(head"], "'(head' is no regular expression"),
    ("network/groups", ["=1+1", "head"], "network.groups[0]: '=1+1' is not allowed"),
    ("network/arguments/shape", "$shap", "'$shap' stands for nothing (did you mean"),
    ("variants/fixed-1/freeze", "stm", "freeze: 'stm' is not a group"),
    ("variants/fixed-1/freeze", "stm", "(did you mean 'stem'?). Allowed: stem, layer1"),
    ("variants/fixed-1/freeze", "head", "freeze: 'head' is the output"),
    ("variants/fixed-1/freeze", 3, "freeze: 3 is deeper than the network"),
    ("variants/fixed-1/fresh", ["stem"], "'stem' is among the first 1, which are froz"),
    ("variants/fixed-1/fresh", ["body"], "fresh: 'body' is not a group"),
    ("variants/fixed-1/add", [3], "variants.fixed-1.add: layers are added to hidden"),
    ("studies/ahead/source_models", {"files": ["a.bin"]}, "files[0]: 'a.bin' is of a"),
    ("studies/ahead/source_models", {"files": ["a.pt"]}, "files[0]: 'a.pt': No such"),
    ("studies/ahead/source_models", {"files": ["a.pt"]}, "source: 'one' says nothing"),
    ("studies/ahead/source", None, "studies.ahead.source: it is empty"),
    ("studies/ahead/network", {"hidden": [3]}, "freeze: 'stem' is not a layer of"),
    ("training/augment", {"flip": True}, "ahead.training.augment.flip: rows are not"),
    ("pretraining", {"augment": {"shift": 1}}, "ahead.pretraining.augment.shift: rows"),
    ("variants/fixed-0/training", {"augment": {"flip": True}}, "fixed-0.training.aug"),
    ("training/augment", {"flop": True}, "training.augment.flop: unknown key (did you"),
    ("training/device", "gpu", "training.device: 'gpu' is not allowed"),
]


@pytest.mark.parametrize(("path", "value", "words"), MISTAKES)
def test_a_mistake_is_named(config, path, value, words):
    put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"), [("augment", {"noise": 0.1}), ("device", "auto")]
)
def test_what_only_modules_can(config, key, value):
    put(config, f"training/{key}", value)
    resolve(config)
    config["network"] = {"hidden": [4]}
    config["variants"]["fixed-1"] = {"freeze": 1}
    with pytest.raises(ThawError, match=f"training.{key}: it takes a network of your"):
        resolve(config)


def recipes_of_training(config):
    plan = Plan(resolve(config))
    arms = plan.studies["ahead"].arms
    return plan, {name: plan.recipes[arm.key] for name, arm in arms.items()}


def test_what_is_augmented_is_in_the_recipe_and_a_variant_may_differ(config):
    config["training"]["augment"] = {"noise": 0.1}
    config["variants"]["fixed-0"] = {"training": {"augment": {}}}
    _, found = recipes_of_training(config)
    training = {name: recipe["settings"]["training"] for name, recipe in found.items()}
    assert training["fixed-1"]["augment"] == {"noise": 0.1}
    assert training["fixed-0"]["augment"] == {}
    assert "device" not in training["fixed-1"]


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("cuda", 1), ("auto", 0)])
def test_a_job_asks_for_the_gpu_that_it_needs(config, device, gpus):
    config["training"]["device"] = device
    plan, found = recipes_of_training(config)
    assert {plan.gpus(plan.studies["ahead"].arms[name].key) for name in found} == {gpus}
    assert plan.gpus("unknown") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def small(:\n", "networks.py, line 1: "),
        ("import blocks\ndef small(): ...\n", "imports blocks, which is no installed"),
    ],
)
def test_a_mistake_in_the_file_is_named(config, text, words, tmp_path):
    (tmp_path / "networks.py").write_text(text)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert words in str(caught.value)


@pytest.mark.parametrize("variants", ["ladder", ["standalone", "fixed-1"]])
def test_names_and_the_ladder_need_groups(config, variants):
    del config["network"]["groups"]
    put(config, "studies/ahead/variants", variants)
    with pytest.raises(ThawError, match=r"network\.groups: this key is missing; ") as e:
        resolve(config)
    lines = str(e.value).splitlines()
    assert len(lines) == (2 if variants == "ladder" else 3)
    put(config, "variants/fixed-1", {"freeze": 1, "fresh": ["output"]})
    put(config, "studies/ahead/variants", ["standalone", "fixed-1"])
    resolve(config)


def test_a_source_or_files_are_needed(config, tmp_path):
    del config["studies"]["ahead"]["source"]
    with pytest.raises(ThawError, match=r"studies\.ahead\.source: this key is missing"):
        resolve(config)
    (tmp_path / "a.pt").write_bytes(b"a")
    put(config, "studies/ahead/source_models", {"files": ["a.pt"]})
    study = resolve(config).studies["ahead"]
    assert (study.source, study.source_models) == ("checkpoints", 1)
    config["problems"]["checkpoints"] = config["problems"]["one"]
    with pytest.raises(ThawError, match=r"problems\.checkpoints: .* stands for files"):
        resolve(config)


def test_the_ladder_has_a_rung_for_each_group(config):
    del config["variants"]
    put(config, "studies/ahead/variants", "ladder")
    study = resolve(config).studies["ahead"]
    assert study.variants == ["standalone", "fixed-0", "fixed-1", "fixed-2"]


def recipes(config):
    """Return what each result is made from, by its variant; source models without."""
    found = Plan(resolve(config)).studies["ahead"]
    return found.arms | {"source models": found.source_models}


def test_names_and_numbers_are_the_same_key(config):
    named = recipes(config)["fixed-1"]
    put(config, "variants/fixed-1", {"freeze": 1, "fresh": ["output"]})
    assert recipes(config)["fixed-1"].key == named.key
    assert named.recipe["settings"]["variant"] == {"freeze": 1, "fresh": ["output"]}


def test_a_study_may_say_the_other_form(config):
    put(config, "studies/ahead/network", {"hidden": [4]})
    put(config, "studies/ahead/variants", ["standalone", "fixed-0"])
    assert resolve(config).studies["ahead"].network.keys() == {
        *("hidden", "activation", "dropout")
    }
    config["network"], own = {"hidden": [3]}, config["network"]
    put(config, "studies/ahead/network", own)
    assert resolve(config).studies["ahead"].network == own


def test_an_edit_is_another_key_and_a_comment_or_a_move_is_not(config, tmp_path):
    before = recipes(config)
    file = tmp_path / "networks.py"
    file.write_text("# moved\n" + NETWORKS)
    file.rename(tmp_path / "others.py")
    put(config, "network/module", "others.py:small")
    assert recipes(config) == before
    (tmp_path / "others.py").write_text(NETWORKS.replace("shape[0]", "shape[-1]"))
    after = recipes(config)
    assert not {r.key for r in after.values()} & {r.key for r in before.values()}


def test_versions_of_what_a_file_imports_count(config, tmp_path, monkeypatch):
    (tmp_path / "networks.py").write_text("import yaml, scipy\n" + NETWORKS)
    versions = recipes(config)["fixed-0"].recipe["versions"]
    # Named unlike its distribution.
    assert {"yaml", "scipy", "torch", "numpy"} <= versions.keys()
    assert "missing" not in versions.values()
    recipe = recipes(config)["fixed-0"].recipe
    monkeypatch.setattr(keys, "version", lambda library: "9.9")
    with pytest.raises(ThawError, match=r"scipy is 9\.9 here and was"):
        keys.check("train", recipe, keys.key(recipe))


def test_jobs_are_cut_by_the_settings_alone(config):
    """So that a job is some minutes, and more repeats keep the jobs there are."""
    del config["repeats_per_job"]
    put(config, "studies/ahead/repeats", 70)

    def ends():
        found = resolve(config).studies["ahead"].repeats_per_job
        study = Plan(resolve(config)).studies["ahead"]
        assert max(len(job.numbers) for job, _ in study.training_jobs) == found
        return found

    assert ends() == 30
    put(config, "training/epochs", 100_000)
    few = ends()
    assert 1 < few < 30
    put(config, "studies/ahead/repeats", 140)
    assert ends() == few
    put(config, "training/epochs", 1_000_000)
    assert ends() == 1
    put(config, "studies/ahead/repeats_per_job", 7)
    assert ends() == 7


@pytest.mark.parametrize("sizes", [{}, {"train_size": 3, "test_size": 2}])
def test_a_rule_that_makes_the_data_moves_no_end_of_a_job(config, tmp_path, sizes):
    """The paths of jobs are asked for before there is a file, and after."""
    del config["repeats_per_job"]
    made = {"file": "made.csv", "label": "class", "made_by_rule": True}
    put(config, "problems/two", made | {"shape": [1, 2, 2], "train_size": 0.5} | sizes)
    put(config, "training/epochs", 30_000)
    before = resolve(config).studies["ahead"].repeats_per_job
    (tmp_path / "made.csv").write_text("class,a,b\n" + 9 * "x,1,2\ny,3,4\n")
    assert resolve(config).studies["ahead"].repeats_per_job == before
    assert before == (30 if sizes else 1)


def test_only_such_a_network_has_the_general_learner_in_its_key(config):
    assert "thaw.learning.module" not in keys.modules("train")
    assert "thaw.learning.module_learner" in keys.modules("train", "module")
    plain = copy.deepcopy(SMALL_CONFIG)
    found = Plan(resolve(plain)).studies["ahead"].arms["fixed-0"].recipe
    assert found["settings"]["network"] == {"hidden": [4, 3]}
    assert {*found["versions"]} == {"numpy", "torch"}
