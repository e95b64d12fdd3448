"""The plan of a config, as the rules see it."""

import copy
import random
from pathlib import Path

import pytest

from conftest import SMALL_CONFIG
from thaw.config.resolve import resolve
from thaw.output.tiles import Tile
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


def test_a_depth_may_inherit_the_output_and_the_first_of_a_depth_counts():
    config = copy.deepcopy(SMALL_CONFIG)
    config["variants"]["inherits-0"] = {"freeze": 0, "inherit": "output"}
    config["variants"]["inherits-2"] = {"freeze": 2, "inherit": "output"}
    config["studies"]["ahead"]["variants"] = list(config["variants"])
    depths = Plan(resolve(config, config)).studies["ahead"].depths
    assert depths == {"fixed-0": 0, "fixed-1": 1, "inherits-2": 2}


def test_the_ladder_leaves_out_other_training():
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


@pytest.mark.parametrize("seed", range(12))
def test_every_job_finds_its_source_models_however_studies_cut_their_own(seed):
    """They share keys. Jobs start from source models that some study pretrains."""
    rng, config = random.Random(seed), copy.deepcopy(SMALL_CONFIG)
    for name in ("back", "again", "more"):
        config["studies"][name] = config["studies"]["ahead"] | {
            "source_models": rng.randint(1, 40),
            "repeats": rng.randint(1, 4),
            "repeats_per_job": rng.choice([1, 3, 8, "auto"]),
        }
    plan = Plan(resolve(config))
    studies = plan.studies.values()
    assert len({study.source_models[0].key for study in studies}) == 1
    pretrained = {
        f"{stem}.safetensors" for study in studies for _, stem in study.pretraining_jobs
    }
    for study in studies:
        for tile, stem in study.training_jobs:
            _, problem, folder, name = stem.split("/")
            arm, _, key = folder.rpartition("-")
            files = plan.source_model_files(problem, arm, key, name)
            assert {*files} <= pretrained
            if arm == "standalone":
                assert files == []
                continue
            (file,) = files
            held = Tile.named(Path(file).stem).models
            assert {*tile.models} <= {*held}


def test_weighted_classes_must_be_those_of_their_problem():
    config = copy.deepcopy(SMALL_CONFIG)
    config["training"]["class_weight"] = {"0": 2}
    config["pretraining"] = {"class_weight": {"1": 2}}
    del config["studies"]["back"]
    plan = Plan(resolve(config))
    study = plan.studies["ahead"]
    asked = [plan.asked_of(made.key) for made in (study.source, study.target)]
    assert [[one["weights"] for one in own] for own in asked] == [
        [{"pretraining.class_weight": ["1"]}],
        [{"training.class_weight": ["0"]}],
    ]


def test_metrics_have_their_usual_names():
    config = copy.deepcopy(SMALL_CONFIG)
    study = config["studies"]["ahead"]
    metric = {"function": "sklearn.metrics:r2_score", "greater_is_better": True}
    study |= {"metric": ["accuracy", metric]}
    plan = Plan(resolve(config)).studies["ahead"]
    assert plan.description["settings"]["metric"] == ["accuracy", metric]
    unit = plan.settings.metric[:1]
    unit = [unit[0] | {"unit": "K"}]
    told = plan._replace(settings=plan.settings._replace(metric=unit))
    assert told.description["settings"]["metric"] == ["accuracy (K)"]
