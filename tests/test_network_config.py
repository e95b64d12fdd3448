"""The config of modules: names of groups, the ladder, keys, jobs."""

import pytest

from configs import MODULE, NETWORKS, put, recipes, small_config
from thaw import keys
from thaw.config.network import kind_of
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.plan.plan import Plan


@pytest.fixture
def config(folder):
    """Return SMALL_CONFIG with a module instead of hidden layers."""
    return small_config(MODULE)


def test_layers_with_numbers_need_no_groups(config):
    del config["network"]["groups"]
    put(config, "variants/fixed-1", {"freeze": 1, "fresh": ["output"]})
    resolve(config)


def test_source_models_that_are_files_need_no_source(config, folder):
    del config["studies"]["ahead"]["source"]
    (folder / "a.pt").write_bytes(b"a")
    put(config, "studies/ahead/source_models", {"files": ["a.pt"]})
    study = resolve(config).studies["ahead"]
    assert (study.source, study.source_models) == ("checkpoints", 1)


def test_what_modules_can(config):
    own = {"augment": {"noise": 0.1}, "device": "auto"}
    config["training"] |= own
    assert own.items() <= resolve(config).studies["ahead"].training.items()


def recipes_of_training(config):
    plan = Plan(resolve(config))
    arms = plan.studies["ahead"].arms
    return plan, {name: plan.recipes[arm.key] for name, (arm,) in arms.items()}


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
    plan, _ = recipes_of_training(config)
    arms = plan.studies["ahead"].arms.values()
    assert {plan.gpus(arm.key) for (arm,) in arms} == {gpus}
    assert plan.gpus("unknown") == 0


def test_the_ladder_has_a_rung_for_each_group(config):
    del config["variants"]
    put(config, "studies/ahead/variants", "ladder")
    study = resolve(config).studies["ahead"]
    assert study.variants == ["standalone", "fixed-0", "fixed-1", "fixed-2"]


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


def test_an_edit_is_another_key_and_a_comment_or_a_move_is_not(config, folder):
    before = recipes(config)
    file = folder / "networks.py"
    file.write_text("# moved\n" + NETWORKS)
    file.rename(folder / "others.py")
    put(config, "network/module", "others.py:small")
    assert recipes(config) == before
    (folder / "others.py").write_text(NETWORKS.replace("shape[0]", "shape[-1]"))
    after = recipes(config)
    assert not {r.key for r in after.values()} & {r.key for r in before.values()}


def test_versions_of_what_a_file_imports_count(config, folder, monkeypatch):
    (folder / "networks.py").write_text("import yaml, scipy\n" + NETWORKS)
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
        assert max(tile.fits for tile, _ in study.training_jobs) == found
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
def test_a_rule_that_makes_the_data_moves_no_end_of_a_job(config, folder, sizes):
    """The paths of jobs are needed before there is a file, and after."""
    del config["repeats_per_job"]
    made = {"file": "made.csv", "label": "class", "made_by_rule": True}
    put(config, "problems/two", made | {"shape": [1, 2, 2], "train_size": 0.5} | sizes)
    put(config, "training/epochs", 30_000)
    before = resolve(config).studies["ahead"].repeats_per_job
    (folder / "made.csv").write_text("class,a,b\n" + 9 * "x,1,2\ny,3,4\n")
    assert resolve(config).studies["ahead"].repeats_per_job == before
    assert before == (30 if sizes else 1)


def test_only_such_a_network_has_the_general_learner_in_its_key(folder):
    assert "thaw.learning.module" not in keys.modules("train")
    assert "thaw.learning.module_learner" in keys.modules(
        "train", kind_of(MODULE).content()["computed_by"]
    )
    found = Plan(resolve(small_config())).studies["ahead"].arms["fixed-0"][0].recipe
    assert found["settings"]["network"] == {"hidden": [4, 3]}
    assert {*found["versions"]} == {"numpy", "torch"}
