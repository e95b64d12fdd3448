"""The config of recipes: which layers learn when, how fast, and towards what."""

import re

import pytest
import yaml

from configs import MODULE, put, recipes, small_config
from conftest import ROOT, new_project
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.page.section import in_words
from thaw.plan.plan import Plan


def settings(variant, network=None, layers=2):
    """Return what a job gets of a variant: its own settings, and its training."""
    config = small_config(network)
    if network is None:
        config["network"]["hidden"] = [3] * layers
    put(config, "variants/fixed-0", variant)
    found = recipes(config)["fixed-0"].recipe["settings"]
    return found["variant"], found["training"]


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({"freeze": [2]}, {"freeze": [2]}),
        ({"freeze": "hidden-1"}, {"freeze": 1}),
        ({"freeze": ["hidden-2", 1]}, {"freeze": 2}),
        ({"freeze": ["output", "hidden-1", 1]}, {"freeze": [1, "output"]}),
        ({"freeze": "all but the output"}, {"freeze": 2}),
        ({"fresh": ["hidden-2", "output"]}, {"fresh": [2, "output"]}),
        (
            {"rate_factors": {"output": 10, 1: 0.1}},
            {"rate_factors": {"1": 0.1, "output": 10.0}},
        ),
        ({"rate_factors": {"hidden-1": 2, "hidden-2": 1}}, {"rate_factors": {"1": 2}}),
        ({"rate_factors": {1: 1}, "towards": 0, "phases": []}, {}),
        ({"towards": 1}, {"towards": 1.0}),
    ],
)
def test_what_means_the_same_has_one_recipe(said, known):
    assert settings(said) == (known, settings({})[1])


def test_layers_are_in_the_networks_order():
    said = {"freeze": ["output", "hidden-10", 2]}
    assert settings(said, layers=10)[0] == {"freeze": [2, 10, "output"]}


def test_phases_have_the_sum_of_their_epochs():
    phases = [
        {"freeze": "all but the output", "epochs": 2},
        {"freeze": ["output"], "epochs": 4, "learning_rate": 1},
        {"freeze": 0, "epochs": 1},
    ]
    variant, training = settings({"phases": phases})
    assert variant == {
        "phases": [
            {"freeze": 2, "epochs": 2},
            {"freeze": ["output"], "epochs": 4, "learning_rate": 1.0},
            {"epochs": 1},
        ]
    }
    assert training == settings({})[1] | {"epochs": 7}


def test_a_module_may_train_its_norm_layers_alone_and_names_its_groups(folder):
    norm = "all but norm layers"
    said = {"freeze": norm, "rate_factors": {"layer1": 3, "head": 2}, "towards": 0.1}
    known = {"rate_factors": {"2": 3.0, "output": 2.0}, "freeze": norm, "towards": 0.1}
    assert settings(said, MODULE)[0] == known
    assert settings({"freeze": ["layer1"]}, MODULE)[0] == {"freeze": [2]}
    # A name goes before a number, as in nn.Sequential.
    network = MODULE | {"groups": ["0", "2", "4"]}
    config = small_config(network)
    config["variants"] |= {
        "fixed-0": {"rate_factors": {"2": 3, "4": 2}},
        "fixed-1": {"freeze": ["2"]},
    }
    found = recipes(config)
    own = [found[n].recipe["settings"]["variant"] for n in ("fixed-0", "fixed-1")]
    assert own == [{"rate_factors": {"2": 3.0, "output": 2.0}}, {"freeze": [2]}]


def test_a_number_is_a_layer_and_text_first_a_name(folder):
    config = small_config(MODULE | {"groups": ["0", "1", "2"]})
    for said, known in (
        ({1: 3, 2: 5}, {"1": 3.0, "2": 5.0}),
        ({"1": 3, "2": 5}, {"2": 3.0, "output": 5.0}),
    ):
        config["variants"] |= {"fixed-0": {"rate_factors": said}, "fixed-1": {}}
        variant = recipes(config)["fixed-0"].recipe["settings"]["variant"]
        assert variant == {"rate_factors": known}


