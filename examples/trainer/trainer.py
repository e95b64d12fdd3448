"""A trainer of one's own, with scikit-learn; docs/trainer.md says what it is told."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

job = json.loads(Path(sys.argv[1]).read_text())
data, variant = np.load(job["problem"]["file"]), job.get("variant", {})
number = "source_model" if job["stage"] == "pretrain" else "repeat"
rows = []
for told in job["networks"]:
    x, y = data["train_x"][told["rows"]], data["train_y"][told["rows"]]
    step = {"solver": "sgd", "momentum": 0, "random_state": told["seed"]}
    step["learning_rate_init"] = job["training"]["learning_rate"]
    network = MLPClassifier(job["arguments"]["hidden"], **step)
    network.partial_fit(x[:1], y[:1], classes=np.arange(job["problem"]["classes"]))
    weights = [*network.coefs_, *network.intercepts_]
    groups = job["groups"] * 2  # of each group the weights, then the biases
    if "start" in told:
        theirs = np.load(Path(told["start"], "weights.npz")).values()
        for group, own, their in zip(groups, weights, theirs, strict=True):
            if group not in variant["fresh"] and own.shape == their.shape:
                own[:] = their
    frozen = variant.get("freeze", [])
    still = [w for g, w in zip(groups, weights, strict=True) if g in frozen]
    order = np.random.default_rng(told["seed"])
    for _ in range(job["training"]["epochs"]):
        shuffled, size = order.permutation(len(x)), job["training"]["batch_size"]
        for batch in np.split(shuffled, range(size, len(x), size)):
            before = [w.copy() for w in still]
            network.partial_fit(x[batch], y[batch])
            for own, kept in zip(still, before, strict=True):
                own[:] = kept  # what is frozen takes no step
    if "save" in told:
        np.savez(Path(told["save"], "weights.npz"), *weights)
    said = network.predict(data["test_x"])
    accuracy = (said == data["test_y"]).mean()
    failed = int((said == said[0]).all())
    rows.append({number: told[number], "test_accuracy": accuracy, "failed": failed})
with Path(job["scores"]).open("w", newline="") as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
