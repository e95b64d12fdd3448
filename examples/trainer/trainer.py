"""A user-supplied trainer, with scikit-learn; docs/trainer.md describes its input."""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

job = json.loads(Path(sys.argv[1]).read_text())
data = np.load(job["problem"]["file"])
variant, training = job.get("variant"), job["training"]
rate, size = training["learning_rate"], training["batch_size"]
sgd = {"solver": "sgd", "momentum": 0, "learning_rate_init": rate}
predictions = []
for settings in job["networks"]:
    x, y = data["train_x"][settings["rows"]], data["train_y"][settings["rows"]]
    seed, hidden = settings["seed"], job["arguments"]["hidden"]
    network = MLPClassifier(hidden, random_state=seed, **sgd)
    # A first step, so that there are weights.
    network.partial_fit(x[:1], y[:1], classes=np.arange(job["problem"]["classes"]))
    weights = [*network.coefs_, *network.intercepts_]
    by_group = list(zip(job["groups"] * 2, weights, strict=True))
    if "start" in settings:
        inherited = np.load(Path(settings["start"], "weights.npz")).values()
        for (group, fresh), start in zip(by_group, inherited, strict=True):
            if group not in variant["fresh"] and fresh.shape == start.shape:
                fresh[:] = start
    frozen = [w for group, w in by_group if variant and group in variant["freeze"]]
    kept = [weight.copy() for weight in frozen]
    order = np.random.default_rng(seed)
    for _ in range(training["epochs"]):
        rows = order.permutation(len(x))
        for begin in range(0, len(rows), size):
            batch = rows[begin : begin + size]
            network.partial_fit(x[batch], y[batch])
            for weight, before in zip(frozen, kept, strict=True):
                weight[:] = before  # frozen layers take no step
    if "save" in settings:
        np.savez(Path(settings["save"], "weights.npz"), *weights)
    # No infinite number, if a probability is 0.
    predictions.append(network.predict_log_proba(data["test_x"]).clip(-99))
np.save(job["predictions"], predictions)
