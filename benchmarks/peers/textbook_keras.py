"""The textbook's comparison in Keras 3: one model after the other in one process.

Writes source-model.keras, scores.csv and boxplot.png into a folder, and prints the mean
and the standard deviation of each variant's test accuracies. KERAS_BACKEND chooses the
backend.
"""

import csv
import statistics
import sys
from pathlib import Path

import keras
import matplotlib

matplotlib.use("Agg")
import numpy as np
from keras import layers
from matplotlib import pyplot
from sklearn.datasets import make_blobs

TRAIN_SIZE = 500
REPEATS = 30
LEARNING = {"epochs": 100, "batch_size": 32, "verbose": 0}

Problem = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def make_problem(seed: int) -> Problem:
    """Return train and test features and one-hot labels."""
    x, y = make_blobs(
        n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=seed
    )
    y = keras.utils.to_categorical(y)
    return x[:TRAIN_SIZE], y[:TRAIN_SIZE], x[TRAIN_SIZE:], y[TRAIN_SIZE:]


def compiled(model: keras.Model) -> keras.Model:
    """Return a model that is ready to learn."""
    model.compile(
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.SGD(learning_rate=0.01),
        metrics=["accuracy"],
    )
    return model


def new_model() -> keras.Model:
    """Return a model with fresh weights."""
    hidden = {"activation": "relu", "kernel_initializer": "he_uniform"}
    output = layers.Dense(3, activation="softmax")
    dense = [layers.Dense(5, **hidden) for _ in range(2)]
    return compiled(keras.Sequential([keras.Input((2,)), *dense, output]))


def transferred_model(path: Path, fixed: int) -> keras.Model:
    """Return the source model, its first layers fixed."""
    model = keras.models.load_model(path)
    for layer in model.layers[:fixed]:
        layer.trainable = False
    return compiled(model)


def score(model: keras.Model, problem: Problem) -> float:
    """Train a model; return its test accuracy."""
    train_x, train_y, test_x, test_y = problem
    model.fit(train_x, train_y, **LEARNING)
    return model.evaluate(test_x, test_y, verbose=0)[1]


def main(folder: Path) -> None:
    """Pretrain the source model, train all variants, write scores and a box plot."""
    train_x, train_y, *test = make_problem(1)
    target = make_problem(2)
    source_model = new_model()
    source_model.fit(train_x, train_y, validation_data=tuple(test), **LEARNING)
    path = folder / "source-model.keras"
    source_model.save(path)

    scores = {"standalone": [score(new_model(), target) for _ in range(REPEATS)]}
    for fixed in range(3):
        scores[f"fixed-{fixed}"] = [
            score(transferred_model(path, fixed), target) for _ in range(REPEATS)
        ]

    with (folder / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["variant", "repeat", "test_accuracy"])
        for variant, values in scores.items():
            writer.writerows((variant, *row) for row in enumerate(values))
            mean, deviation = statistics.mean(values), statistics.pstdev(values)
            print(f"{variant} {mean:.3f} ({deviation:.3f})")
    pyplot.boxplot(list(scores.values()), tick_labels=list(scores))
    pyplot.savefig(folder / "boxplot.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
