"""What a config asks for, as the rules see it."""

import copy

from conftest import SMALL_CONFIG
from thaw.config.resolve import resolve
from thaw.plan.plan import Plan


def test_depths_are_the_variants_that_only_freeze():
    config = copy.deepcopy(SMALL_CONFIG)
    config["variants"] |= {
        "random": {"pretrained": False, "freeze": 1},
        "half-fresh": {"freeze": 1, "fresh": [2]},
        "wider": {"freeze": 1, "add": [3]},
        "spelt-out": {"pretrained": True, "freeze": 2, "fresh": [], "add": []},
    }
    config["studies"]["ahead"]["variants"] = list(config["variants"])
    depths = Plan(resolve(config, config)).studies["ahead"].depths
    assert depths == {"fixed-0": 0, "fixed-1": 1, "spelt-out": 2}


def test_the_ladder_leaves_out_what_learns_otherwise():
    config = copy.deepcopy(SMALL_CONFIG)
    longer = {"training": {"epochs": 7}}
    config["variants"] |= {
        "longer": {"pretrained": False} | longer,
        "fixed-1-longer": {"freeze": 1} | longer,
        "random-1": {"pretrained": False, "freeze": 1},
        "scratch": {"pretrained": False, "training": {}},
    }
    config["studies"]["ahead"]["variants"] = list(config["variants"])
    ladder = Plan(resolve(config, config)).studies["ahead"].ladder
    own = {"standalone": -1, "scratch": -1, "fixed-0": 0, "fixed-1": 1}
    assert ladder == own
