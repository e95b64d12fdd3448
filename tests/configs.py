"""Configs of each kind of network, changes of them, and the files that they name."""

import copy
import re

import numpy as np
import yaml

from projects import SMALL_CONFIG
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.keys import Result
from thaw.plan.plan import Plan

NETWORKS = """
import torch
from torch import nn

def small(width, num_classes, shape):
    return nn.Sequential(nn.Linear(shape[0], width), nn.Linear(width, num_classes))
"""
MODULE = {
    "module": "networks.py:small",
    "arguments": {"width": 4, "num_classes": "$classes", "shape": "$shape"},
    "groups": ["stem", "layer1", "head"],
}
TRAINER = {
    "trainer": "python trainer.py",
    "groups": ["stem", "layer1", "head"],
    "files": ["trainer.py"],
    "packages": ["scikit-learn"],
    "arguments": {"width": 4, "fast": True},
}


def written_out(text, separator):
    """Return a text with the whole names of the places that it calls ~, @0 and @1."""
    text = re.sub("@(?=[01])", f"variants{separator}fixed-", text)
    return text.replace("~", f"studies{separator}ahead")


def change(config, text):
    """Change a config as a text says: `{~/repeats: 3, training/steps: LOST}`."""
    for path, value in yaml.safe_load(written_out(text, "/")).items():
        put(config, path, value)


def put(config, path, value):
    *groups, key = path.split("/")
    for name in groups:
        config = config.setdefault(name, {})
    if value == "LOST":
        del config[key]
    else:
        config[int(key) if key.isdecimal() else key] = value


def small_config(network=None):
    """Return SMALL_CONFIG or, with a user's network, one of its studies."""
    config = copy.deepcopy(SMALL_CONFIG)
    if network:
        config["network"] = copy.deepcopy(network)
        del config["studies"]["back"]
        config["variants"] = {
            "standalone": {"pretrained": False},
            "fixed-0": {"freeze": 0},
            "fixed-1": {"freeze": "stem", "fresh": ["head"]},
        }
    return config


def write_files(tmp_path):
    """Write files of all kinds that configs name into a folder."""
    (tmp_path / "here.csv").write_text("x,class\n1,a\n2,b\n")
    np.savez(tmp_path / "here.npz", X=np.ones((5, 3, 2)), y=np.ones(5))
    (tmp_path / "networks.py").write_text(NETWORKS)
    (tmp_path / "trainer.py").write_text("print()\n")


def with_problem(problem):
    config = small_config()
    table = {"file": "here.csv", "label": "class", "train_size": 0.5}
    scaled = table | {"scale": {"like": "one"}}
    config["problems"] |= {"scaled": scaled, "new": problem}
    return config


def plan_of(config):
    """Return the plan of a config: the one place where tests know its classes."""
    return Plan(resolve(config))


def message_of(config):
    """Return the mistakes of a config, a line each; "" if it is right."""
    try:
        plan_of(config)
    except ThawError as error:
        return str(error)
    return ""


def recipes(config, study="ahead"):
    """Return the recipe of each result, by its variant; source models without."""
    planned = plan_of(config).studies[study]
    every = planned.arms | {"source models": planned.source_models}
    return {name: Result(arm.recipe, arm.key) for name, (arm,) in every.items()}


def study_of(config, study="ahead"):
    """Return what `study.json` will say of a study."""
    return plan_of(config).studies[study].description
