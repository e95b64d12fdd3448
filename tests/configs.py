"""Configs of each kind of network, and the files that they name."""

import copy
import os

import numpy as np

from conftest import SMALL_CONFIG
from thaw.config.resolve import resolve
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
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "networks.py").write_text(NETWORKS)
    (tmp_path / "wrong.py").write_text("def small(:\n")
    (tmp_path / "imports.py").write_text("import blocks\ndef small(): ...\n")
    for name in ("trainer.py", "helper.py"):
        (tmp_path / name).write_text("print()\n")
    for suffix in ("csv", "pt", "py"):
        os.mkfifo(tmp_path / f"pipe.{suffix}")
    (tmp_path / "device.csv").symlink_to("/dev/zero")


def with_problem(problem):
    config = small_config()
    scaled = {"file": "here.csv", "label": "class", "scale": {"like": "one"}}
    scaled |= {"train_size": 0.5}
    config["problems"] |= {"scaled": scaled, "new": problem}
    return config


def recipes(config):
    """Return the recipe of each result, by its variant; source models without."""
    found = Plan(resolve(config)).studies["ahead"]
    every = found.arms | {"source models": found.source_models}
    return {name: result for name, (result,) in every.items()}
