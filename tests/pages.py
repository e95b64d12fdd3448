"""A project with figures and pages, in which the names of users are markup."""

import csv

import numpy as np

MARKUP = '<img src=x onerror="alert(1)">&amp;'
CONFIG = {
    "title": f"T {MARKUP}",
    "question": f"Q {{x}}_ {MARKUP}",
    "seed": 1,
    "network": {"hidden": [4, 3]},
    "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
    "repeats_per_job": 40,
    "problems": {
        "named": {"file": "named.csv", "label": f"L {MARKUP}"}
        | {"train_size": 40, "shuffle": 1}
    },
    "variants": {
        "standalone": {"pretrained": False},
        "fixed-0": {"freeze": 0},
        "fixed-1": {"freeze": 1},
        # All of its networks fail. Its name is that of pandas for missing values.
        "nan": {"training": {"learning_rate": 1_000_000}},
    },
    "studies": {
        "sizes": {
            "source": "named",
            "target": "named",
            "variants": ["standalone", "fixed-0", "fixed-1", "nan"],
            "question": f"S {MARKUP}",
            "repeats": 12,
            "target_sizes": ["all", 10],
        }
    },
}


def write(folder):
    """Write the file that the config names."""
    rng = np.random.default_rng(0)
    with (folder / "named.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["a", "b", f"L {MARKUP}"])
        for number in range(120):
            x, y = rng.normal(size=2) + number % 3
            table.writerow([f"{x:.4f}", f"{y:.4f}", f"{'xyz'[number % 3]} {MARKUP}"])