def test_a_module_without_groups_knows_its_layers_by_number(folder):
    network = {key: value for key, value in MODULE.items() if key != "groups"}
    said = {"freeze": [3, "output"], "rate_factors": {7: 2}}
    config = small_config(network)
    config["variants"] |= {"fixed-0": said, "fixed-1": {}}
    variant = recipes(config)["fixed-0"].recipe["settings"]["variant"]
    assert variant == {"freeze": [3, "output"], "rate_factors": {"7": 2.0}}


def test_an_output_that_is_drawn_anew_is_not_frozen(folder):
    (folder / "a.csv").write_text("x,y,label,other\n" + "1,2,a,b\n2,1,b,a\n" * 9)
    config = small_config()
    del config["studies"]["back"]
    for name, label, drop in (("one", "label", "other"), ("two", "other", "label")):
        config["problems"][name] = {
            "file": "a.csv",
            "label": label,
            "drop": [drop],
            "train_size": 9,
        }
    for variant, place in (
        ({"freeze": [2, "output"]}, "freeze"),
        (
            {"phases": [{"epochs": 1}, {"epochs": 1, "freeze": ["output"]}]},
            "phases[1].freeze",
        ),
    ):
        config["variants"]["fixed-0"] = variant
        with pytest.raises(ThawError) as caught:
            resolve(config)
        (_, line) = str(caught.value).splitlines()
        assert line.startswith(
            f"  variants.fixed-0.{place}: the output, drawn anew because source and "
            "target of studies.ahead have other labels, has to learn; leave it out, or "
        )
        config["variants"]["fixed-0"] = variant | {"inherit": "output"}
        resolve(config)
    # All that is inherited is frozen.
    config["variants"]["fixed-0"] = {"freeze": 2, "towards": 0.1}
    with pytest.raises(ThawError, match=r"towards: has no effect, because no inher"):
        resolve(config)
    config["variants"]["fixed-0"]["inherit"] = "output"
    resolve(config)


def test_time_is_asked_for_by_the_epochs_of_all_phases():
    minutes = []
    for epochs in (1, 500_000):
        config = small_config()
        config["variants"]["fixed-0"] = {"phases": [{"epochs": epochs}] * 2}
        plan = Plan(resolve(config))
        minutes.append(plan.minutes(plan.studies["ahead"].arms["fixed-0"][0].key))
    assert minutes[0] < minutes[1]


def test_recipes_stand_beside_the_depths():
    config = small_config()
    config["variants"] |= {
        "named": {"freeze": "hidden-2"},
        "last": {"freeze": [1, "output"]},
        "rates": {"freeze": 1, "rate_factors": {"output": 2}},
        "plain": {"freeze": 0, "rate_factors": {"output": 1}},
        "head-first": {"phases": [{"freeze": 2, "epochs": 1}, {"epochs": 1}]},
        "longer": {"phases": [{"freeze": 2, "epochs": 1}, {"epochs": 2}]},
        "pulled": {"towards": 0.1},
    }
    config["studies"]["ahead"]["variants"] = [*config["variants"]]
    study = Plan(resolve(config)).studies["ahead"]
    assert study.depths == {"fixed-0": 0, "fixed-1": 1, "named": 2}
    assert study.ladder == {"standalone": -1} | study.depths
    # Epochs are shown where they do not add up to the study's.
    assert study.own_training["longer"] == {}
    assert study.own_training["head-first"] == {"epochs": 2}
    config["maps"] = {"both": ["ahead"]}
    resolve(config)
    config["studies"]["ahead"]["variants"] = ["standalone", "rates", "pulled"]
    with pytest.raises(ThawError, match="'ahead' has no variant that only freezes"):
        resolve(config)


def words(variant, network=None):
    """Return a recipe in words, and the variant as the page has it."""
    config = small_config(network)
    config["variants"]["fixed-0"] = variant
    study = Plan(resolve(config)).studies["ahead"]
    told = study.described["fixed-0"], study.own_training["fixed-0"]
    recipe = study.recipes.get("fixed-0", "")
    return recipe, in_words(*told, recipe)


