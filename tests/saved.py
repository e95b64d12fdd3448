"""A table of one's own, and studies of it whose networks are saved, of every kind."""

import numpy as np
import pandas as pd

NETWORKS = """from torch import nn

def small(features, outputs):
    return nn.Sequential(nn.Linear(features, 5), nn.Tanh(), nn.Linear(5, outputs))
"""
MODULE = {
    "module": "networks.py:small",
    "arguments": {"features": "$features", "outputs": "$classes"},
}
FILE = {"file": "table.csv", "train_size": 0.5, "scale": "standard"}
FILE |= {"shuffle": 1, "categorical": ["site"]}
KIND = FILE | {"label": "kind", "drop": ["worth"]}
WORTH = FILE | {"label": "worth", "drop": ["kind"], "task": "regression"}
FIRST, SECOND = {"rows": {"year": 1}}, {"rows": {"year": 2}}
EACH = {"shuffle": "each"}
VARIANTS = {
    "standalone": {"pretrained": False},
    "fixed-1": {"freeze": 1, "save": "weights"},
    "linear": {"estimator": "sklearn.linear_model.LogisticRegression"},
}
STUDY = {"variants": ["standalone", "fixed-1"], "repeats": 2}
TWO_MODELS = STUDY | {"source_models": 2}
KINDS = STUDY | {"source": "kind-1", "target": "kind-2"}

CONFIG = {
    "seed": 1,
    "network": {"hidden": [4, 3]},
    "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
    "repeats_per_job": 4,
    "problems": {
        "kind-1": KIND | FIRST,
        "kind-2": KIND | SECOND | {"scale": {"like": "kind-1"}},
        "kind-1-each": KIND | FIRST | EACH,
        "kind-2-each": KIND | SECOND | EACH | {"scale": {"like": "kind-1-each"}},
        "worth-1": WORTH | FIRST,
        "worth-2": WORTH | SECOND | EACH,
    },
    "variants": VARIANTS,
    "studies": {
        "sizes": KINDS | {"variants": [*VARIANTS], "target_sizes": [10, "all"]},
        "each": TWO_MODELS | {"source": "kind-1-each", "target": "kind-2-each"},
        "worth": TWO_MODELS | {"source": "worth-1", "target": "worth-2", "margin": 1.0},
        "module": KINDS | {"network": MODULE},
    },
}


def table(rows=120):
    """Return a table with a label of each kind; a site is text, or a number."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["red", "green"], rows)
    mass, length = rng.normal(100, 20, rows), rng.normal(2, 0.1, rows)
    return pd.DataFrame(
        {
            "kind": kind,
            "mass": mass + 15 * (kind == "red"),
            "site": rng.choice(["north", "south", "3"], rows),
            "worth": 300 + mass * length + rng.normal(0, 5, rows),
            "length": length,
            "year": np.arange(rows) % 2 + 1,
        }
    )


def write(folder):
    """Write the files that the config names."""
    table().to_csv(folder / "table.csv", index=False)
    (folder / "networks.py").write_text(NETWORKS)
