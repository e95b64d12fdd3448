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
number = "repeat" if variant else "source_model"
scores, predictions = [f"{number},test_accuracy"], []
for told in job["networks"]:
    x, y = data["train_x"][told["rows"]], data["train_y"][told["rows"]]
    seed, hidden = told["seed"], job["arguments"]["hidden"]
    network = MLPClassifier(hidden, random_state=seed, **sgd)
    # A first step, so that there are weights.
    network.partial_fit(x[:1], y[:1], classes=np.arange(job["problem"]["classes"]))
    weights = [*network.coefs_, *network.intercepts_]
    named = list(zip(job["groups"] * 2, weights, strict=True))
    if "start" in told:
        theirs = np.load(Path(told["start"], "weights.npz")).values()
        for (group, own), their in zip(named, theirs, strict=True):
            if group not in variant["fresh"] and own.shape == their.shape:
                own[:] = their
    frozen = [own for group, own in named if variant and group in variant["freeze"]]
    kept = [own.copy() for own in frozen]
    order = np.random.default_rng(seed)
    for _ in range(training["epochs"]):
        for batch in np.split(order.permutation(len(x)), range(size, len(x), size)):
            network.partial_fit(x[batch], y[batch])
            for own, before in zip(frozen, kept, strict=True):
                own[:] = before  # frozen layers take no step
    if "save" in told:
        np.savez(Path(told["save"], "weights.npz"), *weights)
    # No infinite number, if a probability is 0.
    said = network.predict_log_proba(data["test_x"]).clip(-99)
    accuracy = (said.argmax(1) == data["test_y"]).mean()
    scores.append(f"{told[number]},{accuracy}")
    predictions.append(said)
np.save(job["predictions"], predictions)
Path(job["scores"]).write_text("\n".join(scores) + "\n")