PHASES = [
    {"freeze": "all but the output", "epochs": 1},
    {"freeze": 1, "epochs": 1},
    {"epochs": 2000, "learning_rate": 0.001},
]


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ({"freeze": 1}, "Freeze 1 layer"),
        ({"freeze": [2, "output"]}, "Fine-tune, hidden-2 and the output frozen"),
        (
            {"phases": PHASES},
            "Fine-tune, the output alone for 1 epoch, then all but the first layer for "
            "1 epoch, then all layers for 2,000 epochs at 0.001 (2,002 epochs in all, "
            "not 3)",
        ),
        (
            {"pretrained": False, "phases": [{"freeze": [2], "epochs": 3}]},
            "Train from scratch, all but hidden-2 for 3 epochs",
        ),
        (
            {"add": [3], "phases": [{"freeze": 2, "epochs": 3}]},
            "Fine-tune, all but the first 2 layers for 3 epochs, add layers",
        ),
        (
            {"freeze": 1, "rate_factors": {2: 0.1, "output": 10}, "towards": 0.01},
            "Fine-tune, the first layer frozen, hidden-2 at 0.1 times the rate, the "
            "output at 10 times the rate, pulled towards the source model (0.01)",
        ),
        (
            {"towards": 0.01, "training": {"epochs": 9}},
            "Fine-tune, pulled towards the source model (0.01), epochs 9",
        ),
    ],
)
def test_recipes_in_words(variant, said):
    recipe, own = words(variant)
    assert own == said
    assert bool(recipe) == (variant != {"freeze": 1})
    assert recipe in said


def test_recipes_of_modules_in_words(folder):
    fresh = {"fresh": ["head"]}
    said = {
        "norm layers alone": {"freeze": "all but norm layers"},
        "layer1 frozen": {"freeze": ["layer1"]},
        "stem at 2 times the rate": {"rate_factors": {"stem": 2}},
        "norm layers alone for 3 epochs": {
            "phases": [{"freeze": "all but norm layers", "epochs": 3}]
        },
    }
    for own, variant in said.items():
        assert words(variant | fresh, MODULE)[0] == own
    network = {key: value for key, value in MODULE.items() if key != "groups"}
    config = small_config(network)
    config["variants"] |= {"fixed-0": {"freeze": [2]}, "fixed-1": {}}
    assert Plan(resolve(config)).studies["ahead"].recipes == {
        "fixed-0": "layer 2 frozen"
    }


def test_the_recipes_of_the_docs_suit_the_shipped_study():
    page = (ROOT / "docs/variants.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n([^`]*phases[^`]*)```", page)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    variants = yaml.safe_load(example)["variants"]
    config["variants"] |= variants
    config["studies"]["many-sources"] |= {"variants": ["standalone", *variants]}
    config["studies"]["many-sources"]["pairs"] = []
    study = Plan(resolve(config)).studies["many-sources"]
    assert [*study.recipes] == [*variants]
    assert not any(study.own_training.values())


def test_a_layer_that_is_frozen_at_times_may_have_a_rate_and_be_pulled():
    phases = [{"freeze": 2, "epochs": 1}, {"freeze": ["output"], "epochs": 2}]
    said = {"phases": phases, "rate_factors": {"1": 2, "output": 3}, "towards": 0.1}
    assert settings(said)[0]["rate_factors"] == {"1": 2.0, "output": 3.0}


def test_tables_and_page_say_what_a_recipe_is(tmp_path):
    config = small_config()
    del config["studies"]["back"]
    config["variants"]["fixed-1"] |= {"rate_factors": {"output": 2}}
    project = new_project(tmp_path / "project", config)
    project.snakemake("--cores", "2", "ahead")
    recipe = "the first layer frozen, the output at 2 times the rate"
    summary = (project.folder / "results/ahead/summary.md").read_text()
    assert f"fixed-1: {recipe}." in " ".join(summary.split())
    page = (project.folder / "results/ahead/page.html").read_text()
    assert f"Fine-tune, {recipe}" in page
