"""A user-supplied trainer, with scikit-learn; docs/trainer.md describes its input."""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier


def asked(network, x, y):
    """Return log-probabilities, accuracy and mean cross-entropy."""
    # No infinite number, if a probability is 0.
    said = network.predict_log_proba(x).clip(-99)
    return said, (said.argmax(1) == y).mean(), -said[range(len(y)), y].mean()


job = json.loads(Path(sys.argv[1]).read_text())
data = np.load(job["problem"]["file"])
variant, training = job.get("variant"), job["training"]
rate, size = training["learning_rate"], training["batch_size"]
sgd = {"solver": "sgd", "momentum": 0, "learning_rate_init": rate}
number = "repeat" if variant else "source_model"
predictions, scores = [], [f"{number},test_accuracy"]
names = "train_accuracy,train_loss,test_accuracy,test_loss"
history = [f"{number},epoch,{names}"]
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
    for epoch in range(training["epochs"] + 1):
        rows = order.permutation(len(x)) if epoch else []  # epoch 0 is the start
        for begin in range(0, len(rows), size):
            batch = rows[begin : begin + size]
            network.partial_fit(x[batch], y[batch])
            for own, before in zip(frozen, kept, strict=True):
                own[:] = before  # frozen layers take no step
        _, *of_train = asked(network, x, y)
        said, *of_test = asked(network, data["test_x"], data["test_y"])
        row = [told[number], epoch, *of_train, *of_test]
        history.append(",".join(map(str, row)))
    if "save" in told:
        np.savez(Path(told["save"], "weights.npz"), *weights)
    scores.append(f"{told[number]},{of_test[0]}")
    predictions.append(said)
np.save(job["predictions"], predictions)
for path, rows in ((job["scores"], scores), (job["history"], history)):
    Path(path).write_text("\n".join(rows) + "\n")
