"""Networks and variants in the config: layers, ladders, and recipes in words."""

import re

import pytest
import yaml

from configs import MODULE, change, plan_of, put, recipes, small_config
from projects import SMALL_CONFIG

NETWORKS = {
    "hidden": SMALL_CONFIG["network"],
    "deep": {"hidden": [3] * 10},
    "module": MODULE,
    "numbers": MODULE | {"groups": ["0", "1", "2"]},
    "unnamed": {key: value for key, value in MODULE.items() if key != "groups"},
}

# A network, a variant of it, and what its recipe holds. In the groups of "numbers", a
# number is a layer, and text is first a name, as in nn.Sequential.
SAME = """
hidden: {freeze: [2]} => {freeze: [2]}
hidden: {freeze: hidden-1} => {freeze: 1}
hidden: {freeze: [hidden-2, 1]} => {freeze: 2}
hidden: {freeze: [output, hidden-1, 1]} => {freeze: [1, output]}
hidden: {freeze: all but the output} => {freeze: 2}
hidden: {fresh: [hidden-2, output]} => {fresh: [2, output]}
hidden: {rate_factors: {output: 10, 1: 0.1}} => {rate_factors: {"1": 0.1, output: 10}}
hidden: {rate_factors: {hidden-1: 2, hidden-2: 1}} => {rate_factors: {"1": 2}}
hidden: {rate_factors: {1: 1}, towards: 0, phases: []} => {}
hidden: {phases: [{freeze: 0, epochs: 9}, {epochs: 1}]} =>
 {phases: [{epochs: 9}, {epochs: 1}]}
deep: {freeze: [output, hidden-10, 2]} => {freeze: [2, 10, output]}
module: {rate_factors: {layer1: 3, head: 2}} => {rate_factors: {"2": 3, output: 2}}
module: {freeze: all but norm layers} => {freeze: all but norm layers}
module: {freeze: [layer1]} => {freeze: [2]}
module: {freeze: stem, fresh: [head]} => {freeze: 1, fresh: [output]}
numbers: {rate_factors: {1: 3, 2: 5}} => {rate_factors: {"1": 3, "2": 5}}
numbers: {rate_factors: {"1": 3, "2": 5}} => {rate_factors: {"2": 3, output: 5}}
unnamed: {freeze: [3, output]} => {freeze: [3, output]}
unnamed: {rate_factors: {7: 2}} => {rate_factors: {"7": 2}}
"""

# A network, a variant of it, and its recipe in words.
WORDS = """
hidden: {freeze: 1} => freeze 1 layer
hidden: {freeze: [2, output]} => hidden-2 and the output frozen
hidden: {phases: [{freeze: 2, epochs: 1}, {epochs: 2000, learning_rate: 1}]} =>
 the output alone for 1 epoch, then all layers for 2,000 epochs at 1, epochs 2001
hidden: {phases: [{freeze: 1, epochs: 3}]} => all but the first layer for 3 epochs
hidden: {freeze: 2, rate_factors: {output: 10}, towards: 0.01} =>
 the first 2 layers frozen, the output at 10 times the rate, pulled towards the source
 model (0.01)
module: {freeze: all but norm layers} => norm layers alone
unnamed: {freeze: [2]} => layer 2 frozen
"""


def table(text):
    """Return the rows of a table: a network, a variant, and what follows from it."""
    rows = text.replace("\n ", " ").strip().splitlines()
    return [re.match(r"(\w+): (.*) => ?(.*)", row).groups() for row in rows]


def config_of(network, variant):
    config = small_config(NETWORKS[network])
    config["variants"] |= {"fixed-0": yaml.safe_load(variant), "fixed-1": {}}
    return config


@pytest.mark.parametrize(("network", "variant", "recipe"), table(SAME))
def test_what_means_the_same_has_one_recipe(folder, network, variant, recipe):
    settings = recipes(config_of(network, variant))["fixed-0"].recipe["settings"]
    assert settings["variant"] == yaml.safe_load(recipe)
    phases = settings["variant"].get("phases", [{"epochs": 3}])
    assert settings["training"]["epochs"] == sum(phase["epochs"] for phase in phases)


@pytest.mark.parametrize(("network", "variant", "words"), table(WORDS))
def test_recipes_in_words(folder, network, variant, words):
    study = plan_of(config_of(network, variant)).studies["ahead"]
    assert study.words["fixed-0"].endswith(words)


@pytest.mark.parametrize("written", ["ladder", ["ladder", "fixed-1"]])
def test_a_ladder_has_a_variant_for_each_depth(written):
    config = small_config()
    # A rung may be saved, or train differently.
    change(config, "{@0/save: weights, @1/training: {epochs: 1}, studies/back: LOST}")
    put(config, "studies/ahead/variants", written)
    study = plan_of(config).studies["ahead"]
    depths = {"fixed-0": {}, "fixed-1": {"freeze": 1}, "fixed-2": {"freeze": 2}}
    rungs = {"standalone": {"pretrained": False}} | depths
    settings = study.description["settings"]
    assert settings["variants"] == [*rungs]
    assert study.description["variants"] == rungs
    assert (settings["baseline"], study.saved) == ("standalone", ["fixed-0"])
    assert recipes(config)["fixed-1"].recipe["settings"]["training"]["epochs"] == 1


def test_a_job_asks_for_the_gpu_that_it_needs(folder):
    for device, gpus in (("cpu", 0), ("cuda", 1), ("auto", 0)):
        config = small_config(MODULE)
        put(config, "training/device", device)
        assert plan_of(config).gpus(recipes(config)["fixed-0"].key) == gpus


VARIANTS = """
random: {pretrained: false, freeze: 1}
half-fresh: {freeze: 1, fresh: [2]}
wider: {freeze: 1, add: [3]}
last: {freeze: [1, output]}
rates: {freeze: 1, rate_factors: {output: 2}}
head-first: {phases: [{freeze: 2, epochs: 1}, {epochs: 1}]}
inherits-0: {freeze: 0, inherit: output}
spelt-out: {pretrained: true, freeze: hidden-2, fresh: []}
scratch: {pretrained: false, training: {}}
longer: {pretrained: false, training: {epochs: 7}}
deep-longer: {freeze: 2, training: {epochs: 7}}
"""


def test_depths_are_variants_that_only_freeze_and_the_first_of_each():
    config = small_config()
    config["variants"] |= yaml.safe_load(VARIANTS)
    config["studies"]["ahead"]["variants"] = [*config["variants"]]
    study = plan_of(config).studies["ahead"]
    assert study.depths == {"fixed-0": 0, "fixed-1": 1, "spelt-out": 2}
    # Those with other training are no rungs of the ladder.
    assert study.ladder == {"standalone": -1, "scratch": -1} | study.depths
